// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/registry.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/config/did_you_mean.h"
#include "core/envs/car_following.h"
#include "core/envs/matrix_game.h"
#include "core/envs/smac/smac_env.h"
#include "core/envs/stag_hunt.h"
#include "core/envs/tag.h"

namespace knife {

namespace {

std::vector<EnvPreset> matrixPresets() {
    std::vector<EnvPreset> presets;
    for (const NamedTable& table : namedTables()) {
        presets.push_back({table.name, table.help});
    }
    presets.push_back({"two_step", "QMIX two-step game: choose between a safe and a rewarding table"});
    presets.push_back({"nstep", "k-step game: the first joint action fixes a branch that must be repeated"});
    presets.push_back({"mmdp", "QPLEX's endless game of two states"});
    return presets;
}

Result<const EnvEntry*> entryOf(const Section& env) {
    const auto name = env.text("name", "");
    if (!name) {
        return tl::unexpected(name.error());
    }
    std::vector<std::string> known;
    std::vector<std::string> withPresets;
    for (const EnvEntry& entry : environments()) {
        if (entry.name == *name) {
            return &entry;
        }
        known.push_back(entry.name);
        withPresets.push_back(entry.name);
        for (const EnvPreset& preset : entry.presets) {
            withPresets.push_back(preset.name);
        }
    }
    // A slip of the fingers is looked for among all names; the list of them would be too long to show.
    const std::string nearest = nearestWord(*name, withPresets);
    return tl::unexpected(
        env.errorAt("name", fmt::format("there is no environment '{}'{}", *name,
                                        nearest.empty() ? suggestion(*name, known) : suggestion(*name, {nearest}))));
}

} // namespace

const std::vector<EnvEntry>& environments() {
    static const std::vector<EnvEntry> entries = {
        {"matrix", "games that are payoff tables, of one or more steps", "table", matrixPresets(), &makeMatrixGame,
         &resolveMatrixGame,
         [] {
             return listSchema<MatrixGameParams>();
         }},
        {"stag_hunt", "agents hunt stags and hares on a grid", "preset", stagHuntPresets(), &makeStagHunt,
         &resolveStagHunt,
         [] {
             return listSchema<StagHuntParams>();
         }},
        {"tag", "predators hunt prey in the plane", "preset", tagPresets(), &makeTag, &resolveTag,
         [] {
             return listSchema<TagParams>();
         }},
        {"car_following", "two cars on a line, with a risk in speed", "preset", carFollowingPresets(),
         &makeCarFollowing, &resolveCarFollowing,
         [] {
             return listSchema<CarFollowingParams>();
         }},
        {"smac", "battles on the maps of SMAC, by the built-in engine", "scenario",
         smac::presetsOf(smac::Version::Smac), &smac::makeSmac, &smac::resolveSmac,
         [] {
             return listSchema<smac::SmacParams>(smac::defaultsOf(smac::Version::Smac));
         }},
        {"smacv2", "battles of random teams as in SMACv2, by the built-in engine", "scenario",
         smac::presetsOf(smac::Version::SmacV2), &smac::makeSmacV2, &smac::resolveSmacV2,
         [] {
             return listSchema<smac::SmacParams>(smac::defaultsOf(smac::Version::SmacV2));
         }},
    };
    return entries;
}

Section spelledOut(const Section& env) {
    const std::string name = env.text("name", "").value_or("");
    for (const EnvEntry& entry : environments()) {
        const auto preset = std::ranges::find(entry.presets, name, &EnvPreset::name);
        if (name != entry.name && preset != entry.presets.end()) {
            const Section named = env.has(entry.presetKey) ? env : env.withText(entry.presetKey, name);
            return named.withText("name", entry.name);
        }
    }
    return env;
}

Result<std::unique_ptr<Environment>> makeEnvironment(const Section& section) {
    const Section env = spelledOut(section);
    return entryOf(env).and_then([&](const EnvEntry* entry) { return entry->make(env); });
}

Result<Section> resolveEnvironment(const Section& section) {
    const Section env = spelledOut(section);
    return entryOf(env).and_then([&](const EnvEntry* entry) {
        return entry->resolve(env).map([&](const Section& resolved) { return resolved.withText("name", entry->name); });
    });
}

std::vector<EnvInstance> environmentInstances() {
    std::vector<EnvInstance> instances;
    for (const EnvEntry& entry : environments()) {
        const Section plain = Section().withText("name", entry.name);
        instances.push_back({entry.name, entry.name, entry.help, plain});
        for (const EnvPreset& preset : entry.presets) {
            Section env = Section().withText(entry.presetKey, preset.name).withText("name", entry.name);
            instances.push_back({preset.name, entry.name, preset.help, std::move(env)});
        }
    }
    return instances;
}

Result<EnvInstance> environmentInstance(std::string_view name) {
    std::vector<std::string> known;
    for (EnvInstance& instance : environmentInstances()) {
        if (instance.name == name) {
            return std::move(instance);
        }
        known.push_back(instance.name);
    }
    return fail(ErrorCode::NotFound, fmt::format("there is no environment '{}'{}", name, suggestion(name, known)));
}

} // namespace knife
