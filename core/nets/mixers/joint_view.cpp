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
    if (!values.is_cpu()) {
        return values.detach().masked_fill(unavailable, kUnavailable).argmax(-1);
    }
    // One pass; several tensor operations cost more than an update of a matrix game can spare.
    const at::NoGradGuard noGrad;
    const at::Tensor from = values.contiguous();
    const at::Tensor masked = unavailable.contiguous();
    const std::int64_t actions = values.size(-1);
    at::Tensor greedy = at::empty(values.sizes().slice(0, static_cast<std::size_t>(values.dim() - 1)), at::kLong);
    const float* value = from.data_ptr<float>();
    const bool* barred = masked.data_ptr<bool>();
    std::int64_t* best = greedy.data_ptr<std::int64_t>();
    for (std::int64_t row = 0; row < greedy.numel(); ++row, value += actions, barred += actions) {
        std::int64_t chosen = 0;
        float largest = barred[0] ? kUnavailable : value[0];
        for (std::int64_t action = 1; action < actions; ++action) {
            const float candidate = barred[action] ? kUnavailable : value[action];
            if (candidate > largest) {
                chosen = action;
                largest = candidate;
            }
        }
        best[row] = chosen;
    }
    return greedy;
}

at::Tensor oneHot(const at::Tensor& actions, std::int64_t nActions) {
    auto sizes = actions.sizes().vec();
    sizes.push_back(nActions);
    return at::zeros(sizes, actions.options().dtype(at::kFloat)).scatter_(-1, actions.unsqueeze(-1), 1.0);
}

} // namespace knife
