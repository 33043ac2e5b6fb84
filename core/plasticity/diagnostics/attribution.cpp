// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/diagnostics/catalogue.h"

namespace knife {

using Values = UnitStatistic::Values;

UnitStatistic makeAttribution(int units) {
    return {"gxd", [](const SiteMeasurement& m) { return Values(m.attribution); }, nullptr, units};
}

UnitStatistic makeCentredAttribution(int units) {
    return {"gxd_centred", [](const SiteMeasurement& m) { return Values(m.centredAttribution); }, nullptr, units};
}

} // namespace knife
