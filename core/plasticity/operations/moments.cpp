// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/operations/moments.h"

#include <ATen/ATen.h>

namespace knife {

void settleMoments(const Parameter& parameter, std::int64_t dimension, const std::vector<std::int64_t>& touched,
                   OptimiserPolicy policy) {
    if (!parameter.moment1.defined() || touched.empty() || policy == OptimiserPolicy::Keep) {
        return;
    }
    const at::Tensor index = at::tensor(touched, at::kLong).to(parameter.value.device());
    const std::int64_t others = parameter.value.size(dimension) - index.numel();
    at::Tensor fill = at::zeros({}, parameter.moment2.options());
    if (policy == OptimiserPolicy::MeanFill && others > 0) {
        const at::Tensor all = parameter.moment2.sum(dimension, /*keepdim=*/true);
        const at::Tensor rewritten = parameter.moment2.index_select(dimension, index).sum(dimension, /*keepdim=*/true);
        fill = ((all - rewritten) / static_cast<double>(others)).clamp_min(0.0);
    }
    at::Tensor second = parameter.moment2;
    at::Tensor first = parameter.moment1;
    second.index_copy_(dimension, index, fill.expand_as(second.index_select(dimension, index)).contiguous());
    first.index_fill_(dimension, index, 0.0);
}

} // namespace knife
