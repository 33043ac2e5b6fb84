// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/mixers/own_features.h"

#include <ATen/ATen.h>

namespace knife {

std::int64_t ownFeatureWidth(const MixerShape& shape) {
    return shape.agentState > 0 ? shape.agentState : shape.obs;
}

bool ownFeaturesNeedInputs(const MixerShape& shape) {
    return shape.agentState == 0;
}

at::Tensor ownFeatures(const JointView& view, const MixerShape& shape) {
    const at::Tensor own = ownFeaturesNeedInputs(shape) ? view.inputs.narrow(2, 0, shape.obs)
                                                        : view.state.narrow(1, 0, shape.agents * shape.agentState);
    return own.reshape({-1, ownFeatureWidth(shape)});
}

} // namespace knife
