// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/neurons/heatmap_scale.h"

#include <algorithm>
#include <cmath>

#include "widgets/plot/ticks.h"

namespace knife {

ColourScale fitScale(const NeuronFrame& frame, const QString& diagnostic, ScaleWish wish) {
    const bool logarithmic = wish == ScaleWish::Logarithmic;
    const std::string name = diagnostic.toStdString();
    double lowest = 0.0;
    double highest = 0.0;
    double leastPositive = 0.0;
    for (const SiteSnapshot& site : frame.sites) {
        const UnitDiagnostic* found = site.find(name);
        for (const float value : found != nullptr ? found->values : std::vector<float>()) {
            if (std::isfinite(value)) {
                lowest = std::min<double>(lowest, value);
                highest = std::max<double>(highest, value);
                leastPositive = value > 0 && (leastPositive == 0.0 || value < leastPositive) ? value : leastPositive;
            }
        }
    }
    if (name == "rua" && logarithmic) {
        // Fixed to the thresholds and not to the data: the same colour always means the same activity.
        const double reach = 4.0 * std::max<double>(frame.volatileAbove, 1.0 / std::max(frame.staleBelow, 1e-3F));
        return {ColourScale::Kind::LogAroundOne, 1.0 / reach, reach};
    }
    if (lowest < 0.0) {
        const double reach = niceAbove(std::max(-lowest, highest));
        return {ColourScale::Kind::AroundZero, -reach, reach};
    }
    const double upper = highest > 0.0 ? niceAbove(highest) : 1.0;
    if (logarithmic && leastPositive > 0.0) {
        const double floor = std::pow(10.0, std::floor(std::log10(leastPositive)));
        return {ColourScale::Kind::Log, std::max(floor, upper * 1e-6), upper};
    }
    return {ColourScale::Kind::Linear, 0.0, upper};
}

} // namespace knife
