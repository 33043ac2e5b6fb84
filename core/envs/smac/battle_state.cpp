// SPDX-License-Identifier: GPL-3.0-or-later
// A battle as bytes: field by field, because the padding of whole structs has no defined content, and every value is
// looked at before anything of the present battle is given up.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

#include "core/envs/smac/battle.h"
#include "core/envs/state_bytes.h"

namespace knife::smac {

namespace {

constexpr int kMostLoops = 1 << 30;

void write(StateWriter& out, Vec2 v) {
    out.value(v.x);
    out.value(v.y);
}

Vec2 readVec2(StateReader& in) {
    const auto x = in.value<float>();
    const auto y = in.value<float>();
    return {x, y};
}

void write(StateWriter& out, const UnitState& unit) {
    out.value(unit.type);
    out.value(unit.team);
    write(out, unit.position);
    for (const float value : {unit.health, unit.healthMax, unit.shield, unit.shieldMax, unit.energy, unit.cooldown}) {
        out.value(value);
    }
}

UnitState readUnit(StateReader& in) {
    UnitState unit;
    unit.type = in.value<UnitType>();
    unit.team = in.value<Team>();
    unit.position = readVec2(in);
    for (float* value : {&unit.health, &unit.healthMax, &unit.shield, &unit.shieldMax, &unit.energy, &unit.cooldown}) {
        *value = in.value<float>();
    }
    return unit;
}

bool isOnMap(Vec2 at) {
    return at.x >= 0.F && at.x <= kMapSize && at.y >= 0.F && at.y <= kMapSize; // not of NaN
}

bool isFinite(Vec2 v) {
    return std::isfinite(v.x) && std::isfinite(v.y);
}

bool isWithin(float value, float most) {
    return value >= 0.F && value <= most;
}

} // namespace

std::vector<std::byte> Battle::save() const {
    StateWriter out;
    out.value(m_field.plan.kind);
    write(out, m_field.plan.point);
    out.value(m_field.seed);
    out.value(m_field.loops);
    for (const UnitState& unit : m_field.units) {
        write(out, unit);
    }
    for (const Mind& mind : m_field.minds) {
        out.value(mind.task);
        write(out, mind.point);
        for (const int value :
             {mind.target, mind.aim, mind.hurtBy, mind.sinceHurt, mind.wait, mind.jostled, mind.turns}) {
            out.value(value);
        }
        out.flag(mind.stands);
    }
    out.list(m_field.byX);
    out.list(m_field.struck);
    return out.take();
}

Battle::Saved Battle::read(StateReader& in, std::size_t units) {
    Saved saved;
    saved.plan.kind = in.value<EnemyPlan::Kind>();
    saved.plan.point = readVec2(in);
    saved.seed = in.value<std::uint64_t>();
    saved.loops = in.value<int>();
    for (std::size_t i = 0; i < units; ++i) {
        saved.units.push_back(readUnit(in));
    }
    for (std::size_t i = 0; i < units; ++i) {
        Mind& mind = saved.minds.emplace_back();
        mind.task = in.value<Mind::Task>();
        mind.point = readVec2(in);
        for (int* value :
             {&mind.target, &mind.aim, &mind.hurtBy, &mind.sinceHurt, &mind.wait, &mind.jostled, &mind.turns}) {
            *value = in.value<int>();
        }
        mind.stands = in.flag();
    }
    saved.byX = in.list<int>();
    saved.struck = in.list<int>();
    return saved;
}

// Requires as many units and minds as expected.
std::string Battle::problemOf(const Saved& saved, std::span<const Placement> expected) {
    const auto count = static_cast<int>(expected.size());
    if (saved.plan.kind > EnemyPlan::kLastKind || !isFinite(saved.plan.point) || saved.loops < 0 ||
        saved.loops > kMostLoops) {
        return fmt::format("plan {}, loop {}", static_cast<int>(saved.plan.kind), saved.loops);
    }
    int living = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const UnitState& unit = saved.units[i];
        if (unit.type != expected[i].type || unit.team != expected[i].team) {
            return fmt::format("unit {} is another one", i);
        }
        const UnitStats& stats = statsOf(unit.type, unit.team);
        if (!isOnMap(unit.position) || unit.healthMax != static_cast<float>(stats.health) ||
            unit.shieldMax != static_cast<float>(stats.shield) || !isWithin(unit.health, unit.healthMax) ||
            !isWithin(unit.shield, unit.shieldMax) || !isWithin(unit.energy, static_cast<float>(stats.energyMax)) ||
            !isWithin(unit.cooldown, kMostLoops)) {
            return fmt::format("unit {} at ({}, {}) with health {}", i, unit.position.x, unit.position.y, unit.health);
        }
        living += unit.isAlive() ? 1 : 0;
    }
    const auto isUnit = [count](int unit, int least) {
        return unit >= least && unit < count;
    };
    for (std::size_t i = 0; i < saved.minds.size(); ++i) {
        const Mind& mind = saved.minds[i];
        const bool hasTarget = mind.task == Mind::Task::Chase;
        if (mind.task > Mind::kLastTask || !isFinite(mind.point) || !isUnit(mind.target, hasTarget ? 0 : -1) ||
            !isUnit(mind.aim, -1) || !isUnit(mind.hurtBy, -1) || mind.sinceHurt < 0 || mind.sinceHurt > kShieldDelay ||
            mind.wait <= -kTicks || mind.wait / kTicks > kMostLoops / kTicks || mind.jostled < 0 ||
            mind.jostled > kMostJostles || mind.turns < -1 || mind.turns > 1) {
            return fmt::format("unit {} is up to {} with {}", i, static_cast<int>(mind.task), mind.target);
        }
    }
    std::vector<bool> isListed(expected.size());
    for (const int unit : saved.byX) {
        if (!isUnit(unit, 0) || isListed[static_cast<std::size_t>(unit)] ||
            !saved.units[static_cast<std::size_t>(unit)].isAlive()) {
            return fmt::format("unit {} stands where it cannot", unit);
        }
        isListed[static_cast<std::size_t>(unit)] = true;
    }
    const auto isWestOf = [&saved](int a, int b) {
        return saved.units[static_cast<std::size_t>(a)].position.x <
               saved.units[static_cast<std::size_t>(b)].position.x;
    };
    if (!std::ranges::is_sorted(saved.byX, isWestOf)) {
        return "units are not where they stand";
    }
    if (static_cast<int>(saved.byX.size()) != living) {
        return fmt::format("{} of {} living units stand somewhere", saved.byX.size(), living);
    }
    if (saved.struck.size() != expected.size() ||
        !std::ranges::all_of(saved.struck, [&](int target) { return isUnit(target, -1); })) {
        return "units have struck what is not there";
    }
    return {};
}

Result<void> Battle::restore(std::span<const std::byte> bytes, std::span<const Placement> expected) {
    StateReader in(bytes);
    Saved saved = read(in, expected.size());
    if (const std::string problem =
            in.finished() ? problemOf(saved, expected) : std::string("it ends too early or too late");
        !problem.empty()) {
        return fail(ErrorCode::Corrupt, "the saved battle is damaged, or of other units: " + problem);
    }
    m_field.plan = saved.plan;
    m_field.seed = saved.seed;
    m_field.loops = saved.loops;
    m_field.units = std::move(saved.units);
    m_field.minds = std::move(saved.minds);
    m_field.byX = std::move(saved.byX);
    m_field.struck = std::move(saved.struck);
    m_field.fillBodies();
    m_weapons.reserve(expected.size());
    return {};
}

} // namespace knife::smac
