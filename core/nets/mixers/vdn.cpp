// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/mixers/vdn.h"

#include <ATen/ATen.h>

#include "core/nets/mixers/sum_kernel.h"

namespace knife {

at::Tensor VdnMixer::mix(const JointView& view, SiteTaps*) const {
    return valuesAt(view.outputs, view.actions).sum(1, /*keepdim=*/true);
}

std::unique_ptr<MixKernel> VdnMixer::makeKernel(WorkerPool&) const {
    return std::make_unique<SumKernel>(m_agents);
}

} // namespace knife
