// SPDX-License-Identifier: GPL-3.0-or-later
// What a training pass leaves behind for diagnostics at one site.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

namespace knife {

/// Hidden activations, detached, one row per input row. The tensors may be views into buffers of the network: read or
/// copy them before its next pass. Backward passes leave activations alone; rows of padded steps may hold anything.
struct SiteTap {
    struct Branch {
        at::Tensor active;       ///< [rows, units of the event]
        at::Tensor compensation; ///< the same shape
        at::Tensor gradient{};   ///< of the loss with respect to `active`
    };
    at::Tensor hidden; ///< [rows, H]
    std::vector<Branch> branches;

    /// Set before the pass: record what follows, too. The backward pass fills the gradients.
    bool wantsGradient = false;
    at::Tensor input{};    ///< [rows, d_in], of agents' sites that read raw inputs; elsewhere it may be undefined
    at::Tensor gradient{}; ///< of the loss with respect to `hidden` [rows, H]; undefined where it is not recorded
};

/// Memory of the shape of `activation` that the backward pass of its graph fills with the gradient of the loss with
/// respect to it, times `factor` if that is given; 0 where none arrives. Undefined for an activation without a graph.
[[nodiscard]] at::Tensor recordGradient(const at::Tensor& activation, const at::Tensor& factor = {});

/// Records a hidden layer of a graph.
void record(SiteTap& tap, const at::Tensor& hidden);

} // namespace knife
