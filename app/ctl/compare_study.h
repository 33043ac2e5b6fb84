// SPDX-License-Identifier: GPL-3.0-or-later
// A comparison as a value: arms and every figure that is said of them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "app/ctl/compare_runs.h"
#include "core/stats/arm_figures.h"
#include "core/stats/arms.h"
#include "core/stats/baseline_figures.h"
#include "core/stats/bootstrap.h"
#include "core/stats/fresh_figures.h"
#include "core/stats/retention_figures.h"
#include "core/types/error.h"

namespace knife {

struct StudyOptions {
    std::string metric = "test/return";
    std::string by;           ///< key that makes the arms; empty: whole configurations
    std::string fresh;        ///< selector of the fresh arms; empty: none
    std::string baseline;     ///< selector; empty: arms without interventions
    bool finalScores = false; ///< mean of the last tenth of the evaluations instead of the area under the curve
    /// Scores are scaled so that `zero` becomes 0 and `one` 1; without `one` the best end of the fresh runs, per task.
    struct Scale {
        double zero = 0.0;
        std::optional<double> one;
    };
    std::optional<Scale> scale;
    BootstrapOptions bootstrap;
};

/// An arm with what it is compared to.
struct StudyArm {
    Arm arm;
    ArmCurves curves;
    ArmFigures figures;
    std::optional<RetentionFigures> retention;
    std::vector<Estimate> profile; ///< share of scores above each of Study::taus
    std::string freshName;         ///< of the arm it is compared with; empty: none
    std::optional<FreshFigures> fresh;
    std::optional<std::size_t> baseline; ///< index of the arm it is compared with
    std::optional<BaselineFigures> besideBaseline;
};

struct Study {
    StudyOptions options;
    std::vector<RunConfig> configs;
    std::vector<StudyArm> arms;
    std::vector<DifferingKey> diff;
    std::vector<double> taus;
    std::vector<std::string> notes;
};

/// ErrorCode::Usage for a key or selector that means nothing, and for a scale that is none.
[[nodiscard]] Result<Study> makeStudy(ComparedRuns runs, const StudyOptions& options);

} // namespace knife
