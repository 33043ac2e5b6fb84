// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/mixers/weighted_qmix.h"

#include <ATen/ATen.h>

namespace knife {

void describe(FieldVisitor& visitor, WeightedQmixConfig& config) {
    describe(visitor, config.qmix);
    visitor.field("weight", config.weight, {"alpha, weight of the joint actions that matter less"}, {0.0, 1.0});
    visitor.field("central_embed", config.centralEmbed, {"hidden units of each layer of the central mixer"},
                  {1, 65536});
    visitor.field("central_loss", config.centralLoss, {"factor of the central value's loss"}, {0.0, 1e6});
}

WeightedQmixMixer::WeightedQmixMixer(const WeightedQmixConfig& config, const MixerShape& shape,
                                     const MixerMaterials& materials)
    : m_config(config),
      m_mixing(config.qmix, shape, materials, "mixer"),
      m_central(shape, config.centralEmbed, materials, "central") {}

MixerNeeds WeightedQmixMixer::needs() const {
    MixerNeeds needs;
    needs.furtherAgents = {"central"};
    return needs;
}

at::Tensor WeightedQmixMixer::mix(const JointView& view, SiteTaps* taps) const {
    return m_mixing.mix(valuesAt(view.outputs, view.actions), view.state, taps);
}

at::Tensor WeightedQmixMixer::central(const JointView& view, SiteTaps* taps) const {
    return m_central.mix(valuesAt(view.further.front(), view.actions), view.state, taps);
}

at::Tensor WeightedQmixMixer::bootstrap(const JointView& view) const {
    return central(view, nullptr);
}

MixerLoss WeightedQmixMixer::loss(const LossInput& input, SiteTaps* taps) const {
    const at::Tensor joint = mix(input.online, taps);
    const at::Tensor w = at::where(matters(input, joint.detach()), 1.0, m_config.weight).to(at::kFloat);
    const at::Tensor projection = w * (joint - input.targets).square();
    const at::Tensor unrestricted = (central(input.online, taps) - input.targets).square();
    return {.total = ((projection + m_config.centralLoss * unrestricted) * input.weights).sum(),
            .joint = joint.detach()};
}

double WeightedQmixMixer::flopsPerRow() const {
    return m_mixing.flopsPerRow() + m_central.flopsPerRow();
}

double WeightedQmixMixer::inputFlopsPerRow() const {
    return m_mixing.inputFlopsPerRow() + m_central.inputFlopsPerRow();
}

at::Tensor CwQmixMixer::matters(const LossInput& input, const at::Tensor&) const {
    const at::Tensor greedy = greedyActions(input.online.outputs, input.online.unavailable);
    const at::Tensor isGreedy = (input.online.actions == greedy).all(1, /*keepdim=*/true);
    return isGreedy.logical_or(input.targets > input.bootstrap);
}

at::Tensor OwQmixMixer::matters(const LossInput& input, const at::Tensor& joint) const {
    return joint < input.targets;
}

} // namespace knife
