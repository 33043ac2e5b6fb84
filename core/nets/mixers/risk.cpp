// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/mixers/risk.h"

#include <algorithm>

#include <ATen/ATen.h>

namespace knife {

namespace {

constexpr double kLargestSlope = 5.0;

at::Tensor wangSlope(const at::Tensor& tau, double p) {
    const at::Tensor z = at::special_ndtri(tau);
    return at::exp(-p * z - p * p / 2); // phi(z + p) / phi(z)
}

at::Tensor cvarSlope(const at::Tensor& tau, double p) {
    at::Tensor inTail = tau < p;
    inTail[0] = true; // few quantiles may all lie above a small p
    return inTail.to(tau.scalar_type()) / p;
}

at::Tensor cpwSlope(const at::Tensor& tau, double p) {
    const at::Tensor low = tau.pow(p);
    const at::Tensor sum = low + (1 - tau).pow(p);
    const at::Tensor lowSlope = p * tau.pow(p - 1);
    const at::Tensor sumSlope = lowSlope - p * (1 - tau).pow(p - 1);
    return (lowSlope * sum - low * sumSlope / p) * sum.pow(-1 / p - 1);
}

at::Tensor varWeights(const at::Tensor& tau, double p) {
    const auto upTo = at::count_nonzero(tau <= p).item<std::int64_t>();
    at::Tensor weights = at::zeros_like(tau);
    weights[std::max<std::int64_t>(upTo, 1) - 1] = 1.0;
    return weights;
}

at::Tensor weightsByMeasure(const RiskConfig& config, const at::Tensor& tau) {
    if (config.measure == "var") {
        return varWeights(tau, config.var);
    }
    const at::Tensor slope = config.measure == "wang"   ? wangSlope(tau, config.wang)
                             : config.measure == "cvar" ? cvarSlope(tau, config.cvar)
                             : config.measure == "cpw"  ? cpwSlope(tau, config.cpw)
                                                        : at::ones_like(tau);
    return slope.clamp(0.0, kLargestSlope) / static_cast<double>(tau.numel());
}

} // namespace

void describe(FieldVisitor& visitor, RiskConfig& config) {
    visitor.choice("risk", config.measure, {"risk measure of a return by which actions are chosen"},
                   {"wang", "cvar", "cpw", "var", "neutral"});
    visitor.field("wang", config.wang, {"shift of Wang's measure; larger weighs low returns more"}, {0.0, 5.0});
    visitor.field("cvar", config.cvar, {"share of lowest returns that CVaR is the mean of"}, {0.01, 1.0});
    visitor.field("cpw", config.cpw, {"exponent of cumulative prospect weighting; 1 is neutral"}, {0.2, 1.0});
    visitor.field("var", config.var, {"share of returns below the value at risk"}, {0.0, 1.0});
    visitor.field("risk_seeking", config.seeking, {"weigh high returns where the measure weighs low ones"});
}

at::Tensor riskWeights(const RiskConfig& config, std::int64_t quantiles) {
    const at::Tensor tau = (at::arange(quantiles, at::kDouble) * 2 + 1) / static_cast<double>(2 * quantiles);
    const at::Tensor weights = weightsByMeasure(config, tau).to(at::kFloat);
    return config.seeking ? weights.flip(0) : weights;
}

} // namespace knife
