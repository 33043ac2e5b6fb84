// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/diagnostics/catalogue.h"

namespace knife {

using Values = UnitStatistic::Values;

UnitStatistic makeContribution(int units) {
    return {"utility", [](const SiteMeasurement& m) { return Values(m.contribution); }, nullptr, units};
}

UnitStatistic makeAdaptableContribution(int units) {
    return {"utility_adaptable", [](const SiteMeasurement& m) { return Values(m.adaptable); }, nullptr, units};
}

} // namespace knife
