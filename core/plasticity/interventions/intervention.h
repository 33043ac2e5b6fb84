// SPDX-License-Identifier: GPL-3.0-or-later
// A plasticity method: when it acts, and what it would do to the units it looks at.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/config/section.h"
#include "core/nets/site.h"
#include "core/plasticity/diagnostics.h"
#include "core/types/error.h"
#include "core/types/surgery_plan.h"

namespace knife {

/// When an intervention acts. Shared by all methods.
struct TriggerConfig {
    std::string trigger = "task_switch"; ///< "task_switch", "periodic", "manual"
    std::int64_t every = 1000;           ///< learner updates between periodic surgeries
};
void describe(FieldVisitor& visitor, TriggerConfig& config);

class Intervention {
  public:
    virtual ~Intervention() = default;
    [[nodiscard]] virtual const TriggerConfig& trigger() const = 0;
    /// What the method would do now. Pure; an empty plan means nothing to do.
    [[nodiscard]] virtual SurgeryPlan propose(const Diagnostics& diagnostics, const SiteList& sites) const = 0;
};

/// Builds the intervention named by `method`; unknown methods, keys and sites are ErrorCode::Usage with their place.
[[nodiscard]] Result<std::unique_ptr<Intervention>> makeIntervention(const Section& section, const SiteList& sites);
/// The section with every default of its method written out.
[[nodiscard]] Result<Section> resolveIntervention(const Section& section);

} // namespace knife
