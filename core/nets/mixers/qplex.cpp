// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/mixers/qplex.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "core/nets/mixers/qplex_kernel.h"

namespace knife {

void describe(FieldVisitor& visitor, QplexConfig& config) {
    visitor.field("hypernet_embed", config.hypernetEmbed, {"hidden units of the weighted head's hypernetworks"},
                  {1, 65536});
    visitor.field("num_kernel", config.numKernel, {"attention kernels of the importance weights"}, {1, 1024});
    visitor.field("adv_hypernet_layers", config.advHypernetLayers, {"linear layers of a kernel's networks"}, {1, 3});
    visitor.field("adv_hypernet_embed", config.advHypernetEmbed, {"hidden units of a kernel's networks"}, {1, 65536});
    visitor.field("weighted_head", config.weightedHead, {"scale and shift the agents' values by the state"});
    visitor.field("is_minus_one", config.isMinusOne, {"advantages are weighted by lambda - 1 instead of lambda"});
    visitor.field("is_stop_gradient", config.isStopGradient, {"no gradient through the weighted advantages"});
}

QplexMixer::QplexMixer(const QplexConfig& config, const MixerShape& shape, const MixerMaterials& materials)
    : m_config(config),
      m_agents(shape.agents),
      m_actions(shape.actions),
      m_state(shape.state),
      m_w(materials, "mixer.hyper_w", {shape.state, {config.hypernetEmbed}, shape.agents}),
      m_v(materials, "mixer.hyper_v", {shape.state, {config.hypernetEmbed}, shape.agents}) {
    const std::vector<std::int64_t> hidden(static_cast<std::size_t>(config.advHypernetLayers - 1),
                                           config.advHypernetEmbed);
    const std::int64_t stateAndActions = shape.state + shape.agents * shape.actions;
    for (std::int64_t k = 0; k < config.numKernel; ++k) {
        m_extractors.push_back(
            {.key = FeedForward(materials, fmt::format("mixer.key{}", k), {shape.state, hidden, 1}),
             .agents = FeedForward(materials, fmt::format("mixer.agents{}", k), {shape.state, hidden, shape.agents}),
             .action =
                 FeedForward(materials, fmt::format("mixer.action{}", k), {stateAndActions, hidden, shape.agents})});
    }
}

at::Tensor QplexMixer::importance(const JointView& view, SiteTaps* taps) const {
    const at::Tensor stateAndActions = at::cat({view.state, oneHot(view.actions, m_actions).flatten(1)}, 1);
    at::Tensor lambda;
    for (const Extractors& nets : m_extractors) {
        const at::Tensor key = nets.key.forward(view.state, taps).abs() + kTiny;
        const at::Tensor agents = nets.agents.forward(view.state, taps).sigmoid();
        const at::Tensor action = nets.action.forward(stateAndActions, taps).sigmoid();
        const at::Tensor term = key * agents * action;
        lambda = lambda.defined() ? lambda + term : term;
    }
    return lambda;
}

at::Tensor QplexMixer::mix(const JointView& view, SiteTaps* taps) const {
    at::Tensor chosen = valuesAt(view.outputs, view.actions);
    at::Tensor best = valuesAt(view.outputs, greedyActions(view.outputs, view.unavailable)).detach();
    if (m_config.weightedHead) {
        const at::Tensor w = m_w.forward(view.state, taps).abs() + kTiny;
        const at::Tensor v = m_v.forward(view.state, taps);
        chosen = w * chosen + v;
        best = w * best + v;
    }
    const at::Tensor difference = chosen - best;
    const at::Tensor advantage = m_config.isStopGradient ? difference.detach() : difference;
    const at::Tensor lambda = importance(view, taps);
    const at::Tensor weight = m_config.isMinusOne ? lambda - 1.0 : lambda;
    return (chosen.sum(1) + (advantage * weight).sum(1)).unsqueeze(1);
}

std::unique_ptr<MixKernel> QplexMixer::makeKernel(WorkerPool& pool) const {
    return std::make_unique<QplexKernel>(*this, pool);
}

double QplexMixer::flopsPerRow() const {
    double flops = m_w.flopsPerRow() + m_v.flopsPerRow();
    for (const Extractors& nets : m_extractors) {
        flops += nets.key.flopsPerRow() + nets.agents.flopsPerRow() + nets.action.flopsPerRow();
    }
    return flops;
}

double QplexMixer::inputFlopsPerRow() const {
    double flops = m_w.inputFlopsPerRow() + m_v.inputFlopsPerRow();
    for (const Extractors& nets : m_extractors) {
        flops += nets.key.inputFlopsPerRow() + nets.agents.inputFlopsPerRow() + nets.action.inputFlopsPerRow();
    }
    return flops;
}

} // namespace knife
