// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/mixers/iqn_mixer.h"

#include <string>

#include <ATen/ATen.h>

#include "core/nets/mixers/quantile_loss.h"

namespace knife {

namespace {

constexpr const char* kTrained = "/online";
constexpr const char* kBootstrapped = "/target";

} // namespace

void describe(FieldVisitor& visitor, IqnConfig& config) {
    visitor.field("quantiles", config.quantiles, {"random quantiles of the return that each update trains"}, {1, 1024});
    visitor.field("target_quantiles", config.targetQuantiles, {"random quantiles of the targets"}, {1, 1024});
    visitor.field("acting_quantiles", config.actingQuantiles,
                  {"evenly spread quantiles whose mean actions are chosen by"}, {1, 1024});
    visitor.field("cosines", config.cosines, {"cosine features of a quantile's fraction"}, {1, 65536});
}

IqnMixer::IqnMixer(const IqnConfig& config, Fractions fractions, const MixerShape& shape,
                   const MixerMaterials& materials)
    : m_config(config),
      m_groups(fractions == Fractions::Shared ? 1 : shape.agents),
      m_head(config.cosines, shape, materials) {}

MixerNeeds IqnMixer::needs() const {
    return {.valuesPerAction = 0, .hidden = true, .inputs = false, .furtherAgents = {}};
}

at::Tensor IqnMixer::draw(const JointView& view, const char* use, std::int64_t count) const {
    const std::string name = std::string(view.noise.name) + use;
    return drawFractions({view.rows(), m_groups, count}, {view.noise.seed, name, view.noise.index})
        .to(view.hidden.device());
}

at::Tensor IqnMixer::jointQuantiles(const JointView& view, const at::Tensor& fractions, SiteTaps* taps) const {
    return combine(m_head.chosen(view.hidden, view.actions, fractions, taps), view.state, taps);
}

at::Tensor IqnMixer::mix(const JointView& view, SiteTaps* taps) const {
    return jointQuantiles(view, draw(view, kTrained, m_config.quantiles), taps).flatten(1);
}

at::Tensor IqnMixer::bootstrap(const JointView& view) const {
    return jointQuantiles(view, draw(view, kBootstrapped, m_config.targetQuantiles), nullptr).flatten(1);
}

at::Tensor IqnMixer::expected(const JointView& view) const {
    const at::Tensor fractions = midpoints(m_config.actingQuantiles)
                                     .to(view.hidden.device())
                                     .expand({view.rows(), m_groups, m_config.actingQuantiles});
    return jointQuantiles(view, fractions, nullptr).flatten(1).mean(1);
}

MixerLoss IqnMixer::loss(const LossInput& input, SiteTaps* taps) const {
    const at::Tensor tau = draw(input.online, kTrained, m_config.quantiles);
    const at::Tensor z = jointQuantiles(input.online, tau, taps);
    const at::Tensor targets = input.targets.view({-1, m_groups, m_config.targetQuantiles});
    const at::Tensor perRow = quantileHuber(z, tau, targets).mean(1, /*keepdim=*/true);
    return {.total = (perRow * input.weights).sum(), .joint = z.detach().flatten(1)};
}

at::Tensor IqnMixer::actionValues(const at::Tensor&, const at::Tensor& hidden, at::Tensor&) const {
    return m_head.means(hidden, midpoints(m_config.actingQuantiles).to(hidden.device()));
}

double IqnMixer::flopsPerRow() const {
    return m_head.flopsPerRow(m_groups, m_config.quantiles);
}

double IqnMixer::inputFlopsPerRow() const {
    return m_head.inputFlopsPerRow(m_groups, m_config.quantiles);
}

} // namespace knife
