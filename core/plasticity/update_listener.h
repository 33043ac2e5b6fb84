// SPDX-License-Identifier: GPL-3.0-or-later
// Who looks into a learner's updates, or has a hand in them. Order within an update: backward pass, unmasked(),
// gradients of frozen entries are discarded, differentiated(), clipping, optimiser, stepped(), Polyak step of the
// target. Never surgery: that happens between updates.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/nets/parameters.h"
#include "core/nets/site.h"
#include "core/plasticity/site_measurement.h"

namespace knife {

/// One update as its listeners see it. What it refers to stands during the call only.
struct UpdateMoment {
    std::int64_t update = 0;           ///< updates before this one
    ParameterSet& parameters;          ///< of the online network, gradients filled
    const SiteTaps* taps = nullptr;    ///< of the training pass; nullptr: not recorded in this update
    const RowValidity* rows = nullptr; ///< of the taps
    double clip = 1.0; ///< by what the gradient is (differentiated()) or was (stepped()) scaled to clip it
    double lr = 0.0;
    /// In stepped(), if wished for: the values before the step, one flat tensor per trainable block of `parameters`
    /// in order, undefined for the others.
    const std::vector<at::Tensor>* before = nullptr;
};

/// What an update is about to learn from. A listener may write to the tensors; they are the update's own.
struct SampledInputs {
    std::int64_t update = 0; ///< updates before this one
    at::Tensor inputs;       ///< [T + 1, B * N, width]: observation, last action, agent id
    at::Tensor state;        ///< [T + 1, B, state]
};

class UpdateListener {
  public:
    virtual ~UpdateListener() = default;
    /// Before the first pass over a batch, by which online and target values are reckoned.
    virtual void sampled(SampledInputs& /*batch*/) {}
    struct Wishes {
        bool activations = false;         ///< UpdateMoment::taps
        bool valuesBefore = false;        ///< UpdateMoment::before
        bool activationGradients = false; ///< SiteTap::input and gradient of UpdateMoment::taps
        bool addsToGradients = false;     ///< differentiated() does
    };
    [[nodiscard]] virtual Wishes wishes(std::int64_t /*update*/) const { return {}; }
    /// Gradients as the backward pass left them, those of frozen entries included.
    virtual void unmasked(const UpdateMoment& /*moment*/) {}
    /// Gradients of trainable entries, before clipping. A listener that said so in its wishes may add to them.
    virtual void differentiated(const UpdateMoment& /*moment*/) {}
    /// Values after the step. A listener may change those of trainable entries.
    virtual void stepped(const UpdateMoment& /*moment*/) {}
};

/// In the order in which they are called.
using UpdateListeners = std::vector<UpdateListener*>;

} // namespace knife
