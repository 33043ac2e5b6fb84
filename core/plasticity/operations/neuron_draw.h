// SPDX-License-Identifier: GPL-3.0-or-later
// Fresh neurons for a layer that can hold composites, and the distributions they can come from. Which one the authors
// of KNIFE use is not known from its abstract, so it is an option.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/nets/site.h"
#include "core/plasticity/operations/operation.h"

namespace knife {

struct NeuronDrawSettings {
    /// "layer": as the layer was built, U(+-1/sqrt(d_in)) for weights and bias. "orthogonal": orthogonal rows of norm
    /// 1, bias 0. "rms_matched": as "layer", rows scaled to the median norm of the other live rows.
    std::string in = "layer";
    /// "fresh": as the layer was built, U(+-1/sqrt(H)). "inherit": the outgoing weights of the unit that is replaced,
    /// copied. "zero".
    std::string out = "fresh";
    bool operator==(const NeuronDrawSettings&) const = default;
};

/// What new neurons of a surgery are made of.
struct NeuronBirth {
    const NeuronDrawSettings& settings;
    OptimiserPolicy optimiser = OptimiserPolicy::MeanFill; ///< of their moments
    const SurgeryDraws& draws;
};

struct Neurons {
    at::Tensor in;   ///< [n, d_in]
    at::Tensor bias; ///< [n]
    at::Tensor out;  ///< [d_out, n]
};

/// Incoming rows of `count` neurons that read `in` values; `scale`: what "rms_matched" scales their norms to.
[[nodiscard]] at::Tensor drawRows(const NeuronDrawSettings& settings, std::int64_t count, std::int64_t in,
                                  const std::function<double()>& scale, const StreamKey& key);
/// Their biases.
[[nodiscard]] at::Tensor drawBiases(const NeuronDrawSettings& settings, std::int64_t count, std::int64_t in,
                                    const StreamKey& key);

/// One neuron per unit (ascending) of a site with a CompositeLinear; a function of the draws and, for "rms_matched" and
/// "inherit", of the site's live weights.
[[nodiscard]] Neurons drawNeurons(const Site& site, const std::vector<int>& units, const NeuronDrawSettings& settings,
                                  const SurgeryDraws& draws);

} // namespace knife
