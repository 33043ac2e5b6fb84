// SPDX-License-Identifier: GPL-3.0-or-later
#include <array>

#include <fmt/format.h>

#include "core/plasticity/interventions/intervention.h"
#include "core/plasticity/interventions/knife.h"

namespace knife {

namespace {

constexpr const char* kMethodKey = "method";

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
    KnifeConfig config;
    if (auto read = readSection(section, config, {kMethodKey}); !read) {
        return tl::unexpected(read.error());
    }
    if (auto known = checkSites(section, config.sites, sites); !known) {
        return tl::unexpected(known.error());
    }
    return std::make_unique<Knife>(std::move(config));
}

template <typename Config>
Result<Section> resolve(const Section& section) {
    Config config;
    if (auto read = readSection(section, config, {kMethodKey}); !read) {
        return tl::unexpected(read.error());
    }
    return writeSection(section.path(), config).mergedWith(section);
}

struct Entry {
    const char* method;
    Result<std::unique_ptr<Intervention>> (*make)(const Section&, const SiteList&);
    Result<Section> (*resolve)(const Section&);
};

// A new intervention is one file and one line here.
constexpr std::array kInterventions{
    Entry{"knife", &makeKnife, &resolve<KnifeConfig>},
};

Result<const Entry*> find(const Section& section) {
    const auto method = section.text(kMethodKey, "");
    if (!method) {
        return tl::unexpected(method.error());
    }
    std::string known;
    for (const Entry& entry : kInterventions) {
        if (*method == entry.method) {
            return &entry;
        }
        known += fmt::format("{}\"{}\"", known.empty() ? "" : ", ", entry.method);
    }
    return tl::unexpected(
        section.errorAt(kMethodKey, fmt::format("unknown intervention \"{}\"; expected one of {}", *method, known)));
}

} // namespace

void describe(FieldVisitor& visitor, TriggerConfig& config) {
    visitor.choice("trigger", config.trigger, {"when the intervention acts"}, {"task_switch", "periodic", "manual"});
    visitor.field("every", config.every, {"updates between periodic surgeries", "updates"}, {1, 1e12});
}

Result<std::unique_ptr<Intervention>> makeIntervention(const Section& section, const SiteList& sites) {
    const auto entry = find(section);
    if (!entry) {
        return tl::unexpected(entry.error());
    }
    return (*entry)->make(section, sites);
}

Result<Section> resolveIntervention(const Section& section) {
    const auto entry = find(section);
    if (!entry) {
        return tl::unexpected(entry.error());
    }
    return (*entry)->resolve(section);
}

} // namespace knife
