// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/operations/frozen_fit.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <ATen/ATen.h>
#include <torch/optim/adam.h>

namespace knife {

namespace {

constexpr double kNegligible = 1e-12; // of the largest variance: what rounding leaves of a neuron that others explain

at::Tensor hidden(const at::Tensor& x, const at::Tensor& in, const at::Tensor& bias) {
    return at::relu(at::linear(x, in, bias));
}

Neurons pick(const Neurons& all, const at::Tensor& index) {
    return {all.in.index_select(0, index), all.bias.index_select(0, index), all.out.index_select(1, index)};
}

// RMS over rows and outputs of what each neuron gives: [n].
at::Tensor contributions(const at::Tensor& h, const at::Tensor& out) {
    return (h.square().mean(0) * out.square().mean(0)).sqrt();
}

// Covariances over the rows; a constant costs nothing, because the consumer's bias takes it.
struct Covariances {
    at::Tensor features; ///< [n, n]
    at::Tensor wanted;   ///< [n, d_out], with what all neurons give together
    Covariances(const at::Tensor& h, const at::Tensor& out) {
        const at::Tensor centred = h - h.mean(0, /*keepdim=*/true);
        features = at::mm(centred.t(), centred) / static_cast<double>(h.size(0));
        wanted = at::mm(features, out.t());
    }
};

// Forward selection: always the neuron that, beside those chosen, explains most of what is not explained yet. Each
// choice takes what it explains out of the covariances (a step of Gram-Schmidt).
std::vector<std::int64_t> selectForward(Covariances left, std::int64_t count) {
    std::vector<std::int64_t> chosen;
    const double negligible = kNegligible * left.features.diagonal().max().item<double>();
    while (static_cast<std::int64_t>(chosen.size()) < count) {
        const at::Tensor variance = left.features.diagonal();
        const at::Tensor gain =
            at::where(variance.gt(negligible), left.wanted.square().sum(1) / variance, at::zeros_like(variance));
        const std::int64_t best = gain.argmax().item<std::int64_t>();
        if (!(gain[best].item<double>() > 0.0)) {
            break; // the others explain nothing more
        }
        chosen.push_back(best);
        const at::Tensor column = left.features.select(1, best).clone();
        const at::Tensor share = column / column[best];
        left.wanted = left.wanted - at::outer(share, left.wanted[best]);
        left.features = left.features - at::outer(share, column);
    }
    std::ranges::sort(chosen);
    return chosen;
}

FrozenFit prune(const at::Tensor& x, const Neurons& frozen, const at::Tensor& kept) {
    const at::Tensor means = hidden(x, frozen.in, frozen.bias).mean(0).index_fill(0, kept, 0.0);
    return {pick(frozen, kept), at::mv(frozen.out, means)};
}

FrozenFit leastSquares(const at::Tensor& x, const Neurons& frozen, const at::Tensor& kept, double ridge) {
    const at::Tensor h = hidden(x, frozen.in, frozen.bias);
    const Covariances all(h, frozen.out);
    const at::Tensor features = all.features.index_select(0, kept).index_select(1, kept);
    const double weight = ridge * features.diagonal().mean().item<double>() + std::numeric_limits<double>::min();
    const at::Tensor regular = features + weight * at::eye(kept.numel(), features.options());
    FrozenFit fit{pick(frozen, kept), {}};
    fit.neurons.out =
        at::cholesky_solve(all.wanted.index_select(0, kept), at::linalg_cholesky(regular)).t().contiguous();
    const at::Tensor means = h.mean(0);
    fit.shift = at::mv(frozen.out, means) - at::mv(fit.neurons.out, means.index_select(0, kept));
    return fit;
}

// Full-batch descent on the mean squared error; what was best on the way is kept, so that it never ends up worse.
void descend(const at::Tensor& x, const at::Tensor& wanted, const ConsolidateSettings& settings, FrozenFit& fit) {
    const at::AutoGradMode mode(true);
    std::vector<at::Tensor> weights;
    for (const at::Tensor& start : {fit.neurons.in, fit.neurons.bias, fit.neurons.out, fit.shift}) {
        weights.push_back(start.detach().clone().requires_grad_(true));
    }
    torch::optim::Adam optimiser(weights, torch::optim::AdamOptions(settings.distillLr));
    double best = std::numeric_limits<double>::infinity();
    for (std::int64_t step = 0; step <= settings.distillSteps; ++step) {
        const at::Tensor given = at::linear(hidden(x, weights[0], weights[1]), weights[2], weights[3]);
        const at::Tensor loss = (given - wanted).square().mean();
        if (const double value = loss.item<double>(); value < best) {
            best = value;
            fit = {{weights[0].detach().clone(), weights[1].detach().clone(), weights[2].detach().clone()},
                   weights[3].detach().clone()};
        }
        optimiser.zero_grad();
        loss.backward();
        optimiser.step();
    }
}

} // namespace

void describeFit(FieldVisitor& visitor, ConsolidateSettings& settings) {
    visitor.field("prune_below", settings.pruneBelow,
                  {"\"prune\" drops frozen neurons that give less than this share of the site's output"}, {0, 1});
    visitor.field("keep_frozen", settings.keepFrozen,
                  {"share of the frozen neurons that \"lstsq\" and \"distill\" leave"}, {0, 1});
    visitor.field("ridge", settings.ridge, {"of least squares, as a share of the neurons' mean variance"}, {0, 1});
    visitor.field("distill_steps", settings.distillSteps, {"gradient steps of \"distill\""}, {0, 1e6});
    visitor.field("distill_lr", settings.distillLr, {"step size of \"distill\" (Adam)"}, {1e-9, 1});
}

void describe(FieldVisitor& visitor, ConsolidateSettings& settings) {
    visitor.choice("policy", settings.policy, {"how frozen neurons are made fewer"}, {"prune", "lstsq", "distill"});
    describeFit(visitor, settings);
}

std::vector<std::int64_t> neuronsToKeep(const at::Tensor& x, const Neurons& frozen, double outputRms,
                                        const ConsolidateSettings& settings) {
    const at::NoGradGuard noGrad;
    const at::Tensor h = hidden(x, frozen.in, frozen.bias);
    const at::Tensor given = contributions(h, frozen.out);
    const double least = settings.policy == "prune" ? settings.pruneBelow * outputRms : 0.0;
    std::vector<std::int64_t> worth;
    for (std::int64_t i = 0; i < given.numel(); ++i) {
        const double contribution = given[i].item<double>();
        if (contribution > 0.0 && contribution >= least) {
            worth.push_back(i);
        }
    }
    if (settings.policy == "prune") {
        return worth;
    }
    const double share = settings.keepFrozen * static_cast<double>(worth.size());
    return selectForward(Covariances(h, frozen.out), static_cast<std::int64_t>(std::ceil(share)));
}

FrozenFit fitFrozen(const at::Tensor& x, const Neurons& frozen, const std::vector<std::int64_t>& kept,
                    const ConsolidateSettings& settings) {
    const at::NoGradGuard noGrad;
    const at::Tensor index = at::tensor(kept, at::kLong);
    if (settings.policy == "prune" || kept.empty()) {
        return prune(x, frozen, index);
    }
    FrozenFit fit = leastSquares(x, frozen, index, settings.ridge);
    if (settings.policy == "distill") {
        descend(x, at::linear(hidden(x, frozen.in, frozen.bias), frozen.out), settings, fit);
    }
    return fit;
}

} // namespace knife
