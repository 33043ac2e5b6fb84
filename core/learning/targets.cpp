// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/learning/targets.h"

namespace knife {

std::vector<float> tdLambdaTargets(const TargetSpec& spec, std::span<const float> qHat, std::span<const float> reward,
                                   std::span<const int> lengths, std::span<const char> terminated,
                                   std::span<const float> qTaken) {
    const auto episodes = static_cast<std::size_t>(spec.episodes);
    const auto outputs = static_cast<std::size_t>(spec.outputs);
    const std::size_t stride = episodes * outputs;
    std::vector<float> targets(static_cast<std::size_t>(spec.steps) * stride, 0.F);
    for (std::size_t b = 0; b < episodes; ++b) {
        const auto length = static_cast<std::size_t>(lengths[b]);
        for (std::size_t k = 0; k < outputs; ++k) {
            const std::size_t column = b * outputs + k;
            // Past a terminal step nothing follows; past a truncated one the value goes on.
            double next = terminated[b] != 0 ? 0.0 : static_cast<double>(qHat[length * stride + column]);
            double lambdaReturn = next;
            for (std::size_t t = length; t-- > 0;) {
                const std::size_t cell = t * stride + column;
                double gain = static_cast<double>(reward[t * episodes + b]);
                if (!qTaken.empty()) {
                    gain += static_cast<double>(qHat[cell]) - static_cast<double>(qTaken[cell]);
                }
                lambdaReturn = spec.lambda * spec.gamma * lambdaReturn + gain + (1.0 - spec.lambda) * spec.gamma * next;
                targets[cell] = static_cast<float>(lambdaReturn);
                next = static_cast<double>(qHat[cell]);
            }
        }
    }
    return targets;
}

} // namespace knife
