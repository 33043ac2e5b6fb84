// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/smac/steering.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>

namespace knife::smac {

namespace {

constexpr float kLook = 1.F;           // how far ahead, edge to edge, somebody is in the way
constexpr float kGraze = 0.02F;        // overlap with which a unit slips past
constexpr float kMostTurn = 2.1F;      // radians off the straight way, a little more than back along a row
constexpr float kStuck = 0.25F;        // of a step: less is none
constexpr std::size_t kMostInWay = 48; // more than fit round a colossus that looks one cell ahead
constexpr float kTurn = 2.F * std::numbers::pi_v<float>;

struct Obstacle {
    float along = 0.F;  // of the straight way, to its middle
    float across = 0.F; // to the left
    float gap = 0.F;    // between its middle and that of who passes
};

struct InWay {
    std::array<Obstacle, kMostInWay> obstacles;
    std::size_t count = 0;
    bool isBlocked = false; // the straight way
    [[nodiscard]] bool isFull() const { return count == kMostInWay; }
};

// Directions that somebody blocks, as angles to the left of the straight way; right < left, either may be beyond half
// a turn.
struct Blocked {
    float right = 0.F;
    float left = 0.F;
};

// Of those who do not go anywhere, whoever fights, and whoever else cannot or will not be pushed aside.
bool isInWay(const Battlefield& field, int other, int unit) {
    const Body& form = field.body(other);
    return other != field.mind(unit).aim && form.layer == field.body(unit).layer &&
           (field.mind(other).stands || form.speed <= 0.F || field.unit(other).team != field.unit(unit).team);
}

// `ahead`: the straight way, of length 1.
void note(const Battlefield& field, int unit, int other, Vec2 ahead, float distance, InWay& inWay) {
    const Vec2 offset = field.unit(other).position - field.unit(unit).position;
    const float gap = field.body(unit).separation + field.body(other).separation - kGraze;
    const float squared = squaredLength(offset);
    const float along = offset.x * ahead.x + offset.y * ahead.y;
    if (squared >= (gap + kLook) * (gap + kLook) || along > distance || !isInWay(field, other, unit)) {
        return;
    }
    const float across = ahead.x * offset.y - ahead.y * offset.x;
    inWay.obstacles[inWay.count++] = {along, across, gap};
    inWay.isBlocked = inWay.isBlocked || (along > 0.F && (std::abs(across) < gap || squared <= gap * gap));
}

Blocked blockedBy(const Obstacle& obstacle) {
    const float bearing = std::atan2(obstacle.across, obstacle.along);
    const float squared = obstacle.along * obstacle.along + obstacle.across * obstacle.across;
    const bool touches = squared <= obstacle.gap * obstacle.gap;
    const float half = touches ? std::numbers::pi_v<float> / 2.F : std::asin(obstacle.gap / std::sqrt(squared));
    return {bearing - half, bearing + half};
}

// The least turn to the left, or as a negative number to the right, that nobody blocks.
float leastTurn(std::span<const Blocked> directions, int side) {
    float turn = 0.F;
    bool found = true;
    while (found) {
        found = false;
        for (const Blocked& blocked : directions) {
            for (const float round : {-kTurn, 0.F, kTurn}) {
                if (blocked.right + round < turn && turn < blocked.left + round) {
                    turn = (side > 0 ? blocked.left : blocked.right) + round;
                    found = true;
                }
            }
        }
    }
    return turn;
}

} // namespace

Vec2 wayRound(Battlefield& field, int unit) {
    Mind& mind = field.mind(unit);
    const Vec2 here = field.unit(unit).position;
    const Vec2 way = field.stride(unit).to - here;
    const float distance = std::sqrt(squaredLength(way));
    if (distance <= 0.F) {
        return way;
    }
    const Vec2 ahead = way * (1.F / distance);
    const float reach = field.body(unit).separation + field.widest + kLook;
    const auto isWestOf = [&field](int other, float edge) {
        return field.unit(other).position.x < edge;
    };
    InWay inWay;
    for (auto i = std::lower_bound(field.still.begin(), field.still.end(), here.x - reach, isWestOf);
         i != field.still.end() && !inWay.isFull() && field.unit(*i).position.x <= here.x + reach; ++i) {
        note(field, unit, *i, ahead, distance, inWay);
    }
    if (!inWay.isBlocked) {
        mind.turns = 0;
        return way;
    }
    std::array<Blocked, kMostInWay> directions;
    std::transform(inWay.obstacles.begin(), inWay.obstacles.begin() + static_cast<std::ptrdiff_t>(inWay.count),
                   directions.begin(), blockedBy);
    const auto blocked = std::span<const Blocked>(directions).first(inWay.count);
    const float left = leastTurn(blocked, 1);
    const float right = leastTurn(blocked, -1);
    if (mind.turns == 0) {
        mind.turns = left < -right || (left == -right && unit % 2 == 0) ? 1 : -1;
    }
    if (std::abs(mind.turns > 0 ? left : right) > kMostTurn) {
        mind.turns = -mind.turns;
    }
    const float turn = mind.turns > 0 ? left : right;
    if (std::abs(turn) > kMostTurn) {
        return {};
    }
    const float cosine = std::cos(turn);
    const float sine = std::sin(turn);
    return {way.x * cosine - way.y * sine, way.x * sine + way.y * cosine};
}

void reconsiderSide(Battlefield& field, int unit, Vec2 from) {
    Mind& mind = field.mind(unit);
    const float wanted = squaredLength(field.stride(unit).to - from);
    if (mind.turns != 0 && squaredLength(field.unit(unit).position - from) < kStuck * kStuck * wanted) {
        mind.turns = -mind.turns;
    }
}

} // namespace knife::smac
