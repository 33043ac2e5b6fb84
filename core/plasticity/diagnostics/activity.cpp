// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/diagnostics/catalogue.h"

namespace knife {

namespace {

UnitStatistic::Values activity(const SiteMeasurement& measurement) {
    return measurement.activity;
}

} // namespace

UnitStatistic makeActivity(int units) {
    return {"activity", &activity, nullptr, units};
}

UnitStatistic makeRua(int units) {
    return {"rua", &activity, &divideByLayerMean, units};
}

} // namespace knife
