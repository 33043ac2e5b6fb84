// SPDX-License-Identifier: GPL-3.0-or-later
#include <array>

#include "core/plasticity/diagnostics/catalogue.h"

namespace knife {

std::vector<UnitStatistic> makeUnitStatistics(int units) {
    // A new diagnostic is one file and one line here.
    constexpr std::array kMakers{
        &makeRua, &makeActivity, &makeGradNorm, &makeWeightNorm, &makeActivation, &makeDormancy, &makeFiringShare,
    };
    std::vector<UnitStatistic> statistics;
    for (const auto make : kMakers) {
        statistics.push_back(make(units));
    }
    return statistics;
}

} // namespace knife
