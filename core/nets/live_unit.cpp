// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/live_unit.h"

#include <algorithm>

namespace knife {

LiveUnit liveUnit(const Site& site, int unit) {
    if (site.composite != nullptr) {
        const auto& branches = site.composite->branches();
        for (auto branch = branches.rbegin(); branch != branches.rend(); ++branch) {
            const auto owner = std::ranges::lower_bound(branch->units, unit);
            if (owner != branch->units.end() && *owner == unit) {
                const auto k = static_cast<std::int64_t>(owner - branch->units.begin());
                return {branch->activeIn, branch->activeBias, k, {{branch->activeOut, k}}, {}, true};
            }
        }
    }
    LiveUnit live{.weight = site.weight, .bias = site.bias, .row = unit, .outgoing = {}, .clones = {}};
    for (const Consumer& consumer : site.consumers) {
        live.outgoing.push_back({consumer.weight, consumer.column + unit});
    }
    if (site.composite != nullptr) {
        live.clones = site.composite->clones().rowsOf(unit);
    }
    return live;
}

} // namespace knife
