// SPDX-License-Identifier: GPL-3.0-or-later
// Training figures on their way to the store: averaged over short stretches of env steps, so that the number of points
// follows the budget and not the speed of the machine.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/learning/episode.h"
#include "core/learning/learner.h"
#include "core/plasticity/diagnostics.h"
#include "core/plasticity/network/diagnostic.h"
#include "core/store/run_writer.h"
#include "core/types/clocks.h"

namespace knife {

/// A sum and a count that a checkpoint can hold.
struct RunningMean {
    double sum = 0.0;
    std::int64_t count = 0;
    void add(double value) {
        sum += value;
        ++count;
    }
};

class MetricLog {
  public:
    /// `store` must outlive the log. `hasWin`: whether the environment's episodes are won or lost.
    MetricLog(RunWriter& store, bool hasWin);

    void addUpdate(const UpdateReport& report);
    void addEpisode(const EpisodeRecord& episode);
    /// Stores the means gathered since the last point, if the stretch is over.
    void storeTraining(const Clocks& clocks, double epsilon, std::size_t replayEpisodes);
    void storeStagnation(const Clocks& clocks, const std::vector<StagnationSummary>& summaries);
    /// How flags of units agree, and how many of them last: `sites` as diagnostics.overlap has it.
    void storeOverlap(const Clocks& clocks, const std::vector<StagnationSummary>& summaries, const std::string& sites);
    /// Values that are not finite are left out.
    void storeNetworks(const Clocks& clocks, const std::vector<NetworkValue>& values);
    void store(std::string_view metric, const Clocks& clocks, double value);

    struct State {
        std::vector<RunningMean> means;
        std::int64_t lastEnvStep = 0;
    };
    [[nodiscard]] const State& state() const { return m_state; }
    void restore(State state);

  private:
    RunWriter& m_store;
    bool m_hasWin;
    std::vector<MetricHandle> m_handles; ///< of the averaged metrics, in the order of State::means
    MetricHandle m_epsilon;
    MetricHandle m_replay;
    State m_state;
};

} // namespace knife
