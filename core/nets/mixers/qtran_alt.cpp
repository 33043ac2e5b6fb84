// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/mixers/qtran_alt.h"

#include <limits>

#include <ATen/ATen.h>

namespace knife {

namespace {

std::int64_t inputWidth(const QtranConfig& config, const MixerShape& shape, const QtranFeatures& features) {
    return shape.state + features.width() + (config.seesHidden() ? shape.hidden : 0) + shape.agents;
}

} // namespace

QtranAltMixer::QtranAltMixer(const QtranConfig& config, const MixerShape& shape, const MixerMaterials& materials)
    : m_config(config),
      m_shape(shape),
      m_features(config, shape, materials),
      m_q(materials, "mixer.q",
          {inputWidth(config, shape, m_features), config.hiddenLayers(), shape.actions, SiteScope::Agent}),
      m_v(materials, "mixer.v", {shape.state, config.hiddenLayers(), 1}) {}

MixerNeeds QtranAltMixer::needs() const {
    MixerNeeds needs;
    needs.hidden = m_config.seesHidden();
    return needs;
}

at::Tensor QtranAltMixer::counterfactuals(const JointView& view, SiteTaps* taps) const {
    const std::int64_t rows = view.actions.size(0);
    const at::Tensor own = m_features.ofEachAgent(view, taps);
    const at::Tensor others = own.sum(1, /*keepdim=*/true) - own;
    const auto perAgent = [&](const at::Tensor& shared) {
        return shared.expand({rows, m_shape.agents, -1});
    };
    std::vector<at::Tensor> seen = {perAgent(view.state.unsqueeze(1)), others,
                                    perAgent(at::eye(m_shape.agents, view.state.options()))};
    if (m_config.seesHidden()) {
        seen.push_back(view.hidden);
    }
    return m_q.forward(at::cat(seen, 2).flatten(0, 1), taps).view({rows, m_shape.agents, m_shape.actions});
}

at::Tensor QtranAltMixer::mix(const JointView& view, SiteTaps* taps) const {
    return valuesAt(counterfactuals(view, taps), view.actions).mean(1, /*keepdim=*/true);
}

MixerLoss QtranAltMixer::loss(const LossInput& input, SiteTaps* taps) const {
    const JointView& taken = input.online;
    const JointView best = atBestUtilities(taken);
    const at::Tensor qAll = counterfactuals(taken, taps);
    const at::Tensor qTaken = valuesAt(qAll, taken.actions); // [R, N]: every agent's account of the same joint action
    const at::Tensor qJtBest = [&] {
        const at::NoGradGuard constant;
        return mix(best, nullptr);
    }();
    const at::Tensor v = m_v.forward(taken.state, taps);
    const at::Tensor utilities = valuesAt(taken.outputs, taken.actions);
    const at::Tensor others = utilities.sum(1, /*keepdim=*/true) - utilities;
    const at::Tensor d = taken.outputs + others.unsqueeze(2) - qAll.detach() + v.unsqueeze(2);
    const at::Tensor least = d.masked_fill(taken.unavailable, std::numeric_limits<float>::infinity()).amin(2);

    const at::Tensor td = (qTaken - input.targets).square().mean(1, /*keepdim=*/true);
    const at::Tensor opt = (sumOfUtilities(best) - qJtBest + v).square();
    const at::Tensor nopt = least.square().mean(1, /*keepdim=*/true);
    const at::Tensor perStep = m_config.tdWeight * td + m_config.optWeight * opt + m_config.noptWeight * nopt;
    return {.total = (perStep * input.weights).sum(), .joint = qTaken.detach().mean(1, /*keepdim=*/true)};
}

double QtranAltMixer::flopsPerRow() const {
    const double counterfactual = m_features.flops() + static_cast<double>(m_shape.agents) * m_q.flopsPerRow();
    return 2.0 * counterfactual + m_v.flopsPerRow(); // at the actions taken and at the best ones
}

double QtranAltMixer::inputFlopsPerRow() const {
    return m_v.inputFlopsPerRow();
}

} // namespace knife
