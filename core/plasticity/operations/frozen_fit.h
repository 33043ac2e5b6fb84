// SPDX-License-Identifier: GPL-3.0-or-later
// Fewer frozen neurons that do nearly what all of them did, on a sample of what the layer reads. Pure functions of
// values, in float64.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/config/section.h"
#include "core/plasticity/operations/neuron_draw.h"

namespace knife {

struct ConsolidateSettings {
    /// "prune": drops neurons that give next to nothing, what they gave on average goes to the consumer's bias.
    /// "lstsq": keeps some of the neurons and fits their outgoing weights to what all gave, by least squares.
    /// "distill": fits all weights of those to it, by gradient descent that begins there.
    std::string policy = "prune";
    double pruneBelow = 1e-3; ///< RMS contribution, as a share of the RMS of the site's output
    double keepFrozen = 0.25; ///< share of the frozen neurons that "lstsq" and "distill" leave
    double ridge = 1e-6;      ///< of least squares, as a share of the features' mean variance
    std::int64_t distillSteps = 300;
    double distillLr = 1e-3; ///< of Adam
    bool operator==(const ConsolidateSettings&) const = default;
};
/// All keys but `policy`.
void describeFit(FieldVisitor& visitor, ConsolidateSettings& settings);
void describe(FieldVisitor& visitor, ConsolidateSettings& settings);

/// Which of `frozen` (float64) to keep, ascending. x: [rows, d_in]; outputRms: of all that the site's consumer reads.
/// Neurons that are silent on all rows of x are never among them.
[[nodiscard]] std::vector<std::int64_t> neuronsToKeep(const at::Tensor& x, const Neurons& frozen, double outputRms,
                                                      const ConsolidateSettings& settings);

struct FrozenFit {
    Neurons neurons;  ///< the kept ones, with what was fitted
    at::Tensor shift; ///< [d_out], for the consumer's bias
};
/// Neurons that stand for all of `frozen`, beginning at the kept ones.
[[nodiscard]] FrozenFit fitFrozen(const at::Tensor& x, const Neurons& frozen, const std::vector<std::int64_t>& kept,
                                  const ConsolidateSettings& settings);

} // namespace knife
