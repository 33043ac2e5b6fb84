// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/diagnostics/catalogue.h"

namespace knife {

using Values = UnitStatistic::Values;

UnitStatistic makeGradNorm(int units) {
    return {"grad_norm", [](const SiteMeasurement& m) { return Values(m.gradNorm); }, nullptr, units};
}

UnitStatistic makeWeightNorm(int units) {
    return {"weight_norm", [](const SiteMeasurement& m) { return Values(m.weightNorm); }, nullptr, units};
}

UnitStatistic makeSaliency(int units) {
    return {"saliency", [](const SiteMeasurement& m) { return Values(m.saliency); }, nullptr, units};
}

UnitStatistic makeDistance(int units) {
    return {"distance", [](const SiteMeasurement& m) { return Values(m.distance); }, nullptr, units};
}

} // namespace knife
