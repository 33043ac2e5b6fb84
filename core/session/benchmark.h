// SPDX-License-Identifier: GPL-3.0-or-later
// Speed of environments and of learning, measured inside one process so that figures can be compared as ratios.
#pragma once

#include <cstdint>
#include <string>

#include "core/config/experiment.h"
#include "core/types/error.h"

namespace knife {

struct EnvBenchmark {
    double envStepsPerS = 0.0; ///< random legal actions; observations, state and masks written
    std::int64_t envSteps = 0;
    double seconds = 0.0;
};

/// Steps `parallel` environments of that section for about `seconds` on the calling thread.
[[nodiscard]] Result<EnvBenchmark> benchmarkEnvironment(const Section& env, int parallel, double seconds);

struct LearnBenchmark {
    double updatesPerS = 0.0;    ///< batches, gradient steps and their diagnostics alone
    double envStepsPerS = 0.0;   ///< end to end
    double gflopPerUpdate = 0.0; ///< online and target forward, online backward; multiply-add = 2
    double gflops = 0.0;         ///< achieved during updates
    double sgemmGflops = 0.0;    ///< 512 × 512 × 512 on every thread, measured in the same run
    // Shares of the wall time.
    double rolloutShare = 0.0;
    double updateShare = 0.0;
    double diagnosticsShare = 0.0;
    double storeShare = 0.0;
    double diagnosticsCost = 0.0; ///< share of an update's time, from updates with and without diagnostics in turn
    double compositeSpeed = 0.0;  ///< of updates when a quarter of the willing units are composites, over that of none
    std::uint64_t residentBytesBefore = 0; ///< of the process, where measuring began and where it ended
    std::uint64_t residentBytesAfter = 0;
    double replayBytesPerEpisode = 0.0;
    std::int64_t updates = 0;
    double seconds = 0.0;
    double cpuSeconds = 0.0; ///< of all threads in that time; on a busy machine speeds say little without it
};

/// Trains an experiment in a scratch workspace with its own number of threads, without periodic evaluations, for about
/// `seconds` after a first few updates.
[[nodiscard]] Result<LearnBenchmark> benchmarkLearning(const Experiment& experiment, double seconds);

} // namespace knife
