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
    GradientTotals totals{std::vector<double>(width, 0.0),
                          std::vector<double>(width * static_cast<std::size_t>(rows.agents), 0.0)};
    const HostValues hidden(rows.hidden);
    const HostValues gradient(rows.gradient);
    const HostValues include(rows.include);
    std::int64_t counted = 0;
    for (std::int64_t row = 0; row < countedRows(rows); ++row) {
        if (include.data()[row] == 0.F) {
            continue;
        }
        ++counted;
        const float* h = hidden.data() + row * n;
        const float* g = gradient.data() + row * n;
        double* magnitude = totals.magnitude.data();
        double* gain = totals.byAgent.data() + (row % rows.agents) * n;
        for (std::int64_t j = 0; j < n; ++j) {
            magnitude[j] += static_cast<double>(std::abs(g[j]) * slopeOf(rows.activation, h[j]));
            gain[j] += static_cast<double>(h[j] * g[j]);
        }
    }
    for (double& value : totals.magnitude) {
        value /= static_cast<double>(std::max<std::int64_t>(counted, 1));
    }
    return totals;
}

std::vector<double> efficiencies(const GradientTotals& totals) {
    const std::size_t n = totals.magnitude.size();
    std::vector<double> result(n, 1.0);
    for (std::size_t j = 0; j < n; ++j) {
        double sum = 0.0;
        double magnitudes = 0.0;
        for (std::size_t i = j; i < totals.byAgent.size(); i += n) {
            sum += totals.byAgent[i];
            magnitudes += std::abs(totals.byAgent[i]);
        }
        if (magnitudes > 0.0) {
            result[j] = std::abs(sum) / magnitudes;
        }
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
