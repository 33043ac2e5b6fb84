// SPDX-License-Identifier: GPL-3.0-or-later
// A plasticity method: when it acts, what it would do to the units it looks at, and what it does in every update.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/section.h"
#include "core/nets/factorized_net.h"
#include "core/plasticity/diagnostics.h"
#include "core/plasticity/interventions/trigger.h"
#include "core/plasticity/update_listener.h"
#include "core/types/error.h"
#include "core/types/surgery_plan.h"

namespace knife {

/// What a method may look at when it proposes.
struct InterventionView {
    const Diagnostics& diagnostics;
    const FactorizedNet& net; ///< online
    std::int64_t update = 0;  ///< updates so far
    std::uint64_t seed = 0;   ///< of the run; draws are keyed by it, the method's name and `update`
};

class Intervention {
  public:
    virtual ~Intervention() = default;
    /// When propose() is asked.
    [[nodiscard]] virtual const TriggerConfig& trigger() const = 0;
    /// Surgeries of the same moment that come before what propose() asks for; it sees the network after them. Pure.
    [[nodiscard]] virtual std::vector<SurgeryPlan> prepare(const InterventionView& /*view*/) const { return {}; }
    /// What the method would do now. Pure; an empty plan means nothing to do.
    [[nodiscard]] virtual SurgeryPlan propose(const InterventionView& view) const = 0;
    /// A surgery, its own or another's, has just been done: parameters may have come, gone or moved. Comes before
    /// touched().
    virtual void rebuilt() {}
    /// Units or modules have started anew in a surgery: what it gathered about them is void.
    virtual void touched(const std::vector<SiteReceipt>& /*sites*/) {}
    /// The target network has just become a copy of the online one. Comes before propose() of the same moment.
    virtual void targetCopied() {}

    /// For methods that watch or change every update; nullptr: this one does not.
    [[nodiscard]] virtual UpdateListener* listener() { return nullptr; }
    /// State that the listener has gathered, as bytes for checkpoints; empty: none.
    [[nodiscard]] virtual std::string save() const { return {}; }
    /// Takes back what save() gave; false: it does not fit.
    [[nodiscard]] virtual bool restore(std::string_view saved) { return saved.empty(); }
};

/// Builds the intervention named by `method`; unknown methods, keys and sites are ErrorCode::Usage with their place,
/// sites that the method cannot work on ErrorCode::Usage with the reason.
[[nodiscard]] Result<std::unique_ptr<Intervention>> makeIntervention(const Section& section, const FactorizedNet& net);
/// The section with every default of its method written out.
[[nodiscard]] Result<Section> resolveIntervention(const Section& section);

} // namespace knife
