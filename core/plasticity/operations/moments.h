// SPDX-License-Identifier: GPL-3.0-or-later
// What happens to the optimiser's moments of entries that a surgery has rewritten.
#pragma once

#include <cstdint>
#include <vector>

#include "core/nets/parameters.h"
#include "core/types/surgery_plan.h"

namespace knife {

/// For rewritten rows (dimension 0) or columns (dimension 1) of one parameter; ResetAll is the surgeon's. MeanFill:
/// first moments 0, second moments the mean over the other rows or columns. Nothing to do in a copied network.
void settleMoments(const Parameter& parameter, std::int64_t dimension, const std::vector<std::int64_t>& touched,
                   OptimiserPolicy policy);

} // namespace knife
