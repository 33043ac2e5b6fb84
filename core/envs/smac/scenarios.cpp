// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/smac/scenarios.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/envs/smac/rules_table.h"

namespace knife::smac {

namespace {

using enum UnitType;

constexpr Vec2 kWest{9.F, 16.F};
constexpr Vec2 kEast{23.F, 16.F};
constexpr Vec2 kFarCorner{4.47F, 4.33F};

constexpr EnemyPlan attackMove(Vec2 point) {
    return {EnemyPlan::Kind::AttackMove, point};
}

std::vector<Group> at(Vec2 point, std::vector<Group> groups) {
    for (Group& group : groups) {
        group.point = point;
    }
    return groups;
}

// Both sides on the strip of most maps, enemies on their way to where the allies began.
Scenario onStrip(std::string_view name, std::vector<Group> allies, std::vector<Group> enemies, int limit) {
    return {.name = name,
            .allies = at(kWest, std::move(allies)),
            .enemies = at(kEast, std::move(enemies)),
            .episodeLimit = limit,
            .allyTypes = {},
            .enemyTypes = {},
            .terrain = "strip",
            .plan = attackMove(kWest)};
}

Scenario marines(std::string_view name, int allies, int enemies, int limit) {
    return onStrip(name, {{Marine, allies, {}}}, {{Marine, enemies, {}}}, limit);
}

// Indices of types are those of the released code: enemies of the maps with stalkers and zealots count otherwise.
Scenario stalkersAndZealots(std::string_view name, int stalkers, int zealots, int enemyZealots, int limit) {
    Scenario scenario = onStrip(name, {{Stalker, stalkers, {}}, {Zealot, zealots, {}}},
                                {{Stalker, stalkers, {}}, {Zealot, enemyZealots, {}}}, limit);
    scenario.allyTypes = {Stalker, Zealot};
    scenario.enemyTypes = {Zealot, Stalker};
    return scenario;
}

Scenario stalkersAgainstZealots(std::string_view name, int zealots, int limit) {
    Scenario scenario = onStrip(name, {{Stalker, 3, {}}}, {{Zealot, zealots, {}}}, limit);
    scenario.terrain = "flat";
    return scenario;
}

Scenario withMedivac(std::string_view name, int enemyMarines, int enemyMarauders, int limit) {
    Scenario scenario = onStrip(name, {{Marine, 7, {}}, {Marauder, 2, {}}, {Medivac, 1, {}}},
                                {{Marine, enemyMarines, {}}, {Marauder, enemyMarauders, {}}, {Medivac, 1, {}}}, limit);
    scenario.allyTypes = {Marauder, Marine, Medivac};
    scenario.enemyTypes = {Marauder, Marine, Medivac};
    scenario.kind = MapKind::WithMedivacs;
    return scenario;
}

std::vector<Scenario> listed() {
    std::vector<Scenario> all = {
        marines("3m", 3, 3, 60),
        marines("8m", 8, 8, 120),
        marines("25m", 25, 25, 150),
        marines("5m_vs_6m", 5, 6, 70),
        marines("8m_vs_9m", 8, 9, 120),
        marines("10m_vs_11m", 10, 11, 150),
        marines("27m_vs_30m", 27, 30, 180),
        withMedivac("MMM", 7, 2, 150),
        withMedivac("MMM2", 8, 3, 180),
        stalkersAndZealots("2s3z", 2, 3, 3, 120),
        stalkersAndZealots("3s5z", 3, 5, 5, 150),
        stalkersAndZealots("3s5z_vs_3s6z", 3, 5, 6, 170),
        stalkersAgainstZealots("3s_vs_3z", 3, 150),
        stalkersAgainstZealots("3s_vs_4z", 4, 200),
        stalkersAgainstZealots("3s_vs_5z", 5, 250),
    };
    Scenario colossi = onStrip("1c3s5z", {{Colossus, 1, {}}, {Stalker, 3, {}}, {Zealot, 5, {}}},
                               {{Colossus, 1, {}}, {Stalker, 3, {}}, {Zealot, 5, {}}}, 180);
    colossi.allyTypes = {Colossus, Stalker, Zealot};
    colossi.enemyTypes = colossi.allyTypes;
    all.push_back(std::move(colossi));
    const auto add = [&all](std::string_view name, std::vector<Group> allies, std::vector<Group> enemies, int limit,
                            std::string_view terrain, EnemyPlan plan) -> Scenario& {
        all.push_back({.name = name,
                       .allies = std::move(allies),
                       .enemies = std::move(enemies),
                       .episodeLimit = limit,
                       .allyTypes = {},
                       .enemyTypes = {},
                       .terrain = terrain,
                       .plan = plan});
        return all.back();
    };
    add("2m_vs_1z", {{Marine, 1, {13.F, 12.F}}, {Marine, 1, {19.F, 12.F}}}, {{Zealot, 1, {16.F, 19.F}}}, 150, "octagon",
        attackMove({16.F, 12.F}))
        .goesBetweenAllies = true;
    add("corridor", {{Zealot, 6, {19.04F, 19.12F}}}, {{Zergling, 24, {27.91F, 28.24F}}}, 400, "corridor",
        attackMove(kFarCorner));
    add("6h_vs_8z", {{Hydralisk, 6, {14.6F, 9.49F}}}, {{Zealot, 8, {14.41F, 16.76F}}}, 150, "6h_vs_8z",
        attackMove({14.6F, 9.49F}));
    add("2s_vs_1sc", {{Stalker, 1, {11.12F, 10.34F}}, {Stalker, 1, {16.98F, 10.37F}}},
        {{SpineCrawler, 1, {13.92F, 20.04F}}}, 300, "2s_vs_1sc", {});
    add("so_many_baneling", {{Zealot, 7, {11.47F, 12.02F}}}, {{Baneling, 32, {27.91F, 28.24F}}}, 100,
        "so_many_baneling", attackMove(kFarCorner));
    Scenario& bane =
        add("bane_vs_bane", {{Zergling, 20, {16.F, 11.F}}, {Baneling, 4, {16.F, 8.F}}},
            {{Zergling, 20, {16.F, 21.F}}, {Baneling, 4, {16.F, 24.F}}}, 200, "octagon", attackMove({16.F, 8.F}));
    bane.allyTypes = {Baneling, Zergling};
    bane.enemyTypes = bane.allyTypes;
    add("2c_vs_64zg", {{Colossus, 2, {16.F, 16.F}}}, {{Zergling, 64, {16.F, 9.F}}}, 400, "2c_vs_64zg",
        {EnemyPlan::Kind::AttackNearestOnce, {}});
    return all;
}

} // namespace

const std::vector<Scenario>& scenarios() {
    static const std::vector<Scenario> all = listed();
    return all;
}

const std::vector<Race>& races() {
    static const std::vector<Race> all = {
        {"protoss", {Stalker, Zealot, Colossus}, {0.45, 0.45, 0.1}, {}, MapKind::Plain},
        {"terran", {Marine, Marauder, Medivac}, {0.45, 0.45, 0.1}, {Medivac}, MapKind::WithMedivacs},
        {"zerg", {Zergling, Hydralisk, Baneling}, {0.45, 0.45, 0.1}, {Baneling}, MapKind::Plain},
    };
    return all;
}

const std::vector<TeamSizes>& teamSizes() {
    static const std::vector<TeamSizes> all = {{5, 5}, {10, 10}, {20, 20}, {10, 11}, {20, 23}};
    return all;
}

std::string scenarioName(const Race& race, TeamSizes sizes) {
    return fmt::format("{}_{}_vs_{}", race.name, sizes.allies, sizes.enemies);
}

bool hasShields(const std::vector<UnitType>& types) {
    return std::ranges::any_of(types, [](UnitType type) { return rulesOf(type).hasShield; });
}

int countOf(const std::vector<Group>& groups) {
    int count = 0;
    for (const Group& group : groups) {
        count += group.count;
    }
    return count;
}

} // namespace knife::smac
