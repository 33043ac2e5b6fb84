// SPDX-License-Identifier: GPL-3.0-or-later
// Sums over the trainable incoming and outgoing weights of all units of a site at once: of a composite, those of its
// live neuron. Frozen entries do not count; they would make a unit behind composites look stagnant.
#pragma once

#include <functional>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/nets/parameters.h"
#include "core/nets/site.h"

namespace knife {

/// What is summed up of one parameter: a signal and the weights that it belongs to, of the parameter's shape.
struct RowValues {
    at::Tensor signal;
    at::Tensor weight;
};
using RowSource = std::function<RowValues(const Parameter&)>;

/// Gradients and present values. All of this requires a guard against recording a graph.
[[nodiscard]] RowSource gradientSource();
/// The last step and the values before it; `before` as in UpdateMoment.
[[nodiscard]] RowSource stepSource(const ParameterSet& parameters, const std::vector<at::Tensor>& before);

/// One entry per unit: sums of squares and the inner product, bias apart.
struct LiveRowSums {
    std::vector<double> signal;
    std::vector<double> weight;
    std::vector<double> product;
    std::vector<double> biasSignal; ///< this and what follows: of the bias, 0 unless asked for
    std::vector<double> biasWeight;
    std::vector<double> biasProduct;
};
/// What goes into the sums beside the squares of rows.
struct LiveRowParts {
    bool bias = false;
    bool products = true; ///< else they stay 0
    bool masks = true;    ///< else no entry is frozen, and masks are not even read
};
void sumLiveRows(const Site& site, const RowSource& source, LiveRowParts parts, LiveRowSums& out);

/// The signal of every unit as a vector, unit by unit: [bias, if asked for], row, and behind composites the outgoing
/// weights of the active neurons that it reads; of a GRU unit that gate by gate, for the input and for the memory.
/// Places of frozen entries are 0, and units that have fewer entries than others are filled up with 0.
[[nodiscard]] std::vector<double> liveVectors(const Site& site, const RowSource& source, bool withBias);

/// ||w - born|| / ||born|| per unit. `born` [units, d_in]: the rows as the network began; those of a composite's live
/// neuron are still in its compensation neuron. Columns that a feeder's composites add do not count. Not of GRU units.
[[nodiscard]] std::vector<double> distancesFromBirth(const Site& site, const at::Tensor& born);

/// Mean magnitudes of weights, one per unit.
struct MeanWeights {
    std::vector<double> incoming;
    std::vector<double> outgoing; ///< over the outputs of all consumers
};
[[nodiscard]] MeanWeights meanLiveWeights(const Site& site);

} // namespace knife
