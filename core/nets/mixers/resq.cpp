// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/mixers/resq.h"

#include <ATen/ATen.h>

namespace knife {

void describe(FieldVisitor& visitor, ResqConfig& config) {
    describe(visitor, config.qmix);
    visitor.field("central_embed", config.centralEmbed, {"hidden units of each layer of central and residual mixer"},
                  {1, 65536});
    visitor.field("central_loss", config.centralLoss, {"factor of the central value's loss"}, {0.0, 1e6});
    visitor.field("residual_negative_abs", config.residualNegativeAbs,
                  {"residual is -|network|; otherwise positive values are punished"});
    visitor.field("as_released", config.asReleased, {"raw residual in the TD error, as in the released learner"});
}

ResqMixer::ResqMixer(const ResqConfig& config, const MixerShape& shape, const MixerMaterials& materials)
    : m_config(config),
      m_mixing(config.qmix, shape, materials, "mixer"),
      m_central(shape, config.centralEmbed, materials, "central"),
      m_residual(shape, config.centralEmbed, materials, "residual") {}

MixerNeeds ResqMixer::needs() const {
    MixerNeeds needs;
    needs.furtherAgents = {"central", "residual"};
    return needs;
}

at::Tensor ResqMixer::central(const JointView& view, SiteTaps* taps) const {
    return m_central.mix(valuesAt(view.further[0], view.actions), view.state, taps);
}

at::Tensor ResqMixer::residual(const JointView& view, SiteTaps* taps) const {
    const at::Tensor raw = m_residual.mix(valuesAt(view.further[1], view.actions), view.state, taps);
    return m_config.residualNegativeAbs && !m_config.asReleased ? -raw.abs() : raw;
}

at::Tensor ResqMixer::joint(const JointView& view, const at::Tensor& residual, SiteTaps* taps) const {
    const at::Tensor qTot = m_mixing.mix(valuesAt(view.outputs, view.actions), view.state, taps);
    const at::Tensor elsewhere = (view.actions != greedyActions(view.outputs, view.unavailable)).any(1, true);
    return qTot + elsewhere * residual;
}

at::Tensor ResqMixer::mix(const JointView& view, SiteTaps* taps) const {
    return joint(view, residual(view, taps), taps);
}

at::Tensor ResqMixer::bootstrap(const JointView& view) const {
    return central(view, nullptr);
}

MixerLoss ResqMixer::loss(const LossInput& input, SiteTaps* taps) const {
    const at::Tensor residualValue = residual(input.online, taps);
    const at::Tensor jointValue = joint(input.online, residualValue, taps);
    const at::Tensor centralError = central(input.online, taps) - input.targets;
    at::Tensor squares = (jointValue - input.targets).square() + m_config.centralLoss * centralError.square();
    if (!m_config.residualNegativeAbs) {
        squares = squares + at::relu(residualValue).square();
    }
    return {.total = (squares * input.weights).sum(), .joint = jointValue.detach()};
}

double ResqMixer::flopsPerRow() const {
    return m_mixing.flopsPerRow() + m_central.flopsPerRow() + m_residual.flopsPerRow();
}

double ResqMixer::inputFlopsPerRow() const {
    return m_mixing.inputFlopsPerRow() + m_central.inputFlopsPerRow() + m_residual.inputFlopsPerRow();
}

} // namespace knife
