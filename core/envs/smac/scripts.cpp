// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/smac/scripts.h"

#include <cmath>
#include <limits>

#include "core/envs/smac/unit_table.h"

namespace knife::smac {

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

} // namespace

const UnitState& AttackNearest::targetAt(const Moment& moment, int agent, int slot) const {
    const UnitState& own = moment.units[static_cast<std::size_t>(agent)];
    return moment.units[static_cast<std::size_t>(m_observer.targetOf(own, slot))];
}

// Whether there is anybody alive in that slot whom this agent can hit, or heal.
bool AttackNearest::canTarget(const Moment& moment, int agent, int slot) const {
    const UnitState& own = moment.units[static_cast<std::size_t>(agent)];
    const int target = m_observer.targetOf(own, slot);
    if (target < 0 || target == agent) {
        return false;
    }
    const UnitState& other = moment.units[static_cast<std::size_t>(target)];
    return other.isAlive() && canHit(statsOf(own.type, own.team), statsOf(other.type, other.team));
}

// Of those as near as it can strike, wherever it looks, the nearest, or the most hurt; -1: nobody.
int AttackNearest::inReach(const Moment& moment, int agent) const {
    const UnitState& own = moment.units[static_cast<std::size_t>(agent)];
    const float reach = m_sight.reachOf(own.type);
    int best = -1;
    float least = kInfinity;
    for (int slot = 0; slot < slots(); ++slot) {
        if (!canTarget(moment, agent, slot)) {
            continue;
        }
        const UnitState& other = targetAt(moment, agent, slot);
        const float distance = squaredLength(other.position - own.position);
        const float cost = m_observer.heals(own) ? other.health / other.healthMax : distance;
        if (distance <= reach * reach && cost < least) {
            least = cost;
            best = slot;
        }
    }
    return best;
}

int AttackNearest::goal(const Moment& moment, int agent) const {
    const UnitState& own = moment.units[static_cast<std::size_t>(agent)];
    int nearest = -1;
    float least = kInfinity;
    for (int slot = 0; slot < slots(); ++slot) {
        if (!canTarget(moment, agent, slot)) {
            continue;
        }
        const float distance = squaredLength(targetAt(moment, agent, slot).position - own.position);
        if (distance < least) {
            least = distance;
            nearest = slot;
        }
    }
    return nearest;
}

std::int32_t AttackNearest::turnTo(Vec2 way, std::span<const std::uint8_t> legal) const {
    std::int32_t best = Observer::Stop;
    float most = -kInfinity;
    for (std::int32_t look = Observer::FirstLook; look < m_observer.firstTarget(); ++look) {
        const Vec2 direction = m_sight.direction(look - Observer::FirstLook);
        const float along = direction.x * way.x + direction.y * way.y;
        if (legal[static_cast<std::size_t>(look)] != 0 && along > most) {
            most = along;
            best = look;
        }
    }
    return best;
}

std::int32_t AttackNearest::walkTo(const UnitState& own, Vec2 place, std::span<const std::uint8_t> legal) const {
    const bool climbs = statsOf(own.type, own.team).climbs;
    const bool flies = statsOf(own.type, own.team).flies;
    const Vec2 next = flies ? place : m_terrain.heading(own.position, place, climbs);
    const Vec2 way = next - own.position;
    const std::int32_t across = way.x > 0.F ? Observer::East : Observer::West;
    const std::int32_t along = way.y > 0.F ? Observer::North : Observer::South;
    const bool mostlyAcross = std::abs(way.x) > std::abs(way.y);
    for (const std::int32_t move : {mostlyAcross ? across : along, mostlyAcross ? along : across}) {
        if (legal[static_cast<std::size_t>(move)] != 0) {
            return move;
        }
    }
    return Observer::Stop;
}

std::int32_t AttackNearest::act(const Moment& moment, int agent, std::span<const std::uint8_t> legal) const {
    if (agent >= m_setting.allies || legal[Observer::NoOp] != 0) {
        return Observer::NoOp;
    }
    const UnitState& own = moment.units[static_cast<std::size_t>(agent)];
    if (const int slot = inReach(moment, agent); slot >= 0) {
        const Vec2 place = targetAt(moment, agent, slot).position;
        const std::int32_t action = m_observer.firstTarget() + slot;
        if (!m_sight.reaches(own, moment.facing[static_cast<std::size_t>(agent)], place)) {
            return turnTo(place - own.position, legal);
        }
        if (legal[static_cast<std::size_t>(action)] != 0) {
            return action;
        }
    }
    const int slot = goal(moment, agent);
    return slot < 0 ? Observer::Stop : walkTo(own, targetAt(moment, agent, slot).position, legal);
}

} // namespace knife::smac
