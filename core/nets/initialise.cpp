// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/initialise.h"

#include <algorithm>
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

at::Tensor drawOrthogonal(std::int64_t rows, std::int64_t columns, double gain, const StreamKey& key) {
    const std::int64_t longer = std::max(rows, columns);
    const std::int64_t shorter = std::min(rows, columns);
    at::Tensor normal = at::empty({longer, shorter}, at::kDouble);
    CounterRng rng(key);
    double* values = normal.data_ptr<double>();
    for (std::int64_t i = 0; i < normal.numel(); ++i) {
        values[i] = rng.normal();
    }
    const auto [q, r] = at::linalg_qr(normal);
    const at::Tensor unique = q * r.diagonal().sign(); // without the signs the distribution is not uniform
    const at::Tensor matrix = rows < columns ? unique.t() : unique;
    return (gain * matrix).to(at::kFloat).contiguous();
}

Parameter* declareUniform(ParameterSet& parameters, const std::string& name, const std::vector<std::int64_t>& shape,
                          std::int64_t fanIn, std::uint64_t seed) {
    return parameters.declare(name, drawUniform(shape, linearBound(fanIn), {seed, "init/" + name, 0}));
}

} // namespace knife
