// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/smac/minds.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace knife::smac {

namespace {

constexpr int kRescanEvery = 4; // loops between two looks for somebody to fight, or somebody nearer
constexpr int kTellEvery = 8;   // loops between two looks of the map's trigger

using Visit = Battlefield::Visit;

// Of units as near, the first comes first, in whichever order they are met.
bool isBefore(float distance, int unit, float least, int best) {
    return distance < least || (distance == least && unit < best);
}

// Of fighters the nearest opponent that they can hit, of healers the nearest friend that is none; -1: nobody.
int nearestToGoTo(const Battlefield& field, std::size_t place) {
    const int unit = field.byX[place];
    const bool heals = field.isHealer(unit);
    int nearest = -1;
    float least = std::numeric_limits<float>::infinity();
    field.visitOutwards(place, [&](int other, float away) {
        if (away * away > least) {
            return Visit::Stop;
        }
        const bool isFriend = field.unit(other).team == field.unit(unit).team;
        const bool fits = heals ? isFriend && !field.isHealer(other) : !isFriend && field.canHit(unit, other);
        const float distance = squaredLength(field.unit(other).position - field.unit(unit).position);
        if (fits && isBefore(distance, other, least, nearest)) {
            least = distance;
            nearest = other;
        }
        return Visit::On;
    });
    return nearest;
}

void tellEnemies(Battlefield& field) {
    for (std::size_t place = 0; place < field.byX.size(); ++place) {
        const int unit = field.byX[place];
        Mind& own = field.mind(unit);
        // Whoever fights somebody of its own choice has something to do.
        if (field.unit(unit).team != Team::Enemy || own.task != Mind::Task::Idle || own.aim >= 0) {
            continue;
        }
        if (const int target = nearestToGoTo(field, place); target >= 0) {
            own.task = Mind::Task::Chase;
            own.target = target;
        }
    }
}

// The nearest of those that can strike back, else of all that can be hit.
int acquire(const Battlefield& field, std::size_t place) {
    const int unit = field.byX[place];
    const float reach = std::max(field.body(unit).range, static_cast<float>(kAcquireRange));
    const float furthest = reach + field.body(unit).radius + field.widestBody;
    int best = -1;
    bool bestThreatens = false;
    float least = std::numeric_limits<float>::infinity();
    field.visitOutwards(place, [&](int other, float away) {
        // Nobody from here on is nearer than the best, edge to edge; nor can anybody count for more.
        if (away > furthest || (bestThreatens && away - field.body(unit).radius - field.widestBody > least)) {
            return Visit::Stop;
        }
        if (field.unit(other).team == field.unit(unit).team || !field.canHit(unit, other)) {
            return Visit::On;
        }
        const float distance = field.edgeDistance(unit, other);
        const bool threatens = field.canHit(other, unit);
        const bool better = threatens != bestThreatens ? threatens || best < 0 : isBefore(distance, other, least, best);
        if (distance <= reach && better) {
            best = other;
            bestThreatens = threatens;
            least = distance;
        }
        return Visit::On;
    });
    return best;
}

// Healers look for the nearest friend that can be healed; else they stay with the nearest friend on their way.
void thinkAsHealer(Battlefield& field, std::size_t place) {
    const int unit = field.byX[place];
    Mind& own = field.mind(unit);
    own.aim = -1;
    const float reach = static_cast<float>(kAcquireRange) + field.body(unit).range;
    float least = std::numeric_limits<float>::infinity();
    field.visitOutwards(place, [&](int other, float away) {
        const float nearestYet = away - field.body(unit).radius - field.widestBody;
        if (field.unit(unit).energy <= 0.F || nearestYet > std::min(reach, least)) {
            return Visit::Stop;
        }
        if (field.canHit(unit, other) && field.unit(other).health < field.unit(other).healthMax) {
            const float distance = field.edgeDistance(unit, other);
            if (distance < reach && isBefore(distance, other, least, own.aim)) {
                least = distance;
                own.aim = other;
            }
        }
        return Visit::On;
    });
    if (own.task == Mind::Task::Chase && !field.unit(own.target).isAlive()) {
        own.task = Mind::Task::Idle;
    }
}

void think(Battlefield& field, std::size_t place) {
    const int unit = field.byX[place];
    Mind& own = field.mind(unit);
    const int hurtBy = std::exchange(own.hurtBy, -1);
    if (field.isHealer(unit)) {
        thinkAsHealer(field, place);
        return;
    }
    if (own.task == Mind::Task::Chase) {
        if (field.unit(own.target).isAlive() && field.canHit(unit, own.target)) {
            own.aim = own.target;
            return;
        }
        own.task = Mind::Task::Idle;
        own.aim = -1;
    }
    if (own.aim >= 0 && !field.unit(own.aim).isAlive()) {
        own.aim = -1;
    }
    // Units look around now and then, not in every loop.
    const bool wantsAim = own.aim < 0 || !field.isInRange(unit, own.aim);
    const bool looksAround = wantsAim && field.loops % kRescanEvery == unit % kRescanEvery;
    if (looksAround) {
        if (const int found = acquire(field, place); found >= 0) {
            own.aim = found;
        }
    }
    // Whoever is shot at from afar goes for the shooter.
    if (own.aim < 0 && hurtBy >= 0 && field.unit(hurtBy).isAlive() && field.canHit(unit, hurtBy)) {
        own.aim = hurtBy;
    }
}

// An agent fights whom it has been told to, and nobody else.
void obey(Battlefield& field, int unit) {
    Mind& own = field.mind(unit);
    own.aim = -1;
    if (own.task == Mind::Task::Chase) {
        own.aim = field.unit(own.target).isAlive() ? own.target : -1;
        own.task = own.aim >= 0 ? Mind::Task::Chase : Mind::Task::Idle;
    }
}

} // namespace

void decide(Battlefield& field) {
    const EnemyPlan::Kind kind = field.plan.kind;
    if ((kind == EnemyPlan::Kind::AttackNearestOnce && field.loops == 0) ||
        (kind == EnemyPlan::Kind::AttackNearest && field.loops % kTellEvery == 0)) {
        tellEnemies(field);
    }
    for (std::size_t place = 0; place < field.byX.size(); ++place) {
        const int unit = field.byX[place];
        field.unit(unit).team == Team::Enemy ? think(field, place) : obey(field, unit);
    }
}

} // namespace knife::smac
