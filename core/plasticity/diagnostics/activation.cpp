// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/diagnostics/catalogue.h"

namespace knife {

UnitStatistic makeActivation(int units) {
    return {"activation", [](const SiteMeasurement& m) { return m.meanActivation; }, nullptr, units};
}

UnitStatistic makeDormancy(int units) {
    return {"dormancy", [](const SiteMeasurement& m) { return m.meanAbsActivation; }, &divideByLayerMean, units};
}

UnitStatistic makeFiringShare(int units) {
    return {"firing_share", [](const SiteMeasurement& m) { return m.firingShare; }, nullptr, units};
}

} // namespace knife
