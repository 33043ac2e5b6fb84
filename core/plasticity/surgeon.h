// SPDX-License-Identifier: GPL-3.0-or-later
// Applies surgery plans to an online network and its target. Plans are checked whole before anything is touched.
//
// KNIFE's composite (arXiv 2606.25335): knowledge (frozen) + active (re-initialised, trainable) - compensation (frozen
// copy of the active at birth). The target network gets the same draw on top of its own knowledge, so that neither
// network's function changes and both keep the same structure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/nets/factorized_net.h"
#include "core/types/error.h"
#include "core/types/surgery_plan.h"

namespace knife {

class Surgeon {
  public:
    /// Both networks must outlive the surgeon and have equal structure.
    Surgeon(FactorizedNet& online, FactorizedNet& target, std::uint64_t seed);

    /// ErrorCode::Usage: unknown site, unit out of range, repeated or unordered units, empty plan.
    /// ErrorCode::Unsupported: the site refuses composites, with its reason.
    [[nodiscard]] Result<void> check(const SurgeryPlan& plan) const;
    /// Applies a plan as surgery number `event`. Fills everything of the receipts but ruaBefore.
    [[nodiscard]] Result<std::vector<SiteReceipt>> apply(const SurgeryPlan& plan, std::int64_t event);
    /// Takes the newest apply() back, bit for bit. Requires that no update came between; false: nothing to undo.
    bool undo();
    /// An update has changed the weights: the newest surgery can no longer be undone.
    void forgetUndo() { m_undo.reset(); }
    [[nodiscard]] bool canUndo() const { return m_undo.has_value(); }

  private:
    // Masks and moments as they were, per network; values of existing parameters do not change.
    struct NetUndo {
        std::size_t blocks = 0;
        std::vector<at::Tensor> masks;
        std::vector<at::Tensor> moments1;
        std::vector<at::Tensor> moments2;
        std::vector<char> anyFrozen;
    };
    struct Undo {
        std::vector<std::string> sites;
        NetUndo online;
        NetUndo target;
        std::vector<at::Tensor> targetValues; ///< a hard sync does change values
    };
    void operate(FactorizedNet& net, const SiteOperation& operation, OptimiserPolicy policy, std::int64_t event) const;

    FactorizedNet& m_online;
    FactorizedNet& m_target;
    std::uint64_t m_seed;
    std::optional<Undo> m_undo;
};

} // namespace knife
