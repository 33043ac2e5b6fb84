// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/smac/deployment.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <span>
#include <tuple>

namespace knife::smac {

namespace {

constexpr float kMap = kMapSize;
constexpr float kMiddle = kMap / 2.F;
constexpr float kInnerRing = 2.F; // how far from the middle the nearest of those that surround begin
constexpr std::array<Vec2, 4> kCorners{{{0.F, 0.F}, {0.F, kMap}, {kMap, 0.F}, {kMap, kMap}}};

using Types = std::vector<UnitType>;

float between(CounterRng& random, double low, double high) {
    return static_cast<float>(low + (high - low) * random.uniform());
}

bool hasFighter(const Types& team, const Race& race) {
    return std::ranges::any_of(
        team, [&](UnitType type) { return std::ranges::find(race.exceptions, type) == race.exceptions.end(); });
}

UnitType weightedType(const Race& race, const std::vector<double>& weights, CounterRng& random) {
    const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    double left = random.uniform() * total;
    std::size_t type = 0;
    while (type + 1 < race.types.size() && left >= weights[type]) {
        left -= weights[type];
        ++type;
    }
    return race.types[type];
}

// So many independent draws, again while nobody among them fights.
Types weightedTeam(const SmacSetting& setting, int count, CounterRng& random) {
    Types team;
    do {
        team.clear();
        for (int i = 0; i < count; ++i) {
            team.push_back(weightedType(*setting.race, setting.params.unitWeights, random));
        }
    } while (count > 0 && !hasFighter(team, *setting.race));
    return team;
}

// Every team, as numbers of its types, is as likely as any other: bars between `count` stars.
Types anyTeam(const SmacSetting& setting, int count, CounterRng& random) {
    const Types& types = setting.race->types;
    Types team;
    do {
        team.clear();
        const std::size_t all = static_cast<std::size_t>(count) + types.size() - 1;
        std::vector<std::size_t> bars(all);
        std::iota(bars.begin(), bars.end(), std::size_t{0});
        random.shuffle(std::span(bars));
        bars.resize(types.size() - 1);
        std::ranges::sort(bars);
        std::size_t type = 0;
        for (std::size_t place = 0; place < all; ++place) {
            if (type < bars.size() && bars[type] == place) {
                ++type;
            } else {
                team.push_back(types[type]);
            }
        }
    } while (!hasFighter(team, *setting.race));
    return team;
}

struct Teams {
    Types allies;
    Types enemies;
};

Teams drawTeams(const SmacSetting& setting, CounterRng& random) {
    if (setting.params.team == "all_teams") {
        Types team = anyTeam(setting, std::max(setting.allies, setting.enemies), random);
        Teams teams{team, team};
        teams.allies.resize(static_cast<std::size_t>(setting.allies));
        teams.enemies.resize(static_cast<std::size_t>(setting.enemies));
        return teams;
    }
    Teams teams;
    teams.allies = weightedTeam(setting, setting.allies, random);
    teams.enemies = teams.allies;
    if (setting.enemies > setting.allies) {
        const Types surplus = weightedTeam(setting, setting.enemies - setting.allies, random);
        teams.enemies.insert(teams.enemies.end(), surplus.begin(), surplus.end());
    }
    teams.enemies.resize(static_cast<std::size_t>(setting.enemies));
    return teams;
}

struct Points {
    std::vector<Vec2> allies;
    std::vector<Vec2> enemies;
};

// Enemies where the allies' mirror images are.
Points reflected(const SmacSetting& setting, CounterRng& random) {
    Points points;
    for (int i = 0; i < setting.allies; ++i) {
        const float x = between(random, 0.0, kMiddle - 1.0);
        points.allies.push_back({x, between(random, 0.0, kMap)});
    }
    for (int i = 0; i < setting.enemies; ++i) {
        if (i < setting.allies) {
            const Vec2 ally = points.allies[static_cast<std::size_t>(i)];
            points.enemies.push_back({kMap - ally.x, ally.y});
        } else {
            const float x = between(random, kMiddle, kMap);
            points.enemies.push_back({x, between(random, 0.0, kMap)});
        }
    }
    return points;
}

// Allies in the middle, enemies in one to four groups on the diagonals.
Points surrounded(const SmacSetting& setting, CounterRng& random) {
    Points points;
    points.allies.assign(static_cast<std::size_t>(setting.allies), {kMiddle, kMiddle});
    std::array<Vec2, 4> corners = kCorners;
    const std::uint32_t groups = 1 + random.below(4);
    random.shuffle(std::span<Vec2>(corners));
    std::array<Vec2, 4> places{};
    for (std::uint32_t group = 0; group < groups; ++group) {
        const Vec2 corner = corners[group];
        const Vec2 inner{corner.x > kMiddle ? kMiddle + kInnerRing : kMiddle - kInnerRing,
                         corner.y > kMiddle ? kMiddle + kInnerRing : kMiddle - kInnerRing};
        const auto t = static_cast<float>(random.uniform());
        places[group] = inner * t + corner * (1.F - t);
    }
    std::vector<std::uint32_t> groupOf;
    for (int i = 0; i < setting.enemies; ++i) {
        groupOf.push_back(random.below(groups));
    }
    std::ranges::sort(groupOf); // multinomial sizes; whoever comes first is in the first group
    for (const std::uint32_t group : groupOf) {
        points.enemies.push_back(places[group]);
    }
    return points;
}

Points drawPoints(const SmacSetting& setting, CounterRng& random) {
    const SmacParams& p = setting.params;
    if (p.startPositions == "sides") {
        return {std::vector<Vec2>(static_cast<std::size_t>(setting.allies), {8.F, kMiddle}),
                std::vector<Vec2>(static_cast<std::size_t>(setting.enemies), {24.F, kMiddle})};
    }
    const bool mirror = p.startPositions == "reflect" ||
                        (p.startPositions == "surrounded_and_reflect" && random.uniform() <= p.reflectProbability);
    return mirror ? reflected(setting, random) : surrounded(setting, random);
}

void drawCapabilities(const SmacSetting& setting, CounterRng& random, Deployment& deployment) {
    const SmacParams& p = setting.params;
    const auto draw = [&](const std::vector<double>& bounds, std::vector<float>& values) {
        values.clear();
        for (int i = 0; !bounds.empty() && i < setting.allies; ++i) {
            values.push_back(between(random, bounds[0], bounds[1]));
        }
    };
    draw(p.attackProbability, deployment.attackProbability);
    draw(p.healthLevel, deployment.healthLevel);
    deployment.hidden.clear();
    for (int pair = 0; p.enemyMaskProbability < 1.0 && pair < setting.allies * setting.enemies; ++pair) {
        deployment.hidden.push_back(random.chance(p.enemyMaskProbability) ? 0 : 1);
    }
}

// Ids of agents follow type, then place.
void sortAgents(std::vector<Placement>& units, int agents) {
    std::stable_sort(units.begin(), units.begin() + agents, [](const Placement& a, const Placement& b) {
        return std::tie(a.type, a.point.x, a.point.y) < std::tie(b.type, b.point.x, b.point.y);
    });
}

void deployMap(const SmacSetting& setting, CounterRng& random, Deployment& deployment) {
    const auto add = [&deployment](const std::vector<Group>& groups, Team team) {
        for (const Group& group : groups) {
            deployment.units.insert(deployment.units.end(), static_cast<std::size_t>(group.count),
                                    {group.type, team, group.point});
        }
    };
    add(setting.map->allies, Team::Ally);
    add(setting.map->enemies, Team::Enemy);
    deployment.plan = setting.map->plan;
    if (setting.map->goesBetweenAllies) {
        const Vec2 from = setting.map->allies[0].point;
        deployment.plan.point = from + (setting.map->allies[1].point - from) * static_cast<float>(random.uniform());
    }
}

} // namespace

void deploy(const SmacSetting& setting, CounterRng& random, Deployment& deployment) {
    deployment.units.clear();
    if (setting.map != nullptr) {
        deployMap(setting, random, deployment);
    } else {
        const Teams teams = drawTeams(setting, random);
        const Points points = drawPoints(setting, random);
        for (std::size_t i = 0; i < teams.allies.size(); ++i) {
            deployment.units.push_back({teams.allies[i], Team::Ally, points.allies[i]});
        }
        for (std::size_t i = 0; i < teams.enemies.size(); ++i) {
            deployment.units.push_back({teams.enemies[i], Team::Enemy, points.enemies[i]});
        }
        deployment.plan = {EnemyPlan::Kind::AttackNearest, {}};
    }
    sortAgents(deployment.units, setting.allies);
    drawCapabilities(setting, random, deployment);
}

} // namespace knife::smac
