// SPDX-License-Identifier: GPL-3.0-or-later
// Where a method operates and what becomes of the optimiser's moments and the target network: keys that all methods
// with surgeries share.
#pragma once

#include <string>
#include <vector>

#include "core/config/method_section.h"
#include "core/config/section.h"
#include "core/nets/site.h"
#include "core/types/error.h"
#include "core/types/surgery_plan.h"

namespace knife {

struct SurgeryPolicy {
    /// Names of sites, or "agent" or "mixer" for all of theirs; empty: every site the method can work on. Sites that
    /// are Site::onlyByName must be named themselves.
    std::vector<std::string> sites;
    std::string optimiser = "mean_fill"; ///< "mean_fill", "zero", "keep", "reset_all"
    std::string target = "mirror";       ///< "mirror", "hard_sync", "none"
    bool operator==(const SurgeryPolicy&) const = default;
};
void describe(FieldVisitor& visitor, SurgeryPolicy& policy);

[[nodiscard]] OptimiserPolicy optimiserPolicy(const SurgeryPolicy& policy);
[[nodiscard]] TargetPolicy targetPolicy(const SurgeryPolicy& policy);

/// Why a method cannot work on a site, for people; empty: it can.
using SiteRefusal = std::string (*)(const Site& site);

/// Indices of the sites that a policy names and the method can work on.
[[nodiscard]] std::vector<std::size_t> chosenSites(const SurgeryPolicy& policy, const SiteList& sites,
                                                   SiteRefusal refusal);
/// ErrorCode::Usage with the place of `sites` when a name is unknown, a site that was named itself refuses, or all do.
[[nodiscard]] Result<void> checkSites(const Section& section, const SurgeryPolicy& policy, const SiteList& sites,
                                      SiteRefusal refusal);

/// The configuration of a method with a `policy`, its sites checked.
template <typename Config>
[[nodiscard]] Result<Config> readAtSites(const Section& section, const SiteList& sites, SiteRefusal refusal) {
    return readMethod<Config>(section).and_then(
        [&](Config config) { return checkSites(section, config.policy, sites, refusal).map([&] { return config; }); });
}

} // namespace knife
