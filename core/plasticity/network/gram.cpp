// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/network/gram.h"

#include <cmath>

#include <ATen/ATen.h>

namespace knife {

namespace {

constexpr double kOpposed = -0.1; // Lyle et al. 2023
constexpr double kAligned = 0.9;

} // namespace

at::Tensor gramOf(const at::Tensor& gradients, const std::vector<GradientSlice>& slices, const std::string& module) {
    const std::int64_t count = gradients.size(0);
    at::Tensor gram = at::zeros({count, count}, gradients.options().dtype(at::kDouble));
    for (const GradientSlice& slice : slices) {
        if (module == "all" || slice.module == module) {
            const at::Tensor part = gradients.narrow(1, slice.begin, slice.length).to(at::kDouble);
            gram += at::mm(part, part.t());
        }
    }
    return gram.cpu();
}

PairedCosines cosinesOf(const at::Tensor& gram) {
    const auto at2 = gram.accessor<double, 2>();
    double sum = 0.0;
    double opposed = 0.0;
    double aligned = 0.0;
    double pairs = 0.0;
    for (std::int64_t i = 0; i < gram.size(0); ++i) {
        for (std::int64_t j = 0; j < i; ++j) {
            const double length = std::sqrt(at2[i][i]) * std::sqrt(at2[j][j]);
            if (!(length > 0.0)) {
                continue;
            }
            const double cosine = at2[i][j] / length;
            sum += cosine;
            opposed += cosine < kOpposed ? 1.0 : 0.0;
            aligned += cosine > kAligned ? 1.0 : 0.0;
            pairs += 1.0;
        }
    }
    return {sum / pairs, opposed / pairs, aligned / pairs};
}

} // namespace knife
