// SPDX-License-Identifier: GPL-3.0-or-later
// Plasticity injection into rows of a linear layer without activation (core/nets/injected_linear.h): into all of them,
// or into those of some units, which is KNIFE's composite of a linear unit.
#pragma once

#include <vector>

#include "core/nets/injected_linear.h"
#include "core/plasticity/operations/neuron_draw.h"

namespace knife {

/// `units`: ascending; empty: the whole layer, as one branch. MeanFill gives the new rows the mean second moment of
/// what has been learning in the layer. All units by name and the whole layer get the same draw.
void injectRows(InjectedLinear& layer, const std::vector<int>& units, const NeuronBirth& birth,
                ParameterSet& parameters);

} // namespace knife
