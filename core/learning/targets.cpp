// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/learning/targets.h"

namespace knife {

std::vector<float> tdLambdaTargets(const TargetSpec& spec, std::span<const float> qHat, std::span<const float> reward,
                                   std::span<const int> lengths, std::span<const char> terminated) {
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
                lambdaReturn = spec.lambda * spec.gamma * lambdaReturn + static_cast<double>(reward[t * episodes + b]) +
                               (1.0 - spec.lambda) * spec.gamma * next;
                targets[t * stride + column] = static_cast<float>(lambdaReturn);
                next = static_cast<double>(qHat[t * stride + column]);
            }
        }
    }
    return targets;
}

} // namespace knife
