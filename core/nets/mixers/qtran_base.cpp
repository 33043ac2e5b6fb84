// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/mixers/qtran_base.h"

#include <ATen/ATen.h>

namespace knife {

QtranBaseMixer::QtranBaseMixer(const QtranConfig& config, const MixerShape& shape, const MixerMaterials& materials)
    : m_config(config),
      m_features(config, shape, materials),
      m_q(materials, "mixer.q", {shape.state + m_features.width(), config.hiddenLayers(), 1}),
      m_v(materials, "mixer.v", {shape.state, config.hiddenLayers(), 1}) {}

MixerNeeds QtranBaseMixer::needs() const {
    MixerNeeds needs;
    needs.hidden = m_config.seesHidden();
    return needs;
}

at::Tensor QtranBaseMixer::mix(const JointView& view, SiteTaps* taps) const {
    const at::Tensor jointAction = m_features.ofEachAgent(view, taps).sum(1);
    return m_q.forward(at::cat({view.state, jointAction}, 1), taps);
}

MixerLoss QtranBaseMixer::loss(const LossInput& input, SiteTaps* taps) const {
    const JointView& taken = input.online;
    const JointView best = atBestUtilities(taken);
    const at::Tensor qJt = mix(taken, taps);
    const at::Tensor qJtBest = [&] {
        const at::NoGradGuard constant;
        return mix(best, nullptr);
    }();
    const at::Tensor v = m_v.forward(taken.state, taps);
    const at::Tensor td = (qJt - input.targets).square();
    const at::Tensor opt = (sumOfUtilities(best) - qJtBest + v).square();
    const at::Tensor nopt = (sumOfUtilities(taken) - qJt.detach() + v).clamp_max(0.0).square();
    const at::Tensor perStep = m_config.tdWeight * td + m_config.optWeight * opt + m_config.noptWeight * nopt;
    return {.total = (perStep * input.weights).sum(), .joint = qJt.detach()};
}

double QtranBaseMixer::flopsPerRow() const {
    // The loss asks for Q_jt twice, at the actions taken and at the best ones.
    return 2.0 * (m_features.flops() + m_q.flopsPerRow()) + m_v.flopsPerRow();
}

double QtranBaseMixer::inputFlopsPerRow() const {
    return m_v.inputFlopsPerRow();
}

} // namespace knife
