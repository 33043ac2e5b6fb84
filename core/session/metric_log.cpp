// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/session/metric_log.h"

#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace knife {

namespace {

constexpr std::int64_t kStretchEnvSteps = 100;

// Checkpoints hold them by number: a new one goes to the end.
enum Averaged : std::size_t {
    Loss,
    TdError,
    QTot,
    Target,
    GradNorm,
    Clipped,
    Return,
    Length,
    Won,
    GradNormClipped,
    AveragedCount
};

constexpr std::array<const char*, AveragedCount> kAveragedNames{
    "train/loss",       "train/td_error_abs", "train/q_tot",  "train/target",   "train/grad_norm",
    "train/clip_share", "train/return",       "train/length", "train/win_rate", "train/grad_norm_clipped"};

} // namespace

MetricLog::MetricLog(RunWriter& store, bool hasWin)
    : m_store(store),
      m_hasWin(hasWin),
      m_epsilon(store.metric("train/epsilon")),
      m_replay(store.metric("train/replay_episodes")) {
    for (const char* name : kAveragedNames) {
        m_handles.push_back(store.metric(name));
    }
    m_state.means.resize(AveragedCount);
}

void MetricLog::addUpdate(const UpdateReport& report) {
    m_state.means[Loss].add(report.loss);
    m_state.means[TdError].add(report.tdErrorAbs);
    m_state.means[QTot].add(report.qTotMean);
    m_state.means[Target].add(report.targetMean);
    m_state.means[GradNorm].add(report.gradNorm);
    m_state.means[Clipped].add(report.clipped ? 1.0 : 0.0);
    m_state.means[GradNormClipped].add(report.gradNormClipped);
}

void MetricLog::addEpisode(const EpisodeRecord& episode) {
    m_state.means[Return].add(episode.totalReward);
    m_state.means[Length].add(episode.length);
    if (m_hasWin) {
        m_state.means[Won].add(episode.won ? 1.0 : 0.0);
    }
}

void MetricLog::storeTraining(const Clocks& clocks, double epsilon, std::size_t replayEpisodes) {
    if (clocks.envStep.value - m_state.lastEnvStep < kStretchEnvSteps) {
        return;
    }
    m_state.lastEnvStep = clocks.envStep.value;
    for (std::size_t i = 0; i < AveragedCount; ++i) {
        RunningMean& mean = m_state.means[i];
        if (mean.count > 0) {
            m_store.point(m_handles[i], clocks, mean.sum / static_cast<double>(mean.count));
        }
        mean = {};
    }
    m_store.point(m_epsilon, clocks, epsilon);
    m_store.point(m_replay, clocks, static_cast<double>(replayEpisodes));
}

void MetricLog::storeStagnation(const Clocks& clocks, const std::vector<StagnationSummary>& summaries) {
    for (const StagnationSummary& summary : summaries) {
        const std::string prefix =
            fmt::format("plasticity/{}/", summary.site.empty() ? "all" : std::string_view(summary.site));
        const auto put = [&](const char* name, double value) {
            if (!std::isnan(value)) {
                store(prefix + name, clocks, value);
            }
        };
        put("stagnant", summary.stagnant);
        put("volatile", summary.volatileShare);
        put("dormant", summary.dormant);
        put("dead", summary.dead);
        put("rua_p10", summary.ruaP10);
        put("low_grama", summary.lowGrama);
        put("futile", summary.futile);
        put("over_active", summary.overActive);
    }
}

void MetricLog::storeOverlap(const Clocks& clocks, const std::vector<StagnationSummary>& summaries,
                             const std::string& sites) {
    for (const StagnationSummary& summary : summaries) {
        if (sites == "none" || (sites == "pooled" && !summary.site.empty())) {
            continue;
        }
        const std::string prefix =
            fmt::format("plasticity/{}/", summary.site.empty() ? "all" : std::string_view(summary.site));
        const auto put = [&](const std::string& name, double value) {
            if (!std::isnan(value)) {
                store(prefix + name, clocks, value);
            }
        };
        for (const UnitFlag a : allUnitFlags()) {
            put(fmt::format("still_{}", nameOf(a)), summary.turnover.persistence(a));
            for (const UnitFlag b : allUnitFlags()) {
                if (a < b) {
                    put(fmt::format("overlap/{}/{}", nameOf(a), nameOf(b)), summary.overlap.jaccard(a, b));
                }
            }
        }
    }
}

void MetricLog::storeNetworks(const Clocks& clocks, const std::vector<NetworkValue>& values) {
    for (const NetworkValue& value : values) {
        if (std::isfinite(value.value)) {
            store(value.name, clocks, value.value);
        }
    }
}

void MetricLog::store(std::string_view metric, const Clocks& clocks, double value) {
    m_store.point(m_store.metric(metric), clocks, value);
}

void MetricLog::restore(State state) {
    m_state = std::move(state);
}

} // namespace knife
