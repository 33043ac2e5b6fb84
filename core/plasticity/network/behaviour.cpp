// SPDX-License-Identifier: GPL-3.0-or-later
#include <cmath>

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include "core/plasticity/network/catalogue.h"
#include "core/plasticity/network/policy_change.h"

namespace knife {

namespace {

constexpr double kNearZero = 1e-4;
constexpr double kHighQuantile = 0.95;

// [R, C] -> the valid rows' means over columns, double precision.
at::Tensor validMeans(const at::Tensor& perRow, const ProbeBatch& probe) {
    return perRow.to(at::kDouble).mean(1).masked_select(probe.valid.reshape({-1}).gt(0.5));
}

void putErrors(const NetworkContext& context, std::vector<NetworkValue>& out) {
    const at::Tensor joint = validMeans(context.td.joint, context.probe);
    const at::Tensor target = validMeans(context.td.compared, context.probe);
    const at::Tensor error = joint - target;
    const double spread = target.var(/*unbiased=*/false).item<double>();
    out.push_back({"behaviour/td_error/mean_abs", error.abs().mean().item<double>()});
    out.push_back({"behaviour/td_error/p95", at::quantile(error.abs(), kHighQuantile).item<double>()});
    out.push_back({"behaviour/target/mean_abs", target.abs().mean().item<double>()});
    out.push_back({"behaviour/explained_variance",
                   spread > 0.0 ? 1.0 - error.var(/*unbiased=*/false).item<double>() / spread : std::nan("")});
    const at::Tensor gap = joint - validMeans(context.probe.returns, context.probe);
    out.push_back({"behaviour/overestimation", gap.mean().item<double>()});
}

// Entropy of how often each action is the greedy one, in nats.
void putEntropy(const NetworkContext& context, std::vector<NetworkValue>& out) {
    const ProbeBatch& probe = context.probe;
    const at::Tensor greedy =
        greedyActions(context.reading.values.slice(0, 0, probe.steps), probe.unavailable.slice(0, 0, probe.steps));
    const at::Tensor chosen = greedy.masked_select(probe.alive()).cpu();
    if (chosen.numel() == 0) {
        return;
    }
    const at::Tensor share =
        at::bincount(chosen, {}, context.reading.values.size(3)).to(at::kDouble) / static_cast<double>(chosen.numel());
    out.push_back({"behaviour/greedy_entropy", at::special_entr(share).sum().item<double>()});
}

// dQ_tot / dq of each agent's values shifted together: a weight of the mixer near zero lets nothing of it through.
void putCredit(const NetworkContext& context, std::vector<NetworkValue>& out) {
    if (!context.td.view.outputs.defined()) {
        return; // a mixer that holds the heads itself
    }
    const at::AutoGradMode mode(true);
    JointView view = context.td.view;
    view.outputs = view.outputs.detach().clone().requires_grad_(true);
    const at::Tensor joint = context.online.mixer().mix(view, nullptr);
    const auto gradient = torch::autograd::grad({joint.sum()}, {view.outputs}, {}, /*retain_graph=*/false,
                                                /*create_graph=*/false, /*allow_unused=*/true);
    if (!gradient.front().defined()) {
        return;
    }
    const at::NoGradGuard noGrad;
    const ProbeBatch& probe = context.probe;
    const at::Tensor credit = gradient.front().sum(2).masked_select(probe.alive().view({-1, probe.agents})).abs();
    if (credit.numel() > 0) {
        out.push_back({"behaviour/credit/mean_abs", credit.mean().item<double>()});
        out.push_back({"behaviour/credit/near_zero", credit.lt(kNearZero).to(at::kDouble).mean().item<double>()});
    }
}

// The weights that a two-layer hypernetwork generates, before their absolute value.
at::Tensor generated(const Site& site, const SiteTap& tap) {
    const CompositeLinear& layer = *site.composite;
    at::Tensor weights = at::linear(tap.hidden, layer.out()->value, layer.outBias().value);
    for (std::size_t e = 0; e < tap.branches.size(); ++e) {
        const CompositeBranch& branch = layer.branches()[e];
        weights = weights + (at::linear(tap.branches[e].active, branch.activeOut->value) -
                             at::linear(tap.branches[e].compensation, branch.compensationOut->value));
    }
    return weights;
}

void putMixingWeights(const NetworkContext& context, std::vector<NetworkValue>& out) {
    const at::NoGradGuard noGrad;
    const auto& sites = context.online.sites().all();
    for (std::size_t i = 0; i < sites.size(); ++i) {
        const bool mixes = sites[i].name.ends_with(".hyper_w1") || sites[i].name.ends_with(".hyper_w2");
        if (!mixes || sites[i].composite == nullptr || !context.td.taps[i].hidden.defined()) {
            continue;
        }
        const at::Tensor valid = context.probe.valid.reshape({-1, 1}).gt(0.5);
        const at::Tensor weights = generated(sites[i], context.td.taps[i]).abs().masked_select(valid);
        out.push_back({"behaviour/mixing_weights/" + sites[i].name + "/near_zero",
                       weights.lt(kNearZero).to(at::kDouble).mean().item<double>()});
    }
}

class BehaviourDiagnostic final : public NetworkDiagnostic {
  public:
    Result<std::vector<NetworkValue>> measure(const NetworkContext& context) override {
        std::vector<NetworkValue> values;
        {
            const at::NoGradGuard noGrad;
            putErrors(context, values);
            putEntropy(context, values);
            putMixingWeights(context, values);
            const NetReading target = read(context.target, context.probe);
            putChange(changeBetween(target, context.reading, context.probe), "target", values);
        }
        putCredit(context, values);
        return values;
    }
};

} // namespace

std::unique_ptr<NetworkDiagnostic> makeBehaviour(const DiagnosticsConfig&) {
    return std::make_unique<BehaviourDiagnostic>();
}

} // namespace knife
