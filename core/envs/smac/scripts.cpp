// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/smac/scripts.h"

#include <array>
#include <cmath>
#include <limits>

#include "core/envs/smac/unit_table.h"

namespace knife::smac {

namespace {

using Legal = std::span<const std::uint8_t>;

float distanceBetween(const UnitState& a, const UnitState& b) {
    return std::sqrt(squaredLength(a.position - b.position));
}

// The legal target of least distance, or of least health for healers; -1: none.
std::int32_t bestTarget(const SmacEnv& env, const UnitState& own, Legal legal) {
    const auto units = env.engine().units();
    const int first = env.observer().firstTarget();
    std::int32_t best = -1;
    float least = std::numeric_limits<float>::infinity();
    for (std::int32_t action = first; action < static_cast<std::int32_t>(legal.size()); ++action) {
        const int target = env.observer().targetOf(own, action - first);
        if (legal[static_cast<std::size_t>(action)] == 0 || target < 0) {
            continue;
        }
        const UnitState& other = units[static_cast<std::size_t>(target)];
        const float cost = env.observer().heals(own) ? other.health / other.healthMax : distanceBetween(own, other);
        if (cost < least) {
            least = cost;
            best = action;
        }
    }
    return best;
}

// Whom an agent without a target walks to; nullptr: there is nobody.
const UnitState* nearestGoal(const SmacEnv& env, int agent) {
    const auto units = env.engine().units();
    const UnitState& own = units[static_cast<std::size_t>(agent)];
    const bool follows = env.observer().heals(own);
    const UnitState* nearest = nullptr;
    float least = std::numeric_limits<float>::infinity();
    for (const UnitState& other : units) {
        const bool wanted =
            follows ? other.team == Team::Ally && !env.observer().heals(other) : other.team == Team::Enemy;
        if (&other != &own && wanted && other.isAlive() && distanceBetween(own, other) < least) {
            least = distanceBetween(own, other);
            nearest = &other;
        }
    }
    return nearest;
}

std::int32_t moveTowards(const SmacEnv& env, const UnitState& own, const UnitState& goal, Legal legal) {
    const bool climbs = statsOf(own.type, Team::Ally).climbs;
    const Vec2 way = env.engine().terrain().heading(own.position, goal.position, climbs) - own.position;
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

} // namespace

void attackNearest(const SmacEnv& env, Legal avail, std::span<std::int32_t> actions) {
    const auto nActions = static_cast<std::size_t>(env.spec().nActions);
    for (std::size_t agent = 0; agent < actions.size(); ++agent) {
        const Legal legal = avail.subspan(agent * nActions, nActions);
        if (legal[Observer::NoOp] != 0) {
            actions[agent] = Observer::NoOp;
            continue;
        }
        const UnitState& own = env.engine().units()[agent];
        if (const std::int32_t target = bestTarget(env, own, legal); target >= 0) {
            actions[agent] = target;
        } else if (const UnitState* goal = nearestGoal(env, static_cast<int>(agent))) {
            actions[agent] = moveTowards(env, own, *goal, legal);
        } else {
            actions[agent] = Observer::Stop;
        }
    }
}

} // namespace knife::smac
