// SPDX-License-Identifier: GPL-3.0-or-later
#include "mixer_checks.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <stdexcept>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "core/plasticity/surgeon.h"

namespace knife::test {

namespace {

// Makes update() a pure measurement.
Setup standingStill(Setup setup) {
    setup.learning.lr = 0.0;
    setup.learning.gradClip = 1e30;
    setup.learning.tdLambda = 0.6;
    return setup;
}

void update(Learner& learner, const Batch& batch) {
    if (auto updated = learner.update(batch); !updated) {
        throw std::runtime_error(updated.error().describe());
    }
}

struct Measured {
    double loss = 0.0;
    at::Tensor gradient;
};

Measured measure(Learner& learner, const Batch& batch) {
    update(learner, batch);
    return {learner.probe(batch).loss, learner.online().parameters().blocks().front().grad.clone()};
}

double slopeAlong(const Learner& learner, const Batch& batch, const at::Tensor& value, const at::Tensor& direction,
                  double step) {
    value.add_(direction, step);
    const double above = learner.probe(batch).loss;
    value.add_(direction, -2 * step);
    const double below = learner.probe(batch).loss;
    value.add_(direction, step);
    return (above - below) / (2 * step);
}

} // namespace

at::Tensor plainNet(const FactorizedNet& net, const std::string& name, const at::Tensor& x) {
    const auto& all = net.parameters().all();
    const auto has = [&](const std::string& parameter) {
        return std::ranges::find(all, parameter, &Parameter::name) != all.end();
    };
    const auto value = [&](const std::string& parameter) {
        return parameterNamed(net, parameter).value.detach().to(at::kDouble);
    };
    at::Tensor y = x.to(at::kDouble);
    const auto layer = [&](const std::string& named) {
        y = at::matmul(y, value(named + ".weight").t()) + value(named + ".bias");
    };
    layer(name);
    for (int i = 2; has(fmt::format("{}.fc{}.weight", name, i)); ++i) {
        y = y.clamp_min(0.0);
        layer(fmt::format("{}.fc{}", name, i));
    }
    if (has(name + ".out.weight")) {
        y = y.clamp_min(0.0);
        layer(name + ".out");
    }
    return y;
}

JointView someView(const Setup& setup, const FactorizedNet& net, std::int64_t rows, std::uint64_t number) {
    const std::vector<std::int64_t> perAction = {rows, setup.spec.nAgents, setup.spec.nActions};
    at::Tensor unavailable = randomTensor(perAction, number + 1) > 0.3;
    unavailable.select(2, static_cast<std::int64_t>(number) % setup.spec.nActions).fill_(false);
    JointView view{.steps = 1,
                   .episodes = rows,
                   .outputs = randomTensor(perAction, number + 2) * 3.0,
                   .hidden = {},
                   .inputs = randomTensor({rows, setup.spec.nAgents, setup.layout().width()}, number + 3),
                   .state = randomTensor({rows, setup.spec.stateDim}, number + 4),
                   .unavailable = unavailable,
                   .actions = greedyActions(randomTensor(perAction, number + 5), unavailable),
                   .further = {},
                   .noise = {}};
    for (std::size_t i = 0; i < net.needs().furtherAgents.size(); ++i) {
        view.further.push_back(randomTensor(perAction, number + 6 + i) * 3.0);
    }
    return view;
}

JointView everyJointAction(const JointView& view) {
    const std::int64_t agents = view.outputs.size(1);
    std::vector<at::Tensor> choices;
    for (std::int64_t a = 0; a < agents; ++a) {
        choices.push_back(view.unavailable[0][a].logical_not().nonzero().squeeze(1));
    }
    const at::Tensor actions = at::cartesian_prod(choices);
    const auto repeat = [&](const at::Tensor& tensor) {
        auto sizes = tensor.sizes().vec();
        sizes[0] = actions.size(0);
        return tensor.slice(0, 0, 1).expand(sizes).contiguous();
    };
    JointView all{.steps = 1,
                  .episodes = actions.size(0),
                  .outputs = repeat(view.outputs),
                  .hidden = {},
                  .inputs = repeat(view.inputs),
                  .state = repeat(view.state),
                  .unavailable = repeat(view.unavailable),
                  .actions = actions,
                  .further = {},
                  .noise = {}};
    std::ranges::transform(view.further, std::back_inserter(all.further), repeat);
    return all;
}

LossInput someLoss(const JointView& view, std::uint64_t number) {
    const std::int64_t rows = view.rows();
    return {.online = view,
            .targets = randomTensor({rows, 1}, number),
            .bootstrap = randomTensor({rows, 1}, number + 1),
            .weights = at::full({rows, 1}, 1.0 / static_cast<double>(rows)),
            .update = 0};
}

void shakeTarget(Learner& learner) {
    for (ParameterBlock& block : learner.target().parameters().blocks()) {
        block.value.add_(randomTensor({block.size()}, 31), 0.2);
    }
}

std::string paddingComplaint(const Setup& moving) {
    const Setup setup = standingStill(moving);
    const auto learner = setup.learner();
    shakeTarget(*learner);
    for (const End end : {End::Terminated, End::Truncated}) {
        const auto shorter = randomEpisode(setup.spec, 3, end, 1);
        const auto longer = randomEpisode(setup.spec, 9, End::Truncated, 2);
        const Measured a = measure(*learner, setup.batch({shorter}));
        const Measured b = measure(*learner, setup.batch({longer}));
        const Measured both = measure(*learner, setup.batch({shorter, longer}));
        const double expected = a.loss * 0.25 + b.loss * 0.75;
        if (std::abs(both.loss - expected) > 2e-6 * std::max(1.0, expected)) {
            return fmt::format("loss {} instead of {}", both.loss, expected);
        }
        const at::Tensor gradient = a.gradient * 0.25 + b.gradient * 0.75;
        const double error = (both.gradient - gradient).abs().max().item<double>();
        if (error > 5e-6 * gradient.abs().max().item<double>()) {
            return fmt::format("gradient is off by {}", error);
        }
    }
    return {};
}

std::string gradientComplaint(const Setup& moving, const std::function<bool(const std::string&)>& checked) {
    Setup setup = standingStill(moving);
    setup.agentKind = "mlp";
    setup.learning.doubleQ = false; // its choice depends on the online network, and jumps
    const auto learner = setup.learner();
    shakeTarget(*learner);
    const Batch batch = setup.batch(randomEpisodes(setup.spec, {4, 6, 2, 5}));
    const double lossScale = measure(*learner, batch).loss;
    for (const Parameter& parameter : learner->online().parameters().all()) {
        if (!checked(parameter.name)) {
            continue;
        }
        at::Tensor direction = randomTensor(parameter.value.sizes().vec(), 12);
        direction.div_(direction.norm());
        const double slope = (parameter.grad * direction).sum().item<double>();
        double expected = 0.0;
        const auto agrees = [&](double step) {
            expected = slopeAlong(*learner, batch, parameter.value.detach(), direction, step);
            return std::abs(slope - expected) < 0.02 * std::abs(expected) + 2e-4 * lossScale;
        };
        // Where the kink of a ReLU lies within the longer step, the shorter one decides.
        if (!agrees(1e-3) && !agrees(3e-4)) {
            return fmt::format("{}: {} instead of {}", parameter.name, slope, expected);
        }
    }
    return {};
}

std::string fastAgentsComplaint(const Setup& moving) {
    Setup setup = standingStill(moving);
    setup.pool = std::make_shared<WorkerPool>(1);
    const auto fast = setup.learner();
    setup.pool = nullptr;
    const auto plain = setup.learner();
    const Batch batch = setup.batch(randomEpisodes(setup.spec, {4, 6, 2, 5}));
    for (Learner* learner : {fast.get(), plain.get()}) {
        shakeTarget(*learner);
        update(*learner, batch);
    }
    for (const Parameter& parameter : plain->online().parameters().all()) {
        const double largest = parameter.grad.abs().max().item<double>();
        if (largest == 0.0) {
            return parameter.name + " has no gradient";
        }
        const at::Tensor& other = parameterNamed(fast->online(), parameter.name).grad;
        const double error = (other - parameter.grad).abs().max().item<double>();
        if (error > 1e-4 * largest + 1e-6) {
            return fmt::format("{}: {} apart of {}", parameter.name, error, largest);
        }
    }
    return {};
}

std::string surgeryComplaint(const Setup& still) {
    Setup setup = still;
    setup.learning.lr = 5e-3; // far steps between surgeries
    setup.learning.tdLambda = 0.6;
    const auto learner = setup.learner();
    shakeTarget(*learner);
    Surgeon surgeon(learner->online(), learner->target(), 11);
    const Batch batch = setup.batch(randomEpisodes(setup.spec, {4, 6, 2, 5}, 900));
    std::int64_t event = 0;
    for (int round = 0; round < 3; ++round) {
        for (const Site& site : learner->online().sites().all()) {
            if ((site.composite != nullptr) != site.refusal.empty()) {
                return site.name + " does not say why it refuses";
            }
            if (site.composite == nullptr) {
                continue;
            }
            update(*learner, setup.batch(randomEpisodes(setup.spec, {4, 7, 2}, static_cast<std::uint64_t>(event))));
            surgeon.forgetUndo();
            const Probe before = learner->probe(batch);
            if (auto done = surgeon.apply(planOf({{site.name, {0, 3 + round, site.units - 1}}}), event++); !done) {
                return done.error().describe();
            }
            const Probe after = learner->probe(batch);
            if (!sameBits(before.q, after.q) || !sameBits(before.qTot, after.qTot) ||
                !sameBits(before.targetQTot, after.targetQTot) || before.loss != after.loss) {
                return "surgery at " + site.name + " can be seen";
            }
        }
    }
    return {};
}

} // namespace knife::test
