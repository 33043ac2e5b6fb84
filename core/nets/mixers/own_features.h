// SPDX-License-Identifier: GPL-3.0-or-later
// What attention over agents reads of each agent: its own slice of the state, as the released code of Qatten and RiskQ
// does, where the environment names such slices (MixerShape::agentState; none does yet), else its observation.
#pragma once

#include "core/nets/mixers/mixer.h"

namespace knife {

/// Entries per agent.
[[nodiscard]] std::int64_t ownFeatureWidth(const MixerShape& shape);
/// Whether ownFeatures() reads JointView::inputs.
[[nodiscard]] bool ownFeaturesNeedInputs(const MixerShape& shape);
/// [R * N, ownFeatureWidth()].
[[nodiscard]] at::Tensor ownFeatures(const JointView& view, const MixerShape& shape);

} // namespace knife
