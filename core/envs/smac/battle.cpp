// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/smac/battle.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "core/envs/smac/crowd.h"
#include "core/envs/smac/minds.h"

namespace knife::smac {

namespace {

// Allies of a type change places, so that their numbers follow from where they stand. They are alike otherwise.
void numberAllies(Battlefield& field) {
    const auto end = field.units.begin() + field.allies;
    for (auto first = field.units.begin(); first != end;) {
        const auto last = std::find_if(first, end, [&](const UnitState& unit) { return unit.type != first->type; });
        std::sort(first, last, [](const UnitState& a, const UnitState& b) {
            return std::tie(a.position.x, a.position.y) < std::tie(b.position.x, b.position.y);
        });
        first = last;
    }
}

// Whether a unit can do that at all; its target exists.
bool canFollow(const Battlefield& field, int unit, const Order& order) {
    const bool heals = order.kind == Order::Kind::Heal;
    const bool isFriend = field.unit(unit).team == field.unit(order.target).team;
    return field.isHealer(unit) == heals && isFriend == heals && field.unit(order.target).isAlive() &&
           field.canHit(unit, order.target);
}

} // namespace

Battle::Battle(const Terrain& terrain, Pace pace, std::size_t mostUnits)
    : m_field(terrain, mostUnits), m_weapons(pace) {
    m_weapons.reserve(mostUnits);
}

Result<void> Battle::begin(std::span<const Placement> units, const EnemyPlan& enemies, std::uint64_t seed) {
    m_field.seed = seed;
    m_field.plan = enemies;
    m_field.loops = 0;
    m_field.units.clear();
    for (const Placement& placement : units) {
        const UnitStats& stats = statsOf(placement.type, placement.team);
        m_field.units.push_back({.type = placement.type,
                                 .team = placement.team,
                                 .position = placement.point,
                                 .health = static_cast<float>(stats.health),
                                 .healthMax = static_cast<float>(stats.health),
                                 .shield = static_cast<float>(stats.shield),
                                 .shieldMax = static_cast<float>(stats.shield),
                                 .energy = static_cast<float>(stats.energyAtStart),
                                 .cooldown = 0.F});
    }
    m_field.fillBodies();
    m_weapons.reserve(units.size());
    for (int unit = 0; unit < m_field.count(); ++unit) {
        m_field.unit(unit).position = freePlace(m_field, unit, m_field.unit(unit).position);
    }
    numberAllies(m_field);
    m_field.minds.assign(m_field.units.size(), {});
    m_field.struck.assign(m_field.units.size(), -1);
    m_field.byX.resize(m_field.units.size());
    for (int unit = 0; unit < m_field.count(); ++unit) {
        m_field.byX[static_cast<std::size_t>(unit)] = unit;
        if (m_field.unit(unit).team == Team::Enemy && enemies.kind == EnemyPlan::Kind::AttackMove) {
            m_field.mind(unit).task = Mind::Task::AttackMove;
            m_field.mind(unit).point = enemies.point;
        }
    }
    m_field.sortByX();
    return {};
}

Result<void> Battle::kill(int unit) {
    if (unit < 0 || unit >= m_field.count()) {
        return fail(ErrorCode::Usage, fmt::format("the battle has units 0 to {}, not {}", m_field.count() - 1, unit));
    }
    m_field.unit(unit).health = 0.F;
    m_field.unit(unit).shield = 0.F;
    std::erase(m_field.byX, unit);
    return {};
}

Result<void> Battle::step(std::span<const Order> orders, int loops) {
    if (static_cast<int>(orders.size()) != m_field.allies) {
        return fail(ErrorCode::Usage, fmt::format("{} orders for {} units", orders.size(), m_field.allies));
    }
    for (const Order& order : orders) {
        const bool hasTarget = order.kind == Order::Kind::Attack || order.kind == Order::Kind::Heal;
        if (hasTarget && (order.target < 0 || order.target >= m_field.count())) {
            return fail(ErrorCode::Usage, fmt::format("the battle has units 0 to {}, not {} as a target",
                                                      m_field.count() - 1, order.target));
        }
    }
    for (int unit = 0; unit < m_field.allies; ++unit) {
        give(unit, orders[static_cast<std::size_t>(unit)]);
    }
    std::ranges::fill(m_field.struck, -1);
    for (int i = 0; i < loops; ++i) {
        decide(m_field);
        walk(m_field);
        m_weapons.fight(m_field);
        ++m_field.loops;
    }
    return {};
}

void Battle::give(int unit, const Order& order) {
    Mind& own = m_field.mind(unit);
    switch (order.kind) {
    case Order::Kind::None:
        break;
    case Order::Kind::Stop:
        own.task = Mind::Task::Idle;
        break;
    case Order::Kind::Move:
        own.task = Mind::Task::Walk;
        own.point = order.point;
        own.jostled = 0;
        break;
    case Order::Kind::Attack:
    case Order::Kind::Heal:
        if (canFollow(m_field, unit, order)) {
            own.task = Mind::Task::Chase;
            own.target = order.target;
        }
        break;
    }
}

} // namespace knife::smac
