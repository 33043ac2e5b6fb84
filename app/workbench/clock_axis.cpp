// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/clock_axis.h"

#include <algorithm>

namespace knife {

double clockValue(const Clocks& clocks, XClock clock) {
    switch (clock) {
    case XClock::EnvSteps:
        return static_cast<double>(clocks.envStep.value);
    case XClock::Updates:
        return static_cast<double>(clocks.update.value);
    case XClock::Episodes:
        return static_cast<double>(clocks.episode.value);
    case XClock::Wall:
        return clocks.wallS;
    }
    return 0.0;
}

std::vector<double> clockValues(const Series& series, XClock clock) {
    switch (clock) {
    case XClock::EnvSteps:
        return {series.envStep.begin(), series.envStep.end()};
    case XClock::Updates:
        return {series.update.begin(), series.update.end()};
    case XClock::Episodes:
        return {series.episode.begin(), series.episode.end()};
    case XClock::Wall:
        return series.wallS;
    }
    return {};
}

int stampAt(const std::vector<FrameStamp>& stamps, XClock clock, double x) {
    if (stamps.empty()) {
        return -1;
    }
    const auto after =
        std::upper_bound(stamps.begin(), stamps.end(), x, [clock](double value, const FrameStamp& stamp) {
            return value < clockValue(stamp.clocks, clock);
        });
    return std::max(0, static_cast<int>(after - stamps.begin()) - 1);
}

} // namespace knife
