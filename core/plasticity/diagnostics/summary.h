// SPDX-License-Identifier: GPL-3.0-or-later
// Frames as shares of units.
#pragma once

#include <string>
#include <vector>

#include "core/config/experiment.h"
#include "core/types/snapshot.h"
#include "core/types/unit_flags.h"

namespace knife {

/// Shares of units of one site, or of all sites pooled with units as weights. NaN: not measured.
struct StagnationSummary {
    std::string site; ///< empty: pooled
    double stagnant = 0.0;
    double volatileShare = 0.0;
    double dormant = 0.0;
    double dead = 0.0;
    double ruaP10 = 0.0; ///< tenth percentile of RUA
    double lowGrama = 0.0;
    double futile = 0.0;
    double overActive = 0.0;
    FlagOverlap overlap;
    FlagTurnover turnover; ///< between the last two closed windows; empty unless one has just been closed
};

/// All sites of the frame, then the pooled one.
[[nodiscard]] std::vector<StagnationSummary> summarise(const NeuronFrame& frame, const DiagnosticsConfig& config);

} // namespace knife
