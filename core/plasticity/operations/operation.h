// SPDX-License-Identifier: GPL-3.0-or-later
// One kind of change to the units or modules of a network, named by SurgeryPlan::operation. Interventions say when and
// where; operations do it. A new one is a file here and one line in registry.cpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/config/section.h"
#include "core/nets/factorized_net.h"
#include "core/types/error.h"
#include "core/types/surgery_plan.h"

namespace knife {

/// What the draws of one surgery are a function of; online and target network get the same ones.
struct SurgeryDraws {
    std::uint64_t seed = 0;
    std::int64_t event = 0;

    /// A stream that owns its name; a key of it stands as long as it does.
    struct Stream {
        std::string name;
        std::uint64_t seed = 0;
        std::uint64_t event = 0;
        operator StreamKey() const { return {seed, name, event}; } // NOLINT(google-explicit-constructor)
    };
    [[nodiscard]] Stream stream(const std::string& name) const {
        return {"surgery/" + name, seed, static_cast<std::uint64_t>(event)};
    }
};

/// What the sites of a network read on the newest episodes: [rows, d_in] of valid rows, one entry per site; undefined
/// where it is not known. Empty: there are no episodes.
using SiteInputs = std::vector<at::Tensor>;
using SiteInputsOf = std::function<SiteInputs(const FactorizedNet&)>;

/// Stateless; built from the plan's settings.
class Operation {
  public:
    virtual ~Operation() = default;
    /// What it needs beyond existing sites and units, which the surgeon has checked. ErrorCode::Usage or Unsupported,
    /// with the site or module and the reason.
    [[nodiscard]] virtual Result<void> check(const SurgeryPlan& plan, const FactorizedNet& net) const = 0;
    /// Carries out what check() has let pass, with the plan's optimiser policy for what it touches where the network is
    /// trained. No gradients are recorded.
    virtual void apply(FactorizedNet& net, const SurgeryPlan& plan, const SurgeryDraws& draws) const = 0;
    /// The same in the online and, unless it is left out (nullptr), in the target network.
    virtual void applyToBoth(FactorizedNet& online, FactorizedNet* target, const SurgeryPlan& plan,
                             const SurgeryDraws& draws) const {
        apply(online, plan, draws);
        if (target != nullptr) {
            apply(*target, plan, draws);
        }
    }
    /// What apply() did: kind and parameter counts; where the structure changed, the surgeon counts frozen ones.
    [[nodiscard]] virtual std::vector<SiteReceipt> receipts(const FactorizedNet& net,
                                                            const SurgeryPlan& plan) const = 0;
    /// Whether the function of the network is kept exactly, whatever the plan.
    [[nodiscard]] virtual bool preserves() const { return false; }
    /// Whether parameters come or go, so that the target network cannot be left out.
    [[nodiscard]] virtual bool changesStructure() const { return false; }
    /// Whether a site was left as it was, by its finished receipt: then it gets none.
    [[nodiscard]] virtual bool leftAlone(const SiteReceipt& /*receipt*/) const { return false; }
    /// Whether the live neurons of touched units start anew, so that what was measured of them is void.
    [[nodiscard]] virtual bool startsUnitsAnew() const { return true; }
};

/// Calls visit(site, operation) where a plan names units, in the order of the sites, whatever the order of the plan:
/// checkpoints rebuild parameter blocks in this order.
template <typename Visit>
void visitOperated(const FactorizedNet& net, const SurgeryPlan& plan, const Visit& visit) {
    for (const Site& site : net.sites().all()) {
        const auto found = std::ranges::find(plan.operations, site.name, &SiteOperation::site);
        if (found != plan.operations.end() && !found->units.empty()) {
            visit(site, *found);
        }
    }
}

/// Builds the operation that the plan names with its settings; `inputs` is for those that fit to data.
/// ErrorCode::Usage: no such operation or a wrong setting.
[[nodiscard]] Result<std::unique_ptr<Operation>> makeOperation(const SurgeryPlan& plan, const SiteInputsOf& inputs);

} // namespace knife
