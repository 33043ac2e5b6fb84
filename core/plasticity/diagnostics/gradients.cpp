// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/diagnostics/catalogue.h"

namespace knife {

using Values = UnitStatistic::Values;

UnitStatistic makeGrama(int units) {
    return {"grama", [](const SiteMeasurement& m) { return Values(m.meanAbsGradient); }, &divideByLayerMean, units};
}

UnitStatistic makeEfficiency(int units) {
    return {"efficiency", [](const SiteMeasurement& m) { return Values(m.efficiency); }, nullptr, units};
}

} // namespace knife
