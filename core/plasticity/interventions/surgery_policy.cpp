// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/interventions/surgery_policy.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace knife {

namespace {

bool isBelow(const std::string& site, const std::string& module) {
    return site.starts_with(module + ".");
}

bool isModule(const std::string& name, const SiteList& sites) {
    return std::ranges::any_of(sites.all(), [&](const Site& site) { return isBelow(site.name, name); });
}

} // namespace

void describe(FieldVisitor& visitor, SurgeryPolicy& policy) {
    visitor.field("sites", policy.sites,
                  {"sites to operate on, or \"agent\" or \"mixer\"; empty: all that the method can work on"});
    visitor.choice("optimiser", policy.optimiser, {"what becomes of the optimiser's moments of touched weights"},
                   {"mean_fill", "zero", "keep", "reset_all"});
    visitor.choice("target", policy.target, {"what happens to the target network"}, {"mirror", "hard_sync", "none"});
}

OptimiserPolicy optimiserPolicy(const SurgeryPolicy& policy) {
    if (policy.optimiser == "zero") {
        return OptimiserPolicy::Zero;
    }
    if (policy.optimiser == "keep") {
        return OptimiserPolicy::Keep;
    }
    return policy.optimiser == "reset_all" ? OptimiserPolicy::ResetAll : OptimiserPolicy::MeanFill;
}

TargetPolicy targetPolicy(const SurgeryPolicy& policy) {
    if (policy.target == "hard_sync") {
        return TargetPolicy::HardSync;
    }
    return policy.target == "none" ? TargetPolicy::None : TargetPolicy::Mirror;
}

std::vector<std::size_t> chosenSites(const SurgeryPolicy& policy, const SiteList& sites, SiteRefusal refusal) {
    std::vector<std::size_t> chosen;
    for (std::size_t i = 0; i < sites.all().size(); ++i) {
        const Site& site = sites.all()[i];
        const bool covered = policy.sites.empty() || std::ranges::any_of(policy.sites, [&](const std::string& name) {
                                 return isBelow(site.name, name);
                             });
        const bool named = std::ranges::find(policy.sites, site.name) != policy.sites.end();
        if ((named || (covered && !site.onlyByName)) && refusal(site).empty()) {
            chosen.push_back(i);
        }
    }
    return chosen;
}

Result<void> checkSites(const Section& section, const SurgeryPolicy& policy, const SiteList& sites,
                        SiteRefusal refusal) {
    for (const std::string& name : policy.sites) {
        const Site* site = sites.find(name);
        if (site == nullptr && !isModule(name, sites)) {
            std::vector<std::string> known;
            std::ranges::transform(sites.all(), std::back_inserter(known), &Site::name);
            return tl::unexpected(section.errorAt(
                "sites", fmt::format("this network has no site \"{}\"; it has {}: name one of them in sites", name,
                                     fmt::join(known, ", "))));
        }
        if (site != nullptr && !refusal(*site).empty()) {
            return tl::unexpected(section.errorAt("sites", refusal(*site)));
        }
    }
    if (chosenSites(policy, sites, refusal).empty()) {
        std::vector<std::string> reasons;
        for (const Site& site : sites.all()) {
            const std::string reason = refusal(site);
            reasons.push_back(reason.empty() ? site.name + " is not among the sites that are asked for" : reason);
        }
        return tl::unexpected(
            section.errorAt("sites", fmt::format("there is nothing in this network that the method can work on: {}",
                                                 fmt::join(reasons, "; "))));
    }
    return {};
}

} // namespace knife
