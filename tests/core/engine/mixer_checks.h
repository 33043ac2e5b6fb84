// SPDX-License-Identifier: GPL-3.0-or-later
// What has to hold for the mixer of every method. Each check returns what is wrong, or an empty text.
#pragma once

#include <functional>
#include <string>

#include "engine_fixtures.h"

namespace knife::test {

/// A FeedForward by its named parameters in double precision: x [rows, in] -> [rows, out].
[[nodiscard]] at::Tensor plainNet(const FactorizedNet& net, const std::string& name, const at::Tensor& x);

/// Random rows with some actions unavailable and legal random joint actions, for the networks of `setup`.
[[nodiscard]] JointView someView(const Setup& setup, const FactorizedNet& net, std::int64_t rows, std::uint64_t number);
/// The first row of a view at each of its available joint actions.
[[nodiscard]] JointView everyJointAction(const JointView& view);
/// A loss over `view`: random targets and bootstraps, equal weights.
[[nodiscard]] LossInput someLoss(const JointView& view, std::uint64_t number);

/// Copies noise into the target, so that online and target values differ.
void shakeTarget(Learner& learner);

/// Sums over the valid steps of episodes of unequal length add up, in loss and gradient.
[[nodiscard]] std::string paddingComplaint(const Setup& setup);
/// Gradients equal slopes of the loss for all parameters that `checked` names.
[[nodiscard]] std::string gradientComplaint(const Setup& setup, const std::function<bool(const std::string&)>& checked);
/// Every parameter gets a gradient, and the same one whether the agents use their fast path or the reference.
[[nodiscard]] std::string fastAgentsComplaint(const Setup& setup);
/// Composites at every site that takes them change no bit of values, targets and loss, round by round in training.
[[nodiscard]] std::string surgeryComplaint(const Setup& setup);

} // namespace knife::test
