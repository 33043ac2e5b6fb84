// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/mixers/qtran_features.h"

#include <ATen/ATen.h>

namespace knife {

std::vector<std::int64_t> QtranConfig::hiddenLayers() const {
    return std::vector<std::int64_t>(static_cast<std::size_t>(depth), embed);
}

void describe(FieldVisitor& visitor, QtranConfig& config) {
    visitor.choice("arch", config.arch,
                   {"what the joint value sees: encoded memories and actions, or the flat joint action"},
                   {"qtran_paper", "coma_critic"});
    visitor.field("embed", config.embed, {"hidden units of the joint value's and the state value's layers"},
                  {1, 65536});
    visitor.field("depth", config.depth, {"hidden layers of both; 3 is PyMARL's \"big\" network"}, {1, 8});
    visitor.field("td_weight", config.tdWeight, {"weight of the joint value's TD loss"}, {0, 1e6});
    visitor.field("opt_weight", config.optWeight, {"weight of the equality at the greedy joint action"}, {0, 1e6});
    visitor.field("nopt_weight", config.noptWeight, {"weight of the inequality at other joint actions"}, {0, 1e6});
}

QtranFeatures::QtranFeatures(const QtranConfig& config, const MixerShape& shape, const MixerMaterials& materials)
    : m_shape(shape), m_width(config.seesHidden() ? shape.hidden + shape.actions : shape.agents * shape.actions) {
    if (config.seesHidden()) {
        m_encoder = std::make_unique<FeedForward>(materials, "mixer.encoder",
                                                  FeedForward::Shape{m_width, {m_width}, m_width, SiteScope::Agent});
    }
}

at::Tensor QtranFeatures::ofEachAgent(const JointView& view, SiteTaps* taps) const {
    const at::Tensor chosen = oneHot(view.actions, m_shape.actions);
    if (m_encoder) {
        const at::Tensor rows = at::cat({view.hidden, chosen}, 2).view({-1, m_width});
        return m_encoder->forward(rows, taps).view({-1, m_shape.agents, m_width});
    }
    const at::Tensor place = at::eye(m_shape.agents, chosen.options()).view({1, m_shape.agents, m_shape.agents, 1});
    return (place * chosen.unsqueeze(2)).flatten(2);
}

double QtranFeatures::flops() const {
    return m_encoder ? static_cast<double>(m_shape.agents) * m_encoder->flopsPerRow() : 0.0;
}

at::Tensor sumOfUtilities(const JointView& view) {
    return valuesAt(view.outputs, view.actions).sum(1, /*keepdim=*/true);
}

JointView atBestUtilities(const JointView& view) {
    return view.at(greedyActions(view.outputs, view.unavailable));
}

} // namespace knife
