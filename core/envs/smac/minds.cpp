// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/smac/minds.h"

#include <algorithm>
#include <limits>

namespace knife::smac {

namespace {

constexpr int kRescanEvery = 4; // loops between two looks for somebody to fight, or somebody nearer
constexpr int kTellEvery = 8;   // loops between two looks of the map's trigger

// Of fighters the nearest opponent that they can hit, of healers the nearest friend that is none; -1: nobody.
int nearestToGoTo(const Battlefield& field, int unit) {
    const bool heals = field.isHealer(unit);
    int nearest = -1;
    float least = std::numeric_limits<float>::infinity();
    for (int other = 0; other < field.count(); ++other) {
        const UnitState& candidate = field.unit(other);
        const bool isFriend = candidate.team == field.unit(unit).team;
        const bool fits = heals ? isFriend && !field.isHealer(other) : !isFriend && field.canHit(unit, other);
        if (!fits || !candidate.isAlive()) {
            continue;
        }
        const float distance = squaredLength(candidate.position - field.unit(unit).position);
        if (distance < least) {
            least = distance;
            nearest = other;
        }
    }
    return nearest;
}

void tellEnemies(Battlefield& field) {
    for (const int unit : field.byX) {
        Mind& own = field.mind(unit);
        // Whoever fights somebody of its own choice has something to do.
        if (field.unit(unit).team != Team::Enemy || own.task != Mind::Task::Idle || own.aim >= 0) {
            continue;
        }
        if (const int target = nearestToGoTo(field, unit); target >= 0) {
            own.task = Mind::Task::Chase;
            own.target = target;
        }
    }
}

// The nearest of those that can strike back, else of all that can be hit.
int acquire(const Battlefield& field, int unit) {
    const float reach = std::max(field.body(unit).range, static_cast<float>(kAcquireRange));
    int best = -1;
    bool bestThreatens = false;
    float least = std::numeric_limits<float>::infinity();
    for (int other = 0; other < field.count(); ++other) {
        const UnitState& candidate = field.unit(other);
        if (candidate.team == field.unit(unit).team || !candidate.isAlive() || !field.canHit(unit, other)) {
            continue;
        }
        const float distance = field.edgeDistance(unit, other);
        const bool threatens = field.canHit(other, unit);
        const bool better = threatens != bestThreatens ? threatens : distance < least;
        if (distance <= reach && (best < 0 || better)) {
            best = other;
            bestThreatens = threatens;
            least = distance;
        }
    }
    return best;
}

// Healers look for the nearest friend that can be healed; else they stay with the nearest friend on their way.
void thinkAsHealer(Battlefield& field, int unit) {
    Mind& own = field.mind(unit);
    own.aim = -1;
    float least = static_cast<float>(kAcquireRange) + field.body(unit).range;
    for (const int other : field.byX) {
        if (field.canHit(unit, other) && field.unit(other).health < field.unit(other).healthMax &&
            field.unit(unit).energy > 0.F) {
            const float distance = field.edgeDistance(unit, other);
            if (distance < least) {
                least = distance;
                own.aim = other;
            }
        }
    }
    if (own.task == Mind::Task::Chase && !field.unit(own.target).isAlive()) {
        own.task = Mind::Task::Idle;
    }
}

void think(Battlefield& field, int unit) {
    Mind& own = field.mind(unit);
    if (field.isHealer(unit)) {
        thinkAsHealer(field, unit);
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
        if (const int found = acquire(field, unit); found >= 0) {
            own.aim = found;
        }
    }
    // Whoever is shot at from afar goes for the shooter.
    if (own.aim < 0 && own.hurtBy >= 0 && field.unit(own.hurtBy).isAlive() && field.canHit(unit, own.hurtBy)) {
        own.aim = own.hurtBy;
    }
    own.hurtBy = -1;
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
    if (field.plan.kind == EnemyPlan::Kind::AttackNearest && field.loops % kTellEvery == 0) {
        tellEnemies(field);
    }
    for (const int unit : field.byX) {
        field.unit(unit).team == Team::Enemy ? think(field, unit) : obey(field, unit);
    }
}

} // namespace knife::smac
