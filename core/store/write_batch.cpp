// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/store/write_batch.h"

#include <iterator>
#include <utility>

namespace knife {

void WriteBatch::append(WriteBatch later) {
    const auto move = [](auto& into, auto& from) {
        into.insert(into.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
    };
    move(points, later.points);
    move(events, later.events);
    move(frames, later.frames);
    move(surgeries, later.surgeries);
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

} // namespace knife
