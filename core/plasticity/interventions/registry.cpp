// SPDX-License-Identifier: GPL-3.0-or-later
#include <array>

#include <fmt/format.h>

#include "core/config/method_section.h"
#include "core/plasticity/interventions/intervention.h"
#include "core/plasticity/interventions/knife.h"

namespace knife {

namespace {

Result<void> checkSites(const Section& section, const std::vector<std::string>& names, const SiteList& sites) {
    for (const std::string& name : names) {
        const Site* site = sites.find(name);
        if (site == nullptr) {
            std::string known;
            for (const Site& candidate : sites.all()) {
                known += fmt::format("{}{}", known.empty() ? "" : ", ", candidate.name);
            }
            return tl::unexpected(
                section.errorAt("sites", fmt::format("this network has no site \"{}\"; it has {}", name, known)));
        }
        if (site->composite == nullptr) {
            return tl::unexpected(section.errorAt("sites", site->refusal));
        }
    }
    return {};
}

Result<std::unique_ptr<Intervention>> makeKnife(const Section& section, const SiteList& sites) {
    const auto config = readMethod<KnifeConfig>(section);
    if (!config) {
        return tl::unexpected(config.error());
    }
    if (auto known = checkSites(section, config->sites, sites); !known) {
        return tl::unexpected(known.error());
    }
    return std::make_unique<Knife>(*config);
}

struct Entry {
    const char* method;
    Result<std::unique_ptr<Intervention>> (*make)(const Section&, const SiteList&);
    Result<Section> (*resolve)(const Section&);
};

// A new intervention is one file and one line here.
constexpr std::array kInterventions{
    Entry{"knife", &makeKnife, &resolveMethod<KnifeConfig>},
};

} // namespace

void describe(FieldVisitor& visitor, TriggerConfig& config) {
    visitor.choice("trigger", config.trigger, {"when the intervention acts"}, {"task_switch", "periodic", "manual"});
    visitor.field("every", config.every, {"updates between periodic surgeries", "updates"}, {1, 1e12});
}

Result<std::unique_ptr<Intervention>> makeIntervention(const Section& section, const SiteList& sites) {
    const auto entry = findMethod(section, kInterventions, {});
    if (!entry) {
        return tl::unexpected(entry.error());
    }
    return (*entry)->make(section, sites);
}

Result<Section> resolveIntervention(const Section& section) {
    const auto entry = findMethod(section, kInterventions, {});
    if (!entry) {
        return tl::unexpected(entry.error());
    }
    return (*entry)->resolve(section);
}

} // namespace knife
