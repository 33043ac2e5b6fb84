// SPDX-License-Identifier: GPL-3.0-or-later
// How differently two networks act and value on the same probe (churn: Schaul et al. 2022).
#pragma once

#include <string>
#include <vector>

#include "core/plasticity/network/diagnostic.h"

namespace knife {

/// NaN where nobody had a choice.
struct PolicyChange {
    double policy = 0.0; ///< share of alive (step, episode, agent) whose greedy action differs
    double joint = 0.0;  ///< share of steps with somebody alive at which any alive agent's differs
    double q = 0.0;      ///< mean |difference| over the available actions of alive agents
    double qTot = 0.0;   ///< mean |difference| at the actions taken, over valid steps
};

[[nodiscard]] PolicyChange changeBetween(const NetReading& a, const NetReading& b, const ProbeBatch& probe);

/// As "churn/policy/<against>", "churn/joint/<against>", …
void putChange(const PolicyChange& change, const std::string& against, std::vector<NetworkValue>& out);

} // namespace knife
