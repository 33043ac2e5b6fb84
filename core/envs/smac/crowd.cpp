// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/smac/crowd.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/envs/smac/steering.h"

namespace knife::smac {

namespace {

constexpr float kArrived = 1e-3F;
constexpr float kTouching = 1e-4F;     // overlap that counts as none
constexpr int kRelaxations = 3;        // passes over overlapping pairs per loop, at most
constexpr float kStandingShare = 0.1F; // how readily a unit that fights makes way, beside one that does not
constexpr float kHealerFollows = 2.F;  // edge to edge, of healers without anybody to heal

// Where a unit wants to be; null: where it is.
const Vec2* goalOf(Battlefield& field, int unit) {
    Mind& own = field.mind(unit);
    own.stands = own.aim >= 0 && field.isInRange(unit, own.aim);
    if (own.stands) {
        return nullptr;
    }
    if (own.aim >= 0) {
        return &field.unit(own.aim).position;
    }
    switch (own.task) {
    case Mind::Task::Walk:
    case Mind::Task::AttackMove:
        if (squaredLength(own.point - field.unit(unit).position) > kArrived * kArrived) {
            return &own.point;
        }
        own.task = Mind::Task::Idle;
        return nullptr;
    case Mind::Task::Chase: // of a healer whom nobody needs
        if (field.edgeDistance(unit, own.target) > kHealerFollows) {
            return &field.unit(own.target).position;
        }
        return nullptr;
    case Mind::Task::Idle:
        break;
    }
    return nullptr;
}

// Moves a unit as far towards a place as can be walked on, or flown over.
void moveTo(Battlefield& field, int unit, Vec2 to) {
    UnitState& own = field.unit(unit);
    const Body& form = field.body(unit);
    own.position = form.layer == Air ? Vec2{std::clamp(to.x, 0.F, static_cast<float>(kMapSize)),
                                            std::clamp(to.y, 0.F, static_cast<float>(kMapSize))}
                                     : field.terrain.stepped(own.position, to, form.stats->climbs);
}

bool isUnderWay(const Mind& mind) {
    return mind.aim < 0 && (mind.task == Mind::Task::Walk || mind.task == Mind::Task::AttackMove);
}

// Where many are sent to one point, only one can stand on it. A unit has arrived, too, when it meets one of its team
// that has arrived there, as near as a crowd of all units could reach, or after some pushes when it and another on the
// same way are over the point together.
void settle(Battlefield& field, int unit, int other) {
    Mind& own = field.mind(unit);
    const Mind& met = field.mind(other);
    if (!isUnderWay(own) || field.unit(unit).team != field.unit(other).team || !(met.point == own.point)) {
        return;
    }
    const float left = squaredLength(own.point - field.unit(unit).position);
    const float crowd = 4.F * field.widest * field.widest * static_cast<float>(field.byX.size());
    const bool hasArrived = met.task == Mind::Task::Idle && met.aim < 0 && left <= crowd;
    const float gap = field.body(unit).separation + field.body(other).separation;
    own.jostled += isUnderWay(met) && left <= gap * gap ? 1 : 0;
    if (hasArrived || own.jostled >= kMostJostles) {
        own.task = Mind::Task::Idle;
        own.jostled = 0;
    }
}

void push(Battlefield& field, int a, int b) {
    settle(field, a, b);
    settle(field, b, a);
    const auto yields = [&field](int unit) {
        if (field.body(unit).speed <= 0.F) {
            return 0.F;
        }
        return field.mind(unit).stands ? kStandingShare : 1.F;
    };
    const float shareA = yields(a);
    const float shareB = yields(b);
    if (shareA + shareB <= 0.F) {
        return;
    }
    Vec2 apart = field.unit(b).position - field.unit(a).position;
    const float distance = std::sqrt(squaredLength(apart));
    const float overlap = field.body(a).separation + field.body(b).separation - distance;
    if (distance < kArrived) { // in one place: any direction that differs from pair to pair
        const float angle = static_cast<float>(a * 31 + b * 17);
        apart = {std::cos(angle), std::sin(angle)};
    } else {
        apart = apart * (1.F / distance);
    }
    const Vec2 away = apart * (overlap / (shareA + shareB));
    moveTo(field, a, field.unit(a).position - away * shareA);
    moveTo(field, b, field.unit(b).position + away * shareB);
}

// A few passes over the pairs that overlap. A push can bring others together whom this pass has behind it, or has not
// found in their place any more; they wait for the next pass, or the next loop: crowds come to rest within some loops.
void separate(Battlefield& field) {
    for (int pass = 0; pass < kRelaxations; ++pass) {
        field.sortByX();
        bool overlap = false;
        for (std::size_t i = 0; i < field.byX.size(); ++i) {
            const int a = field.byX[i];
            const Body& form = field.body(a);
            const float reach = form.separation + field.widest;
            for (std::size_t j = i + 1; j < field.byX.size(); ++j) {
                const int b = field.byX[j];
                const Vec2 apart = field.unit(b).position - field.unit(a).position;
                if (apart.x > reach) {
                    break;
                }
                const Body& other = field.body(b);
                const float gap = form.separation + other.separation;
                if (squaredLength(apart) < gap * gap - kTouching && form.layer == other.layer) {
                    push(field, a, b);
                    overlap = true;
                }
            }
        }
        if (!overlap) {
            return;
        }
    }
    field.sortByX();
}

} // namespace

Vec2 freePlace(const Battlefield& field, int unit, Vec2 wanted) {
    const Body& own = field.body(unit);
    const bool anywhere = own.layer == Air;
    const bool climbs = own.stats->climbs;
    const auto isFree = [&](Vec2 at) {
        const bool onMap = at.x > 0.F && at.y > 0.F && at.x < kMapSize && at.y < kMapSize;
        if (!onMap ||
            (!anywhere && !field.terrain.isWalkable(static_cast<int>(at.x), static_cast<int>(at.y), climbs))) {
            return false;
        }
        for (int other = 0; other < unit; ++other) {
            const float gap = own.separation + field.body(other).separation;
            if (field.body(other).layer == own.layer &&
                squaredLength(field.unit(other).position - at) < gap * gap - kTouching) {
                return false;
            }
        }
        return true;
    };
    if (isFree(wanted)) {
        return wanted;
    }
    // Rings around the place, six more places on each.
    for (int ring = 1; ring < 4 * kMapSize; ++ring) {
        const float radius = static_cast<float>(ring) * own.separation;
        const int places = 6 * ring;
        for (int i = 0; i < places; ++i) {
            const float angle = 2.F * std::numbers::pi_v<float> * static_cast<float>(i) / static_cast<float>(places);
            const Vec2 at = wanted + Vec2{std::cos(angle), std::sin(angle)} * radius;
            if (isFree(at)) {
                return at;
            }
        }
    }
    return wanted;
}

void walk(Battlefield& field) {
    // All choose before anybody moves: whoever chooses later knows no more.
    field.still.clear();
    for (const int unit : field.byX) {
        const Vec2* goal = goalOf(field, unit);
        const Body& form = field.body(unit);
        const Vec2 here = field.unit(unit).position;
        Stride& own = field.stride(unit);
        own.goes = goal != nullptr && form.speed > 0.F;
        if (!own.goes) {
            field.mind(unit).turns = 0;
            field.still.push_back(unit);
            continue;
        }
        own.to = form.layer == Air ? *goal : field.terrain.heading(here, *goal, form.stats->climbs);
    }
    for (const int unit : field.byX) {
        if (field.stride(unit).goes) {
            const float speed = field.body(unit).speed;
            const Vec2 way = wayRound(field, unit);
            const float distance = std::sqrt(squaredLength(way));
            field.stride(unit).to = field.unit(unit).position + (distance <= speed ? way : way * (speed / distance));
        }
    }
    for (const int unit : field.byX) {
        if (field.stride(unit).goes) {
            const Vec2 here = field.unit(unit).position;
            moveTo(field, unit, field.stride(unit).to);
            reconsiderSide(field, unit, here);
        }
    }
    separate(field);
}

} // namespace knife::smac
