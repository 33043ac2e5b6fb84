// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/store/write_batch.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

#include <fmt/format.h>

namespace knife {

namespace {

std::size_t bytesOf(const std::vector<std::string>& texts) {
    std::size_t bytes = texts.size() * sizeof(std::string);
    for (const std::string& text : texts) {
        bytes += text.size();
    }
    return bytes;
}

std::size_t sceneBytes(const std::monostate& /*nothing*/) {
    return 0;
}

std::size_t sceneBytes(const MatrixView& matrix) {
    std::size_t floats = matrix.payoff.size() + matrix.learnedQTot.size();
    for (const std::vector<float>& utilities : matrix.learnedQ) {
        floats += utilities.size();
    }
    return floats * sizeof(float) + (matrix.shape.size() + matrix.lastActions.size()) * sizeof(int);
}

std::size_t sceneBytes(const BoardView& board) {
    return board.pieces.size() * sizeof(BoardView::Piece) + bytesOf(board.actionNames);
}

std::size_t sceneBytes(const BattleView& battle) {
    return battle.ground.size() + battle.heights.size() * sizeof(float) +
           battle.units.size() * sizeof(BattleView::Unit) + bytesOf(battle.actionNames);
}

std::size_t sceneBytes(const PlaneView& plane) {
    return plane.bodies.size() * sizeof(PlaneView::Body) + bytesOf(plane.actionNames);
}

} // namespace

void WriteBatch::append(WriteBatch later) {
    const auto move = [](auto& into, auto& from) {
        into.insert(into.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
    };
    move(points, later.points);
    move(events, later.events);
    move(frames, later.frames);
    move(surgeries, later.surgeries);
    move(episodes, later.episodes);
    if (later.progress) {
        progress = std::move(later.progress);
    }
}

std::size_t bytesOf(const NeuronFrame& frame) {
    std::size_t bytes = sizeof frame;
    for (const SiteSnapshot& site : frame.sites) {
        bytes += sizeof site + site.composites.size() * sizeof(CompositeInfo);
        for (const UnitDiagnostic& diagnostic : site.diagnostics) {
            bytes += sizeof diagnostic + diagnostic.values.size() * sizeof(float);
        }
    }
    return bytes;
}

std::size_t bytesOf(const EpisodeRecording& recording) {
    std::size_t bytes = sizeof recording;
    for (const EnvView& moment : recording.moments) {
        bytes += sizeof moment + bytesOf(moment.featureNames) +
                 std::visit([](const auto& scene) { return sceneBytes(scene); }, moment.scene);
        for (const ChoiceView& choice : moment.choices) {
            bytes += sizeof choice + (choice.observation.size() + choice.values.size()) * sizeof(float) +
                     choice.legal.size();
        }
    }
    return bytes;
}

PendingEvent leftOut(const EpisodeRecording& recording) {
    return {recording.clocks, "recording_left_out",
            fmt::format("an episode of {} steps is too large to be recorded",
                        std::max<std::size_t>(recording.moments.size(), 1) - 1),
            std::string()};
}

} // namespace knife
