// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/diagnostics/catalogue.h"

namespace knife {

using Values = UnitStatistic::Values;

UnitStatistic makeActivation(int units) {
    return {"activation", [](const SiteMeasurement& m) { return Values(m.meanActivation); }, nullptr, units};
}

UnitStatistic makeDormancy(int units) {
    return {"dormancy", [](const SiteMeasurement& m) { return Values(m.meanAbsActivation); }, &divideByLayerMean,
            units};
}

UnitStatistic makeFiringShare(int units) {
    return {"firing_share", [](const SiteMeasurement& m) { return Values(m.firingShare); }, nullptr, units};
}

UnitStatistic makeSaturation(int units) {
    return {"saturation", [](const SiteMeasurement& m) { return Values(m.saturatedShare); }, nullptr, units};
}

} // namespace knife
