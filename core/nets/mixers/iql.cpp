// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/mixers/iql.h"

#include "core/nets/mixers/sum_kernel.h"

namespace knife {

at::Tensor IqlMixer::mix(const JointView& view, SiteTaps*) const {
    return valuesAt(view.outputs, view.actions);
}

std::unique_ptr<MixKernel> IqlMixer::makeKernel(WorkerPool&) const {
    return std::make_unique<IdentityKernel>(m_agents);
}

} // namespace knife
