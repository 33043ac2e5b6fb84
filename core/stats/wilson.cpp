// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stats/wilson.h"

#include <algorithm>
#include <cmath>

#include <boost/math/distributions/normal.hpp>

namespace knife {

ShareInterval wilsonInterval(std::int64_t successes, std::int64_t trials, double level) {
    if (trials == 0) {
        return {};
    }
    const double z = boost::math::quantile(boost::math::normal(), 0.5 + level / 2.0);
    const auto n = static_cast<double>(trials);
    const double share = static_cast<double>(successes) / n;
    const double widening = 1.0 + z * z / n;
    const double centre = (share + z * z / (2.0 * n)) / widening;
    const double half = z / widening * std::sqrt(share * (1.0 - share) / n + z * z / (4.0 * n * n));
    // The ends are 0 and 1 exactly where none or all were successes, but for rounding.
    return {successes == 0 ? 0.0 : std::max(0.0, centre - half),
            successes == trials ? 1.0 : std::min(1.0, centre + half)};
}

} // namespace knife
