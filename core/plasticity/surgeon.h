// SPDX-License-Identifier: GPL-3.0-or-later
// Applies surgery plans to an online network and its target. Plans are checked whole before anything is touched; what
// is done to the units is the business of the plan's operation (operations/).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/nets/factorized_net.h"
#include "core/plasticity/net_state.h"
#include "core/plasticity/operations/operation.h"
#include "core/types/error.h"
#include "core/types/surgery_plan.h"

namespace knife {

class Surgeon {
  public:
    /// Both networks must outlive the surgeon and have equal structure. `inputs`: what operations that fit to data get;
    /// without it they are refused.
    Surgeon(FactorizedNet& online, FactorizedNet& target, std::uint64_t seed, SiteInputsOf inputs = {});

    /// ErrorCode::Usage: empty plan, unknown operation, setting, site or module, unit out of range, repeated or
    /// unordered units. ErrorCode::Unsupported: a site refuses, with its reason.
    [[nodiscard]] Result<void> check(const SurgeryPlan& plan) const;
    /// Operation::startsUnitsAnew() of a plan that check() has let pass.
    [[nodiscard]] bool startsUnitsAnew(const SurgeryPlan& plan) const;
    /// Applies a plan as surgery number `event`. Fills everything of the receipts but ruaBefore; none: nothing has
    /// changed, and the surgery before can still be undone.
    [[nodiscard]] Result<std::vector<SiteReceipt>> apply(const SurgeryPlan& plan, std::int64_t event);
    /// Takes the newest apply() back, bit for bit. Requires that no update came between; false: nothing to undo.
    bool undo();
    /// An update has changed the weights: the newest surgery can no longer be undone.
    void forgetUndo() { m_undo.reset(); }
    [[nodiscard]] bool canUndo() const { return m_undo.has_value(); }

  private:
    struct Undo {
        NetState online;
        NetState target;
    };
    [[nodiscard]] Result<std::unique_ptr<Operation>> checked(const SurgeryPlan& plan) const;

    FactorizedNet& m_online;
    FactorizedNet& m_target;
    std::uint64_t m_seed;
    SiteInputsOf m_inputs;
    std::optional<Undo> m_undo;
};

} // namespace knife
