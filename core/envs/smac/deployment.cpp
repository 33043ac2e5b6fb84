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

float between(CounterRng& random, double low, double high) {
    return static_cast<float>(low + (high - low) * random.uniform());
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

} // namespace

Deployer::Deployer(const SmacSetting& setting)
    : m_setting(setting),
      m_allies(static_cast<std::size_t>(setting.allies)),
      m_enemies(static_cast<std::size_t>(setting.enemies)) {
    const std::size_t most = std::max(m_allies, m_enemies);
    m_team.reserve(most);
    m_enemyTeam.reserve(most);
    m_allyPoints.reserve(m_allies);
    m_enemyPoints.reserve(m_enemies);
    m_draws.reserve(most + kUnitTypes);
}

Deployment Deployer::empty() const {
    Deployment deployment;
    deployment.units.reserve(m_allies + m_enemies);
    deployment.attackProbability.reserve(m_allies);
    deployment.healthLevel.reserve(m_allies);
    deployment.hidden.reserve(m_allies * m_enemies);
    return deployment;
}

// Whether those from `first` on are not all of types that cannot stand alone.
bool Deployer::hasFighter(std::size_t first) const {
    const auto& exceptions = m_setting.race->exceptions;
    return std::any_of(m_team.begin() + static_cast<std::ptrdiff_t>(first), m_team.end(),
                       [&](UnitType type) { return std::ranges::find(exceptions, type) == exceptions.end(); });
}

// So many independent draws more, again while nobody among them fights.
void Deployer::drawWeighted(std::size_t count, CounterRng& random) {
    const std::size_t first = m_team.size();
    do {
        m_team.resize(first);
        while (m_team.size() < first + count) {
            m_team.push_back(weightedType(*m_setting.race, m_setting.params.unitWeights, random));
        }
    } while (count > 0 && !hasFighter(first));
}

// Every team, as numbers of its types, is as likely as any other: bars between `count` stars.
void Deployer::drawAnyTeam(std::size_t count, CounterRng& random) {
    const std::vector<UnitType>& types = m_setting.race->types;
    do {
        m_team.clear();
        m_draws.resize(count + types.size() - 1);
        std::iota(m_draws.begin(), m_draws.end(), 0U);
        random.shuffle(std::span(m_draws));
        const std::span<std::uint32_t> bars = std::span(m_draws).first(types.size() - 1);
        std::ranges::sort(bars);
        std::size_t type = 0;
        for (std::size_t place = 0; place < m_draws.size(); ++place) {
            if (type < bars.size() && bars[type] == place) {
                ++type;
            } else {
                m_team.push_back(types[type]);
            }
        }
    } while (!hasFighter(0));
    // The smaller side is a part of the larger, of no type rather than another.
    random.shuffle(std::span(m_team));
}

std::size_t Deployer::drawItem(std::size_t items, CounterRng& random) const {
    return m_key.greedy ? static_cast<std::size_t>(m_key.episode % items)
                        : random.below(static_cast<std::uint32_t>(items));
}

void Deployer::drawTeams(CounterRng& random) {
    m_team.clear();
    if (!m_setting.teams.empty()) {
        const TeamItem& item = m_setting.teams[drawItem(m_setting.teams.size(), random)];
        m_team.assign(item.allies.begin(), item.allies.end());
        m_enemyTeam.assign(item.enemies.begin(), item.enemies.end());
        return;
    }
    if (m_setting.params.team == "all_teams") {
        drawAnyTeam(std::max(m_allies, m_enemies), random);
    } else {
        drawWeighted(m_allies, random);
        drawWeighted(m_enemies - std::min(m_allies, m_enemies), random);
    }
    m_enemyTeam.assign(m_team.begin(), m_team.begin() + static_cast<std::ptrdiff_t>(m_enemies));
    m_team.resize(m_allies);
}

// Enemies where the allies' mirror images are.
void Deployer::reflect(CounterRng& random) {
    for (std::size_t i = 0; i < m_allies; ++i) {
        const float x = between(random, 0.0, kMiddle - 1.0);
        m_allyPoints.push_back({x, between(random, 0.0, kMap)});
    }
    for (std::size_t i = 0; i < m_enemies; ++i) {
        if (i < m_allies) {
            m_enemyPoints.push_back({kMap - m_allyPoints[i].x, m_allyPoints[i].y});
        } else {
            const float x = between(random, kMiddle, kMap);
            m_enemyPoints.push_back({x, between(random, 0.0, kMap)});
        }
    }
}

// Allies in the middle, enemies in one to four groups on the diagonals.
void Deployer::surround(CounterRng& random) {
    m_allyPoints.assign(m_allies, {kMiddle, kMiddle});
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
    std::vector<std::uint32_t>& groupOf = m_draws;
    groupOf.clear();
    for (std::size_t i = 0; i < m_enemies; ++i) {
        groupOf.push_back(random.below(groups));
    }
    std::ranges::sort(groupOf); // multinomial sizes; whoever comes first is in the first group
    for (const std::uint32_t group : groupOf) {
        m_enemyPoints.push_back(places[group]);
    }
}

void Deployer::drawPoints(CounterRng& random) {
    const SmacParams& p = m_setting.params;
    m_allyPoints.clear();
    m_enemyPoints.clear();
    if (!p.positionItems.empty()) {
        const std::vector<double>& item = p.positionItems[drawItem(p.positionItems.size(), random)];
        for (std::size_t i = 0; i < m_allies + m_enemies; ++i) {
            (i < m_allies ? m_allyPoints : m_enemyPoints)
                .push_back({static_cast<float>(item[2 * i]), static_cast<float>(item[2 * i + 1])});
        }
        return;
    }
    if (p.startPositions == "sides") {
        m_allyPoints.assign(m_allies, {8.F, kMiddle});
        m_enemyPoints.assign(m_enemies, {24.F, kMiddle});
        return;
    }
    const bool mirror = p.startPositions == "reflect" ||
                        (p.startPositions == "surrounded_and_reflect" && random.uniform() <= p.reflectProbability);
    mirror ? reflect(random) : surround(random);
}

void Deployer::drawCapabilities(CounterRng& random, Deployment& deployment) const {
    const SmacParams& p = m_setting.params;
    const auto draw = [&](const std::vector<double>& bounds, const std::vector<std::vector<double>>& items,
                          std::vector<float>& values) {
        values.clear();
        if (!items.empty()) {
            const std::vector<double>& item = items[drawItem(items.size(), random)];
            values.assign(item.begin(), item.end());
            return;
        }
        for (std::size_t i = 0; !bounds.empty() && i < m_allies; ++i) {
            values.push_back(between(random, bounds[0], bounds[1]));
        }
    };
    draw(p.attackProbability, p.attackItems, deployment.attackProbability);
    draw(p.healthLevel, p.healthItems, deployment.healthLevel);
    deployment.hidden.clear();
    for (std::size_t pair = 0; p.enemyMaskProbability < 1.0 && pair < m_allies * m_enemies; ++pair) {
        deployment.hidden.push_back(random.chance(p.enemyMaskProbability) ? 0 : 1);
    }
}

void Deployer::drawMap(CounterRng& random, Deployment& deployment) const {
    const Scenario& map = *m_setting.map;
    const auto add = [&deployment](const std::vector<Group>& groups, Team team) {
        for (const Group& group : groups) {
            deployment.units.insert(deployment.units.end(), static_cast<std::size_t>(group.count),
                                    {group.type, team, group.point});
        }
    };
    add(map.allies, Team::Ally);
    add(map.enemies, Team::Enemy);
    deployment.plan = map.plan;
    if (map.goesBetweenAllies) {
        const Vec2 from = map.allies[0].point;
        deployment.plan.point = from + (map.allies[1].point - from) * static_cast<float>(random.uniform());
    }
}

void Deployer::draw(const EpisodeKey& key, CounterRng& random, Deployment& deployment) {
    m_key = key;
    deployment.units.clear();
    if (m_setting.map != nullptr) {
        drawMap(random, deployment);
    } else {
        drawTeams(random);
        drawPoints(random);
        for (std::size_t i = 0; i < m_allies; ++i) {
            deployment.units.push_back({m_team[i], Team::Ally, m_allyPoints[i]});
        }
        for (std::size_t i = 0; i < m_enemies; ++i) {
            deployment.units.push_back({m_enemyTeam[i], Team::Enemy, m_enemyPoints[i]});
        }
        deployment.plan = {EnemyPlan::Kind::AttackNearest, {}};
    }
    // Ids of agents follow type, then place; the engine sorts those of a type again by where there was room.
    std::sort(deployment.units.begin(), deployment.units.begin() + static_cast<std::ptrdiff_t>(m_allies),
              [](const Placement& a, const Placement& b) {
                  return std::tie(a.type, a.point.x, a.point.y) < std::tie(b.type, b.point.x, b.point.y);
              });
    drawCapabilities(random, deployment);
}

} // namespace knife::smac
