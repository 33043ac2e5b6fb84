// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/mixers/mixer.h"

#include <ATen/ATen.h>

#include "core/nets/mixers/mix_kernel.h"

namespace knife {

MixerLoss Mixer::loss(const LossInput& input, SiteTaps* taps) const {
    const at::Tensor joint = mix(input.online, taps);
    const at::Tensor squared = (joint - input.targets).square().mean(1, /*keepdim=*/true);
    return {.total = lossFactor() * (squared * input.weights).sum(), .joint = joint.detach()};
}

at::Tensor Mixer::expected(const JointView& view) const {
    return mix(view, nullptr).mean(1);
}

at::Tensor Mixer::actionValues(const at::Tensor& outputs, const at::Tensor&, at::Tensor&) const {
    return outputs;
}

std::unique_ptr<MixKernel> Mixer::makeKernel(WorkerPool&) const {
    return nullptr;
}

} // namespace knife
