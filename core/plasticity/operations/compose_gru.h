// SPDX-License-Identifier: GPL-3.0-or-later
// Composites of the units of a GRU cell (core/nets/gru_units.h): what their new neurons start at, and what the
// optimiser knows of them.
#pragma once

#include <vector>

#include "core/nets/site.h"
#include "core/plasticity/operations/neuron_draw.h"

namespace knife {

/// Makes composites of these units (ascending) of a site with a GRU cell. Rows of each gate are drawn as the settings
/// say for a layer's, each gate and each of its two matrices by itself; outgoing weights are the unit's own.
void composeGru(const Site& site, const std::vector<int>& units, const NeuronBirth& birth, ParameterSet& parameters);

} // namespace knife
