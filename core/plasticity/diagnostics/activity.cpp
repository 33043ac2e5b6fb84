// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/diagnostics/catalogue.h"

namespace knife {

namespace {

std::vector<double> activity(const SiteMeasurement& measurement) {
    constexpr double kEpsilon = 1e-8;
    std::vector<double> values(measurement.gradNorm.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = measurement.gradNorm[i] / (measurement.weightNorm[i] + kEpsilon);
    }
    return values;
}

} // namespace

UnitStatistic makeActivity(int units) {
    return {"activity", &activity, nullptr, units};
}

UnitStatistic makeRua(int units) {
    return {"rua", &activity, &divideByLayerMean, units};
}

} // namespace knife
