// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/mixers/quantile_loss.h"

#include <algorithm>

#include <ATen/ATen.h>

namespace knife {

at::Tensor midpoints(std::int64_t count) {
    return (at::arange(count, at::kFloat) * 2 + 1) / static_cast<double>(2 * count);
}

at::Tensor drawFractions(const std::vector<std::int64_t>& shape, const StreamKey& key) {
    at::Tensor fractions = at::empty(shape, at::kFloat);
    CounterRng rng(key);
    float* to = fractions.data_ptr<float>();
    std::generate(to, to + fractions.numel(), [&] { return static_cast<float>(rng.uniform()); });
    return fractions;
}

at::Tensor quantileHuber(const at::Tensor& values, const at::Tensor& fractions, const at::Tensor& targets) {
    const at::Tensor value = values.detach().cpu().contiguous();
    const at::Tensor fraction = fractions.cpu().contiguous();
    const at::Tensor target = targets.cpu().contiguous();
    const std::int64_t quantiles = values.size(-1);
    const std::int64_t samples = targets.size(-1);
    at::Tensor loss = at::empty_like(value);  // per quantile
    at::Tensor slope = at::empty_like(value); // minus its derivative
    for (std::int64_t i = 0; i < value.numel(); ++i) {
        const float v = value.data_ptr<float>()[i];
        const float tau = fraction.data_ptr<float>()[i];
        const float* y = target.data_ptr<float>() + i / quantiles * samples;
        float sum = 0.F;
        float slopes = 0.F;
        for (std::int64_t k = 0; k < samples; ++k) {
            const float u = y[k] - v;
            const float weight = u <= 0.F ? 1.F - tau : tau;
            const float within = std::clamp(u, -1.F, 1.F); // the derivative of huber(u) = within (u - within / 2)
            sum += weight * within * (u - 0.5F * within);
            slopes += weight * within;
        }
        loss.data_ptr<float>()[i] = sum / static_cast<float>(samples);
        slope.data_ptr<float>()[i] = slopes / static_cast<float>(samples);
    }
    // The difference is zero and carries the derivative: the K x K' terms need no graph.
    return (loss.to(values.device()) - slope.to(values.device()) * (values - values.detach())).sum(-1);
}

} // namespace knife
