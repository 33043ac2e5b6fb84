// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/smac/weapons.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/types/counter_rng.h"

namespace knife::smac {

namespace {

constexpr float kSamePlace = 1e-3F;

double damageTo(const UnitStats& weapon, const UnitStats& target) {
    return weapon.damage + (target.light ? weapon.bonusLight : 0.0) + (target.armored ? weapon.bonusArmored : 0.0) +
           (target.structure ? weapon.bonusStructure : 0.0);
}

void hurt(Battlefield& field, int unit, int attacker, double damage, const UnitStats& weapon) {
    UnitState& own = field.unit(unit);
    Mind& memory = field.mind(unit);
    for (int hit = 0; hit < weapon.hits; ++hit) {
        const double absorbed = std::min(damage, static_cast<double>(own.shield));
        own.shield -= static_cast<float>(absorbed);
        if (damage > absorbed) {
            own.health -= static_cast<float>(std::max(kSmallestHit, damage - absorbed - field.body(unit).stats->armor));
        }
    }
    memory.sinceHurt = 0;
    memory.hurtBy = attacker;
}

void explode(Battlefield& field, int unit) {
    const UnitStats& weapon = *field.body(unit).stats;
    const float furthest = static_cast<float>(kBlastRadius) + field.widestBody;
    field.visitAround(field.unit(unit).position.x, furthest, [&](int other) {
        if (field.unit(other).team == field.unit(unit).team || !field.canHit(unit, other)) {
            return;
        }
        const float reach = static_cast<float>(kBlastRadius) + field.body(other).radius;
        if (squaredLength(field.unit(other).position - field.unit(unit).position) <= reach * reach) {
            hurt(field, other, unit, damageTo(weapon, *field.body(other).stats), weapon);
        }
    });
}

void land(Battlefield& field, const Weapons::Strike& strike) {
    const UnitStats& weapon = *field.body(strike.attacker).stats;
    UnitState& target = field.unit(strike.target);
    switch (weapon.effect) {
    case Effect::Heal: {
        UnitState& healer = field.unit(strike.attacker);
        const double given = std::min({kHealPerLoop, static_cast<double>(target.healthMax - target.health),
                                       static_cast<double>(healer.energy) * kHealPerEnergy});
        target.health += static_cast<float>(given);
        healer.energy = std::max(0.F, healer.energy - static_cast<float>(given / kHealPerEnergy));
        return;
    }
    case Effect::Hit:
        hurt(field, strike.target, strike.attacker, damageTo(weapon, *field.body(strike.target).stats), weapon);
        return;
    case Effect::Explode:
        // It dies of it; bury() has the blast.
        field.unit(strike.attacker).health = std::min(field.unit(strike.attacker).health, 0.F);
        return;
    case Effect::Line:
        break;
    }
    // Across the line of fire, centred on the target.
    const Vec2 centre = target.position;
    Vec2 along = centre - field.unit(strike.attacker).position;
    const float length = std::sqrt(squaredLength(along));
    along = length > kSamePlace ? along * (1.F / length) : Vec2{1.F, 0.F};
    const Team victims = target.team;
    const float furthest = static_cast<float>(kLineWidth + kLineDepth) / 2.F + field.widestBody;
    field.visitAround(centre.x, furthest, [&](int unit) {
        if (field.unit(unit).team != victims || !field.canHit(strike.attacker, unit)) {
            return;
        }
        const Vec2 offset = field.unit(unit).position - centre;
        const float alongBy = std::abs(offset.x * along.x + offset.y * along.y);
        const float acrossBy = std::abs(offset.x * -along.y + offset.y * along.x);
        const float beyondAlong = std::max(0.F, alongBy - static_cast<float>(kLineDepth) / 2.F);
        const float beyondAcross = std::max(0.F, acrossBy - static_cast<float>(kLineWidth) / 2.F);
        const float radius = field.body(unit).radius;
        if (beyondAlong * beyondAlong + beyondAcross * beyondAcross <= radius * radius) {
            hurt(field, unit, strike.attacker, damageTo(weapon, *field.body(unit).stats), weapon);
        }
    });
}

void recover(Battlefield& field) {
    for (const int unit : field.byX) {
        const UnitStats& stats = *field.body(unit).stats;
        UnitState& own = field.unit(unit);
        Mind& memory = field.mind(unit);
        memory.wait = memory.wait > 0 ? memory.wait - kTicks : 0;
        own.cooldown = static_cast<float>(std::max(memory.wait, 0)) / static_cast<float>(kTicks);
        if (stats.healthPerLoop > 0.0) {
            own.health = std::min(own.healthMax, own.health + static_cast<float>(stats.healthPerLoop));
        }
        if (stats.energyMax > 0.0) {
            own.energy =
                std::min(static_cast<float>(stats.energyMax), own.energy + static_cast<float>(stats.energyPerLoop));
        }
        if (own.shield < own.shieldMax && memory.sinceHurt >= kShieldDelay) {
            own.shield = std::min(own.shieldMax, own.shield + static_cast<float>(kShieldPerLoop));
        }
        memory.sinceHurt = std::min(memory.sinceHurt + 1, kShieldDelay);
    }
}

} // namespace

void Weapons::reserve(std::size_t units) {
    m_strikes.reserve(units);
    m_dying.reserve(units);
}

void Weapons::fight(Battlefield& field) {
    strike(field);
    bury(field);
    recover(field);
}

void Weapons::strike(Battlefield& field) {
    m_strikes.clear();
    std::optional<CounterRng> chance; // few loops need one
    for (const int unit : field.byX) {
        Mind& mind = field.mind(unit);
        const bool heals = field.isHealer(unit);
        const int aim = mind.aim;
        if (aim < 0 || (!heals && mind.wait > 0) || !field.unit(aim).isAlive() || !field.isInRange(unit, aim) ||
            !field.canHit(unit, aim)) {
            continue;
        }
        if (heals) {
            if (field.unit(unit).energy > 0.F && field.unit(aim).health < field.unit(aim).healthMax) {
                m_strikes.push_back({unit, aim});
            }
            continue;
        }
        // What is left of a loop carries over, so that the mean pace is that of the table.
        mind.wait += field.body(unit).cooldown;
        if (m_pace == Pace::Uneven) {
            if (!chance) {
                chance.emplace(StreamKey{field.seed, "battle", static_cast<std::uint64_t>(field.loops)});
            }
            mind.wait += static_cast<int>(chance->below(3 * kTicks + 1)) - kTicks;
        }
        m_strikes.push_back({unit, aim});
    }
    // Healing lands first: in another order, whether it still finds something to heal, or brings back somebody whom
    // this loop kills, would follow from who stands where.
    for (const bool healing : {true, false}) {
        for (const Strike& strike : m_strikes) {
            if (field.isHealer(strike.attacker) == healing) {
                field.struck[static_cast<std::size_t>(strike.attacker)] = strike.target;
                land(field, strike);
            }
        }
    }
}

// The dead leave; those that burst when they die do so, and who dies of that leaves, too.
void Weapons::bury(Battlefield& field) {
    for (;;) {
        m_dying.clear();
        for (const int unit : field.byX) {
            if (!field.unit(unit).isAlive()) {
                m_dying.push_back(unit);
            }
        }
        if (m_dying.empty()) {
            return;
        }
        std::erase_if(field.byX, [&field](int unit) { return !field.unit(unit).isAlive(); });
        for (const int unit : m_dying) {
            field.unit(unit).health = 0.F;
            field.unit(unit).shield = 0.F;
            if (field.body(unit).stats->effect == Effect::Explode) {
                explode(field, unit);
            }
        }
    }
}

} // namespace knife::smac
