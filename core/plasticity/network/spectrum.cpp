// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/network/spectrum.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include <ATen/ATen.h>

namespace knife {

namespace {

constexpr double kDelta = 0.01; // Kumar et al. 2021

double leading(const std::vector<double>& descending, double total) {
    double sum = 0.0;
    for (std::size_t k = 0; k < descending.size(); ++k) {
        sum += descending[k];
        if (sum >= (1.0 - kDelta) * total) {
            return static_cast<double>(k + 1);
        }
    }
    return static_cast<double>(descending.size());
}

} // namespace

Ranks ranksOf(std::vector<double> singular) {
    std::ranges::sort(singular, std::greater<>{});
    std::vector<double> squares = singular;
    for (double& value : squares) {
        value *= value;
    }
    const double sum = std::reduce(singular.begin(), singular.end());
    const double sumSq = std::reduce(squares.begin(), squares.end());
    if (!(sumSq > 0.0)) {
        return {};
    }
    double entropy = 0.0;
    double fourth = 0.0;
    for (const double s : singular) {
        const double p = s / sum;
        entropy -= p > 0.0 ? p * std::log(p) : 0.0;
        fourth += s * s * s * s;
    }
    return {.srank = leading(singular, sum),
            .approximate = leading(squares, sumSq),
            .effective = std::exp(entropy),
            .frobStable = sumSq / squares.front(),
            .participation = sum * sum / sumSq,
            .participationSq = sumSq * sumSq / fourth};
}

std::vector<double> eigenvalues(const at::Tensor& symmetric) {
    const at::Tensor values = at::linalg_eigvalsh(symmetric.to(at::kDouble).cpu()).contiguous();
    const double* first = values.data_ptr<double>();
    std::vector<double> result(first, first + values.numel());
    std::ranges::transform(result, result.begin(), [](double value) { return std::max(value, 0.0); });
    return result;
}

std::vector<double> singularValues(const at::Tensor& features) {
    const at::Tensor exact = features.to(at::kDouble);
    std::vector<double> values = eigenvalues(at::mm(exact.t(), exact));
    std::ranges::transform(values, values.begin(), [](double value) { return std::sqrt(value); });
    return values;
}

} // namespace knife
