// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/mixers/riskq.h"

#include <cmath>

#include <ATen/ATen.h>

#include "core/nets/mixers/own_features.h"
#include "core/nets/mixers/quantile_loss.h"
#include "core/nets/mixers/sorted_rows.h"

namespace knife {

void describe(FieldVisitor& visitor, RiskqConfig& config) {
    visitor.field("quantiles", config.quantiles, {"quantiles of the return of each action"}, {1, 1024});
    describe(visitor, config.risk);
    visitor.field("query_hidden", config.queryHidden, {"hidden units of the query network"}, {1, 65536});
    visitor.field("embed", config.embed, {"width of query and keys"}, {1, 65536});
    visitor.field("head_hidden", config.headHidden, {"hidden units of the network of the common weight"}, {1, 65536});
    visitor.field("constant_hidden", config.constantHidden, {"hidden units of the network of the constant"},
                  {1, 65536});
}

RiskqMixer::RiskqMixer(const RiskqConfig& config, const MixerShape& shape, const MixerMaterials& materials)
    : m_config(config),
      m_shape(shape),
      m_query(materials, "mixer.query", {shape.state, {config.queryHidden}, config.embed}),
      m_key(materials, "mixer.key", {ownFeatureWidth(shape), {}, config.embed, SiteScope::Agent}),
      m_head(materials, "mixer.head", {shape.state, {config.headHidden}, 1}),
      m_constant(materials, "mixer.constant", {shape.state, {config.constantHidden}, 1}),
      m_riskWeights(riskWeights(config.risk, config.quantiles)) {}

MixerNeeds RiskqMixer::needs() const {
    return {.valuesPerAction = m_config.quantiles,
            .hidden = false,
            .inputs = ownFeaturesNeedInputs(m_shape),
            .furtherAgents = {}};
}

at::Tensor RiskqMixer::attention(const JointView& view, SiteTaps* taps) const {
    const std::int64_t agents = m_shape.agents;
    const at::Tensor query = m_query.forward(view.state, taps).unsqueeze(1);
    const at::Tensor key = m_key.forward(ownFeatures(view, m_shape), taps).view({-1, agents, m_config.embed});
    return at::softmax((query * key).sum(2) / std::sqrt(static_cast<double>(m_config.embed)), 1);
}

at::Tensor RiskqMixer::mix(const JointView& view, SiteTaps* taps) const {
    const std::int64_t quantiles = m_config.quantiles;
    const at::Tensor all = view.outputs.reshape({-1, m_shape.agents, view.outputs.size(2) / quantiles, quantiles});
    const at::Tensor index = view.actions.unsqueeze(2).unsqueeze(3).expand({-1, -1, 1, quantiles});
    const at::Tensor theta = sortedRows(all.gather(2, index).squeeze(2)); // [R, N, K]
    const at::Tensor weights = m_head.forward(view.state, taps).abs() * attention(view, taps);
    return (weights.unsqueeze(2) * theta).sum(1) + m_constant.forward(view.state, taps);
}

MixerLoss RiskqMixer::loss(const LossInput& input, SiteTaps* taps) const {
    const at::Tensor theta = mix(input.online, taps);
    const at::Tensor tau = midpoints(m_config.quantiles).to(theta.device()).expand_as(theta);
    const at::Tensor perRow = quantileHuber(theta, tau, input.targets).unsqueeze(1);
    return {.total = (perRow * input.weights).sum(), .joint = theta.detach()};
}

at::Tensor RiskqMixer::actionValues(const at::Tensor& outputs, const at::Tensor&, at::Tensor&) const {
    const std::int64_t actions = outputs.size(2) / m_config.quantiles;
    const at::Tensor theta = outputs.reshape({outputs.size(0), outputs.size(1), actions, m_config.quantiles});
    return weighSorted(theta, m_riskWeights);
}

double RiskqMixer::inputFlopsPerRow() const {
    return m_query.inputFlopsPerRow() + m_head.inputFlopsPerRow() + m_constant.inputFlopsPerRow() +
           static_cast<double>(m_shape.agents) * m_key.inputFlopsPerRow();
}

double RiskqMixer::flopsPerRow() const {
    const double attending = 2.0 * static_cast<double>(m_shape.agents * m_config.embed);
    const double mixing = 2.0 * static_cast<double>(m_shape.agents * m_config.quantiles);
    return m_query.flopsPerRow() + m_head.flopsPerRow() + m_constant.flopsPerRow() +
           static_cast<double>(m_shape.agents) * m_key.flopsPerRow() + attending + mixing;
}

} // namespace knife
