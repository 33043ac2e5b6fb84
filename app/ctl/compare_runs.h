// SPDX-License-Identifier: GPL-3.0-or-later
// What `compare` needs of the runs of a workspace.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/stats/arm_figures.h"
#include "core/stats/arms.h"
#include "core/types/error.h"

namespace knife {

struct RunChoice {
    std::vector<std::string> runs;        ///< as RunReader::resolve() takes them
    std::vector<std::string> experiments; ///< every run of these
    bool all = false;
};

/// Runs with their configurations and evaluations; one of each configuration and seed.
struct ComparedRuns {
    std::vector<RunConfig> configs;
    std::vector<RunCurves> curves;  ///< of the same runs
    std::vector<std::string> notes; ///< which runs were left out and why, and what is uneven about the rest
};

/// Reads the chosen runs, oldest first. Left out with a note: runs that have not finished, that have no evaluations of
/// `metric` on a task or one that is not finite, forks that were not named, and older ones of equal runs.
/// ErrorCode::NotFound when none is left.
[[nodiscard]] Result<ComparedRuns> readRuns(const std::filesystem::path& workspace, const RunChoice& choice,
                                            const std::string& metric);

/// Dotted keys and values of an experiment file; empty when it is no TOML.
[[nodiscard]] FlatConfig flatten(const std::string& toml);

} // namespace knife
