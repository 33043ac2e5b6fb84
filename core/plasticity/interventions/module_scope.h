// SPDX-License-Identifier: GPL-3.0-or-later
// Which parts of a network a method of whole modules works on, and what becomes of the optimiser's moments and the
// target network.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/config/section.h"
#include "core/nets/parameters.h"
#include "core/types/error.h"
#include "core/types/surgery_plan.h"

namespace knife {

struct ModuleScope {
    /// "head": the last layer of the acting agents. "last_k_layers": their last `layers` ones, a GRU cell being one.
    /// "agent": the acting agents. "mixer": everything else, a method's further networks included. "all".
    std::string scope = "all";
    std::int64_t layers = 1;
    bool operator==(const ModuleScope&) const = default;
};
void describe(FieldVisitor& visitor, ModuleScope& scope);

/// Names of modules in the order in which the network declares them; empty: it has nothing of the kind.
[[nodiscard]] std::vector<std::string> modulesOf(const ModuleScope& scope, const ParameterSet& parameters);
/// ErrorCode::Usage with its place when modulesOf() is empty or has fewer layers than asked for.
[[nodiscard]] Result<void> checkScope(const Section& section, const ModuleScope& scope, const ParameterSet& parameters);

struct ModulePolicy {
    std::string optimiser = "zero";   ///< "zero", "mean_fill", "keep", "reset_all"
    std::string target = "hard_sync"; ///< "hard_sync", "mirror"
    bool operator==(const ModulePolicy&) const = default;
};
void describe(FieldVisitor& visitor, ModulePolicy& policy);
[[nodiscard]] OptimiserPolicy optimiserPolicy(const ModulePolicy& policy);
[[nodiscard]] TargetPolicy targetPolicy(const ModulePolicy& policy);

} // namespace knife
