// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/diagnostics/activation_gradients.h"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

#include "core/plasticity/diagnostics/host_values.h"

namespace knife {

namespace {

float slopeOf(SiteActivation activation, float h) {
    const float below = activation == SiteActivation::Elu ? h + 1.F : 0.F;
    return h > 0.F ? 1.F : below;
}

std::int64_t countedRows(const GradientRows& rows) {
    return std::min(rows.hidden.size(0), rows.include.size(0));
}

} // namespace

GradientTotals gradientTotals(const GradientRows& rows) {
    const std::int64_t n = rows.hidden.size(1);
    const auto width = static_cast<std::size_t>(n);
    GradientTotals totals{.magnitude = std::vector<double>(width, 0.0),
                          .gradient = std::vector<double>(width, 0.0),
                          .byAgent = std::vector<double>(width * static_cast<std::size_t>(rows.agents), 0.0)};
    const HostValues hidden(rows.hidden);
    const HostValues gradient(rows.gradient);
    const HostValues include(rows.include);
    for (std::int64_t row = 0; row < countedRows(rows); ++row) {
        if (include.data()[row] == 0.F) {
            continue;
        }
        ++totals.rows;
        const float* h = hidden.data() + row * n;
        const float* g = gradient.data() + row * n;
        double* magnitude = totals.magnitude.data();
        double* sum = totals.gradient.data();
        double* gain = totals.byAgent.data() + (row % rows.agents) * n;
        for (std::int64_t j = 0; j < n; ++j) {
            magnitude[j] += static_cast<double>(std::abs(g[j]) * slopeOf(rows.activation, h[j]));
            sum[j] += static_cast<double>(g[j]);
            gain[j] += static_cast<double>(h[j] * g[j]);
        }
    }
    for (std::vector<double>* sums : {&totals.magnitude, &totals.gradient}) {
        for (double& value : *sums) {
            value /= static_cast<double>(std::max<std::int64_t>(totals.rows, 1));
        }
    }
    return totals;
}

std::vector<double> efficiencies(std::span<const double> byAgent, std::size_t n) {
    std::vector<double> result(n, 1.0);
    for (std::size_t j = 0; j < n; ++j) {
        double sum = 0.0;
        double magnitudes = 0.0;
        for (std::size_t i = j; i < byAgent.size(); i += n) {
            sum += byAgent[i];
            magnitudes += std::abs(byAgent[i]);
        }
        if (magnitudes > 0.0) {
            result[j] = std::abs(sum) / magnitudes;
        }
    }
    return result;
}

std::vector<double> attributions(const GradientTotals& totals, std::span<const double> references) {
    const std::size_t n = totals.gradient.size();
    std::vector<double> result(n);
    for (std::size_t j = 0; j < n; ++j) {
        double gain = 0.0;
        for (std::size_t i = j; i < totals.byAgent.size(); i += n) {
            gain += totals.byAgent[i];
        }
        result[j] = std::abs(gain / static_cast<double>(std::max<std::int64_t>(totals.rows, 1)) -
                             references[j] * totals.gradient[j]);
    }
    return result;
}

at::Tensor rowGradientOfAgent(const GradientRows& rows, const at::Tensor& input, std::int64_t agent) {
    const at::NoGradGuard noGrad;
    const std::int64_t count = countedRows(rows);
    const auto ofAgent = [&](const at::Tensor& all) {
        return all.slice(0, agent, count, rows.agents);
    };
    const at::Tensor h = ofAgent(rows.hidden);
    const at::Tensor below = rows.activation == SiteActivation::Elu ? h + 1 : at::zeros_like(h);
    const at::Tensor slope = at::where(h > 0, at::ones_like(h), below);
    const at::Tensor counts = ofAgent(rows.include).unsqueeze(1) != 0;
    const at::Tensor delta = at::where(counts, ofAgent(rows.gradient) * slope, at::zeros_like(h));
    return at::mm(delta.t(), ofAgent(input));
}

} // namespace knife
