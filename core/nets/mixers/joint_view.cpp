// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/mixers/joint_view.h"

#include <utility>

#include <ATen/ATen.h>

namespace knife {

namespace {

constexpr float kUnavailable = -9'999'999.F; // PyMARL's value of an action that cannot be taken

} // namespace

JointView JointView::at(at::Tensor jointAction) const {
    JointView other = *this;
    other.actions = std::move(jointAction);
    return other;
}

at::Tensor valuesAt(const at::Tensor& values, const at::Tensor& actions) {
    return values.gather(-1, actions.unsqueeze(-1)).squeeze(-1);
}

at::Tensor greedyActions(const at::Tensor& values, const at::Tensor& unavailable) {
    return values.detach().masked_fill(unavailable, kUnavailable).argmax(-1);
}

at::Tensor oneHot(const at::Tensor& actions, std::int64_t nActions) {
    auto sizes = actions.sizes().vec();
    sizes.push_back(nActions);
    return at::zeros(sizes, actions.options().dtype(at::kFloat)).scatter_(-1, actions.unsqueeze(-1), 1.0);
}

} // namespace knife
