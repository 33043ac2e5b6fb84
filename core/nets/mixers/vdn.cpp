// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/mixers/vdn.h"

#include <ATen/ATen.h>

namespace knife {

at::Tensor VdnMixer::mix(const JointView& view, SiteTaps*) const {
    return valuesAt(view.outputs, view.actions).sum(1, /*keepdim=*/true);
}

} // namespace knife
