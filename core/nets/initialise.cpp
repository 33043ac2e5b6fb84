// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/initialise.h"

#include <cmath>

#include <ATen/ATen.h>

namespace knife {

double linearBound(std::int64_t fanIn) {
    return 1.0 / std::sqrt(static_cast<double>(fanIn));
}

at::Tensor drawUniform(const std::vector<std::int64_t>& shape, double bound, const StreamKey& key) {
    at::Tensor tensor = at::empty(shape, at::kFloat);
    CounterRng rng(key);
    float* values = tensor.data_ptr<float>();
    for (std::int64_t i = 0; i < tensor.numel(); ++i) {
        values[i] = static_cast<float>(rng.uniform(-bound, bound));
    }
    return tensor;
}

} // namespace knife
