// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <numeric>
#include <span>

#include <ATen/ATen.h>

#include "core/nets/initialise.h"
#include "core/plasticity/network/catalogue.h"
#include "core/plasticity/network/net_copy.h"
#include "core/types/counter_rng.h"

namespace knife {

namespace {

constexpr int kUpdates = 200;
constexpr std::int64_t kBatch = 32;        // episodes of one update
constexpr std::int64_t kTargetHidden = 64; // of the random network that makes targets
constexpr double kLeastSpread = 1e-5;      // of the largest value: below it a deviation is rounding
constexpr double kFitted = 0.01;           // a smaller share of the variance is as good as none

// y(s, u) of a random two-layer network, mean 0 and deviation 1 over valid rows: [R, 1]. Of the joint action too, so
// that games without a state have something to learn. Undefined where all rows are alike.
at::Tensor randomTargets(const ProbeBatch& probe, std::uint64_t seed, std::int64_t update) {
    const at::Tensor state = probe.state.slice(0, 0, probe.steps).reshape({probe.rows(), -1});
    const at::Tensor actions = oneHot(probe.actions.reshape({probe.rows(), probe.agents}), probe.unavailable.size(3));
    const at::Tensor x = at::cat({state, actions.reshape({probe.rows(), -1})}, 1);
    const auto draw = [&](const std::vector<std::int64_t>& shape, const char* name) {
        return drawUniform(shape, 1.0, {seed, name, static_cast<std::uint64_t>(update)}).to(x.device());
    };
    const at::Tensor hidden = at::relu(at::linear(x, draw({kTargetHidden, x.size(1)}, "diagnostics/target/in"),
                                                  draw({kTargetHidden}, "diagnostics/target/bias")));
    const at::Tensor raw = at::linear(hidden, draw({1, kTargetHidden}, "diagnostics/target/out"));
    const at::Tensor weights = probe.weights();
    const at::Tensor centred = raw - (raw * weights).sum();
    const double spread = (centred.square() * weights).sum().sqrt().item<double>();
    if (spread <= kLeastSpread * raw.abs().max().item<double>()) {
        return {};
    }
    return centred / spread * probe.valid.reshape({-1, 1});
}

// Over valid rows; 0 where it is rounding.
double deviation(const at::Tensor& perRow, const ProbeBatch& probe) {
    const at::Tensor values =
        perRow.reshape({probe.rows(), -1}).to(at::kDouble).mean(1).masked_select(probe.valid.reshape({-1}).gt(0.5));
    const double spread = values.std(/*unbiased=*/false).item<double>();
    return spread > kLeastSpread * values.abs().max().item<double>() ? spread : 0.0;
}

at::Tensor mixOf(const FactorizedNet& net, const ProbeBatch& probe) {
    const at::NoGradGuard noGrad;
    return net.mixer().mix(viewOf(probe, net, net.pass(probe.inputs, Keep::Nothing, nullptr)), nullptr);
}

// Mean squared error over valid rows; the targets are those of the probe.
at::Tensor lossOf(const at::Tensor& joint, const ProbeBatch& probe) {
    return ((joint - probe.targets).square().mean(1, /*keepdim=*/true) * probe.weights()).sum();
}

struct Fit {
    const ProbeBatch& probe;
    at::Tensor shape; ///< [R, 1] mean 0, deviation 1
    double scale = 1.0;
    std::uint64_t seed = 0;
    std::int64_t update = 0;

    /// Trains `net`; returns the share of the targets' variance that is left.
    double run(FactorizedNet& net, const OptimiserStep& step) const {
        ProbeBatch task = probe;
        // Around the network's own mean: what is asked for is the shape, alike of a network at any level.
        const at::Tensor level = (mixOf(net, probe).mean(1, true) * probe.weights()).sum();
        task.targets = level + scale * shape;
        std::vector<std::int64_t> episodes(static_cast<std::size_t>(probe.episodes));
        std::iota(episodes.begin(), episodes.end(), 0);
        CounterRng rng({seed, "diagnostics/trainability", static_cast<std::uint64_t>(update)});
        const auto chosen = static_cast<std::size_t>(std::min(kBatch, probe.episodes));
        for (int i = 0; i < kUpdates; ++i) {
            rng.shuffle(std::span(episodes));
            const ProbeBatch batch =
                task.select({episodes.begin(), episodes.begin() + static_cast<std::ptrdiff_t>(chosen)}, probe.steps);
            differentiate(net, batch, [&](const FactorizedNet& fitted, const JointView& view) {
                return lossOf(fitted.mixer().mix(view, nullptr), batch);
            });
            step(net.parameters());
        }
        const at::NoGradGuard noGrad;
        return lossOf(mixOf(net, probe), task).item<double>() / (scale * scale);
    }
};

class TrainabilityDiagnostic final : public NetworkDiagnostic {
  public:
    Result<std::vector<NetworkValue>> measure(const NetworkContext& context) override {
        const at::Tensor shape = randomTargets(context.probe, context.seed, context.update);
        if (!shape.defined()) {
            return std::vector<NetworkValue>();
        }
        NetSpec other = context.spec;
        other.seed = freshSeed(context);
        const auto worn = copyOf(context.online, context.spec);
        const auto fresh = FactorizedNet::build(other, ParameterUse::Trained);
        if (!worn || !fresh) {
            return tl::unexpected(!worn ? worn.error() : fresh.error());
        }
        // The scale of what the run has to learn, also where a collapsed network says the same everywhere.
        const double spread =
            std::max(deviation(context.td.joint, context.probe), deviation(context.probe.returns, context.probe));
        const Fit fit{.probe = context.probe,
                      .shape = shape,
                      .scale = spread > 0.0 ? spread : 1.0,
                      .seed = context.seed,
                      .update = context.update};
        const double left = fit.run(**worn, context.newOptimiser());
        const double freshLeft = fit.run(**fresh, context.newOptimiser());
        return std::vector<NetworkValue>{
            {"trainability/loss", left},
            {"trainability/fresh_loss", freshLeft},
            {"trainability/ratio", std::max(left, kFitted) / std::max(freshLeft, kFitted)}};
    }

  private:
    static std::uint64_t freshSeed(const NetworkContext& context) {
        CounterRng rng({context.seed, "diagnostics/fresh", static_cast<std::uint64_t>(context.update)});
        const std::uint64_t high = rng.next();
        return high << 32U | rng.next();
    }
};

} // namespace

std::unique_ptr<NetworkDiagnostic> makeTrainability(const DiagnosticsConfig&) {
    return std::make_unique<TrainabilityDiagnostic>();
}

} // namespace knife
