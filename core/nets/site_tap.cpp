// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/site_tap.h"

#include <ATen/ATen.h>

namespace knife {

at::Tensor recordGradient(const at::Tensor& activation, const at::Tensor& factor) {
    if (!activation.requires_grad()) {
        return {};
    }
    at::Tensor gradient = at::zeros_like(activation.detach());
    // The memory does not know the graph, so that neither keeps the other alive.
    activation.register_hook([gradient, factor](const at::Tensor& arrived) {
        const at::NoGradGuard noGrad;
        gradient.copy_(factor.defined() ? arrived * factor : arrived);
    });
    return gradient;
}

void record(SiteTap& tap, const at::Tensor& hidden) {
    tap.hidden = hidden.detach();
    if (tap.wantsGradient) {
        tap.gradient = recordGradient(hidden);
    }
}

} // namespace knife
