// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/smac/observer.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/envs/smac/rules_table.h"

namespace knife::smac {

namespace {

constexpr float kMap = kMapSize;
constexpr std::array<Vec2, 4> kMoves{{{0.F, 1.F}, {0.F, -1.F}, {1.F, 0.F}, {-1.F, 0.F}}};

// The released code cuts coordinates off: what is less than one cell outside in the west or south counts as inside.
int truncated(float position) {
    return static_cast<int>(position);
}

float* writeType(UnitType type, const std::vector<UnitType>& types, bool show, float* out) {
    for (std::size_t i = 0; i < types.size(); ++i) {
        *out++ = show && types[i] == type ? 1.F : 0.F;
    }
    return out;
}

float share(float value, float most) {
    return most > 0.F ? value / most : 0.F;
}

} // namespace

Observer::Observer(const SmacSetting& setting, const Sight& sight, const Terrain& terrain)
    : m_setting(setting),
      m_sight(sight),
      m_terrain(terrain),
      m_hasAttack(setting.hasAttackProbability()),
      m_hasHealth(setting.hasHealthLevel()) {
    const SmacParams& p = setting.params;
    const int allyTypes = static_cast<int>(setting.allyTypes.size());
    const int enemyTypes = static_cast<int>(setting.enemyTypes.size());
    const int capabilities = (m_hasAttack ? 1 : 0) + (m_hasHealth ? 1 : 0);
    m_firstTarget = FirstLook + (p.conicFov ? static_cast<int>(p.fovActions) : 0);
    const bool healersChooseAllies = setting.withMedivacs && setting.allySlots > setting.enemySlots;
    m_actions = m_firstTarget +
                (healersChooseAllies && setting.version == Version::SmacV2 ? setting.allySlots : setting.enemySlots);
    m_enemyWidth = 4 + enemyTypes + (p.obsAllHealth ? 1 + (setting.enemyShields ? 1 : 0) : 0);
    m_allyWidth = 4 + allyTypes + (p.obsAllHealth ? 1 + (setting.allyShields ? 1 : 0) : 0) + capabilities +
                  (p.obsLastAction ? m_actions : 0);
    const bool ownHealth = p.obsOwnHealth || p.obsAllHealth;
    const int own = allyTypes + (ownHealth ? 1 + (setting.allyShields ? 1 : 0) : 0) + capabilities +
                    (p.obsOwnPos ? 2 : 0) + (p.conicFov ? 2 : 0);
    const int battle = 4 + (p.obsPathingGrid ? 8 : 0) + (p.obsTerrainHeight ? 9 : 0) +
                       setting.enemySlots * m_enemyWidth + (setting.allySlots - 1) * m_allyWidth + own;
    m_obsDim = (p.obsStarcraft ? battle : 0) + (p.obsTimestepNumber ? 1 : 0);
    m_allyRow = 4 + (setting.allyShields ? 1 : 0) + capabilities + (p.conicFov ? 2 : 0) + allyTypes;
    m_enemyRow = 3 + (setting.enemyShields ? 1 : 0) + enemyTypes;
    m_ownStateDim = setting.allySlots * m_allyRow + setting.enemySlots * m_enemyRow +
                    (p.stateLastAction ? setting.allySlots * m_actions : 0) + (p.stateTimestepNumber ? 1 : 0);
    m_stateDim = p.obsInsteadOfState ? setting.allySlots * m_obsDim : m_ownStateDim;
}

bool Observer::heals(const UnitState& agent) const {
    return m_setting.withMedivacs && agent.type == UnitType::Medivac;
}

int Observer::targetOf(const UnitState& agent, int slot) const {
    if (heals(agent)) {
        return slot < m_setting.allies ? slot : -1;
    }
    return slot < m_setting.enemies ? m_setting.allies + slot : -1;
}

bool Observer::isVisible(const Moment& moment, int agent, Vec2 place) const {
    return m_setting.params.fullyObservable ||
           m_sight.sees(agentAt(moment, agent), moment.facing[static_cast<std::size_t>(agent)], place);
}

bool Observer::reaches(const Moment& moment, int agent, int slot) const {
    const UnitState& own = agentAt(moment, agent);
    const int target = targetOf(own, slot);
    if (target < 0 || target == agent) {
        return false;
    }
    const UnitState& other = moment.units[static_cast<std::size_t>(target)];
    const bool isHealer = heals(own) && heals(other); // they do not heal each other
    return other.isAlive() && !isHealer &&
           m_sight.reaches(own, moment.facing[static_cast<std::size_t>(agent)], other.position);
}

bool Observer::canMove(Vec2 from, Vec2 direction) const {
    const auto half = static_cast<float>(m_setting.params.moveAmount / 2.0);
    const Vec2 to = from + direction * half;
    return m_terrain.isWalkable(truncated(to.x), truncated(to.y), false);
}

void Observer::writeAvailable(const Moment& moment, int agent, std::uint8_t* out) const {
    std::fill_n(out, m_actions, std::uint8_t{0});
    if (agent >= m_setting.allies || !agentAt(moment, agent).isAlive()) {
        out[NoOp] = 1;
        return;
    }
    const UnitState& own = agentAt(moment, agent);
    out[Stop] = 1;
    for (std::size_t move = 0; move < kMoves.size(); ++move) {
        out[North + static_cast<int>(move)] = canMove(own.position, kMoves[move]) ? 1 : 0;
    }
    std::fill(out + FirstLook, out + m_firstTarget, std::uint8_t{1});
    for (int slot = 0; slot < m_actions - m_firstTarget; ++slot) {
        if (m_setting.params.actionMask) {
            out[m_firstTarget + slot] = reaches(moment, agent, slot) ? 1 : 0;
            continue;
        }
        const int target = targetOf(own, slot);
        const bool named = target >= 0 && target != agent && moment.units[static_cast<std::size_t>(target)].isAlive();
        const bool isHealer = named && heals(own) && heals(moment.units[static_cast<std::size_t>(target)]);
        out[m_firstTarget + slot] = named && !isHealer ? 1 : 0;
    }
}

float* Observer::writeSurroundings(Vec2 at, float* out) const {
    const SmacParams& p = m_setting.params;
    const auto m = static_cast<float>(p.moveAmount);
    const std::array<Vec2, 9> offsets{{{0.F, 2.F * m},
                                       {0.F, -2.F * m},
                                       {2.F * m, 0.F},
                                       {-2.F * m, 0.F},
                                       {m, m},
                                       {-m, -m},
                                       {m, -m},
                                       {-m, m},
                                       {0.F, 0.F}}};
    const auto isInside = [](Vec2 place) {
        return place.x >= 0.F && place.y >= 0.F && place.x < kMap && place.y < kMap;
    };
    const Vec2 cell{static_cast<float>(truncated(at.x)), static_cast<float>(truncated(at.y))};
    for (std::size_t i = 0; p.obsPathingGrid && i < 8; ++i) {
        const Vec2 place = cell + offsets[i];
        const bool open = !isInside(place) || m_terrain.isWalkable(truncated(place.x), truncated(place.y), false);
        *out++ = open ? 1.F : 0.F;
    }
    for (std::size_t i = 0; p.obsTerrainHeight && i < 9; ++i) {
        const Vec2 place = cell + offsets[i];
        *out++ = isInside(place) ? m_terrain.height(truncated(place.x), truncated(place.y)) : 1.F;
    }
    return out;
}

float* Observer::writeEnemies(const Moment& moment, int agent, float* out) const {
    const SmacParams& p = m_setting.params;
    const UnitState& own = agentAt(moment, agent);
    const float perSight = 1.F / m_sight.sightOf(own.type);
    float* const first = out;
    std::fill_n(out, m_setting.enemySlots * m_enemyWidth, 0.F);
    for (int enemy = 0; enemy < m_setting.enemies; ++enemy) {
        const UnitState& other = enemyAt(moment, enemy);
        const bool open = p.fullyObservable || !moment.gate.isNeeded() || moment.gate.isOpen(agent, enemy);
        if (other.isAlive() && open && isVisible(moment, agent, other.position)) {
            const Vec2 offset = other.position - own.position;
            float* row = first + enemy * m_enemyWidth;
            *row++ = reaches(moment, agent, enemy) ? 1.F : 0.F;
            *row++ = std::sqrt(squaredLength(offset)) * perSight;
            *row++ = offset.x * perSight;
            *row++ = offset.y * perSight;
            const auto pair = static_cast<std::size_t>(agent * m_setting.enemies + enemy);
            const bool show = moment.deployment.hidden.empty() || moment.deployment.hidden[pair] == 0;
            if (p.obsAllHealth) {
                *row++ = show ? share(other.health, other.healthMax) : 0.F;
                if (m_setting.enemyShields) {
                    *row++ = show ? share(other.shield, other.shieldMax) : 0.F;
                }
            }
            writeType(other.type, m_setting.enemyTypes, show, row);
        }
        if (moment.gate.wipes(agent, enemy)) {
            std::fill_n(first, m_setting.enemySlots * m_enemyWidth, 0.F);
        }
    }
    return first + m_setting.enemySlots * m_enemyWidth;
}

float Observer::healthShare(const Moment& moment, int agent) const {
    const UnitState& unit = agentAt(moment, agent);
    const float whole = share(unit.health, unit.healthMax);
    if (moment.deployment.healthLevel.empty()) {
        return whole;
    }
    const float level = moment.deployment.healthLevel[static_cast<std::size_t>(agent)];
    return (whole - level) / (1.F - level);
}

float* Observer::writeCapabilities(const Moment& moment, int agent, bool hide, float* out) const {
    const SmacParams& p = m_setting.params;
    if (m_hasAttack) {
        const float own = moment.deployment.attackProbability[static_cast<std::size_t>(agent)];
        *out++ = hide && !p.observeAttack ? 0.F : own;
    }
    if (m_hasHealth) {
        const float own = moment.deployment.healthLevel[static_cast<std::size_t>(agent)];
        *out++ = hide && !p.observeHealth ? 0.F : own;
    }
    return out;
}

float* Observer::writeLastAction(const Moment& moment, int agent, float* out) const {
    std::fill_n(out, m_actions, 0.F);
    if (const std::int32_t last = moment.lastActions[static_cast<std::size_t>(agent)]; last >= 0) {
        out[last] = 1.F;
    }
    return out + m_actions;
}

float* Observer::writeAllies(const Moment& moment, int agent, float* out) const {
    const SmacParams& p = m_setting.params;
    const UnitState& own = agentAt(moment, agent);
    const float perSight = 1.F / m_sight.sightOf(own.type);
    std::fill_n(out, (m_setting.allySlots - 1) * m_allyWidth, 0.F);
    for (int slot = 0; slot < m_setting.allySlots - 1; ++slot, out += m_allyWidth) {
        const int ally = slot < agent ? slot : slot + 1;
        if (ally >= m_setting.allies) {
            continue;
        }
        const UnitState& other = agentAt(moment, ally);
        if (!other.isAlive() || !isVisible(moment, agent, other.position)) {
            continue;
        }
        const Vec2 offset = other.position - own.position;
        float* row = out;
        *row++ = 1.F;
        *row++ = std::sqrt(squaredLength(offset)) * perSight;
        *row++ = offset.x * perSight;
        *row++ = offset.y * perSight;
        if (p.obsAllHealth) {
            // What is left above a level that is not shown would give the level away.
            *row++ = m_hasHealth && !p.observeHealth ? 0.F : healthShare(moment, ally);
            if (m_setting.allyShields) {
                *row++ = share(other.shield, other.shieldMax);
            }
        }
        row = writeCapabilities(moment, ally, /*hide=*/true, row);
        row = writeType(other.type, m_setting.allyTypes, p.observeTeam, row);
        if (p.obsLastAction) {
            writeLastAction(moment, ally, row);
        }
    }
    return out;
}

float* Observer::writeOwn(const Moment& moment, int agent, float* out) const {
    const SmacParams& p = m_setting.params;
    const UnitState& own = agentAt(moment, agent);
    if (p.obsOwnHealth || p.obsAllHealth) {
        *out++ = healthShare(moment, agent);
        if (m_setting.allyShields) {
            *out++ = share(own.shield, own.shieldMax);
        }
    }
    out = writeCapabilities(moment, agent, /*hide=*/false, out);
    if (p.obsOwnPos) {
        *out++ = own.position.x / kMap;
        *out++ = own.position.y / kMap;
    }
    if (p.conicFov) {
        *out++ = moment.facing[static_cast<std::size_t>(agent)].x;
        *out++ = moment.facing[static_cast<std::size_t>(agent)].y;
    }
    return writeType(own.type, m_setting.allyTypes, true, out);
}

float Observer::timeShare(const Moment& moment) const {
    return static_cast<float>(moment.step) / static_cast<float>(m_setting.limit);
}

void Observer::writeObservation(const Moment& moment, int agent, float* out) const {
    const SmacParams& p = m_setting.params;
    if (p.obsTimestepNumber) { // the dead have it, too
        out[m_obsDim - 1] = timeShare(moment);
    }
    if (agent >= m_setting.allies || !agentAt(moment, agent).isAlive()) {
        std::fill_n(out, m_obsDim - (p.obsTimestepNumber ? 1 : 0), 0.F);
        return;
    }
    if (p.obsStarcraft) {
        const Vec2 at = agentAt(moment, agent).position;
        for (const Vec2 direction : kMoves) {
            *out++ = canMove(at, direction) ? 1.F : 0.F;
        }
        out = writeSurroundings(at, out);
        out = writeEnemies(moment, agent, out);
        out = writeAllies(moment, agent, out);
        writeOwn(moment, agent, out);
    }
}

void Observer::writeState(const Moment& moment, float* out) const {
    const SmacParams& p = m_setting.params;
    std::fill_n(out, m_ownStateDim, 0.F);
    const auto place = [](const UnitState& unit, float* row) {
        *row++ = (unit.position.x - kMap / 2.F) / kMap;
        *row++ = (unit.position.y - kMap / 2.F) / kMap;
        return row;
    };
    for (int agent = 0; agent < m_setting.allies; ++agent) {
        const UnitState& unit = agentAt(moment, agent);
        if (!unit.isAlive()) {
            continue;
        }
        float* row = out + agent * m_allyRow;
        *row++ = healthShare(moment, agent);
        const auto scale = static_cast<float>(rulesOf(unit.type).cooldownScale);
        *row++ = heals(unit) ? unit.energy / kEnergyScale : std::max(unit.cooldown, 0.F) / scale;
        row = place(unit, row);
        if (m_setting.allyShields) {
            *row++ = share(unit.shield, unit.shieldMax);
        }
        row = writeCapabilities(moment, agent, /*hide=*/false, row);
        if (p.conicFov) {
            *row++ = moment.facing[static_cast<std::size_t>(agent)].x;
            *row++ = moment.facing[static_cast<std::size_t>(agent)].y;
        }
        writeType(unit.type, m_setting.allyTypes, true, row);
    }
    out += m_setting.allySlots * m_allyRow;
    for (int enemy = 0; enemy < m_setting.enemies; ++enemy) {
        const UnitState& unit = enemyAt(moment, enemy);
        if (!unit.isAlive()) {
            continue;
        }
        float* row = out + enemy * m_enemyRow;
        *row++ = share(unit.health, unit.healthMax);
        row = place(unit, row);
        if (m_setting.enemyShields) {
            *row++ = share(unit.shield, unit.shieldMax);
        }
        writeType(unit.type, m_setting.enemyTypes, true, row);
    }
    out += m_setting.enemySlots * m_enemyRow;
    if (p.stateLastAction) {
        for (int agent = 0; agent < m_setting.allies; ++agent) {
            writeLastAction(moment, agent, out + agent * m_actions);
        }
        out += m_setting.allySlots * m_actions;
    }
    if (p.stateTimestepNumber) {
        *out = timeShare(moment);
    }
}

void Observer::writeAvailable(const Moment& moment, std::span<std::uint8_t> out) const {
    for (int agent = 0; agent < m_setting.allySlots; ++agent) {
        writeAvailable(moment, agent, out.data() + static_cast<std::ptrdiff_t>(agent) * m_actions);
    }
}

void Observer::writeNothing(const ObservationSpans& out) const {
    std::ranges::fill(out.obs, 0.F);
    std::ranges::fill(out.state, 0.F);
    std::ranges::fill(out.avail, std::uint8_t{0});
    for (int agent = 0; agent < m_setting.allySlots; ++agent) {
        out.avail[static_cast<std::size_t>(agent * m_actions + NoOp)] = 1;
    }
}

void Observer::write(const Moment& moment, const ObservationSpans& out) const {
    for (int agent = 0; agent < m_setting.allySlots; ++agent) {
        writeObservation(moment, agent, out.obs.data() + static_cast<std::ptrdiff_t>(agent) * m_obsDim);
    }
    writeAvailable(moment, out.avail);
    if (m_setting.params.obsInsteadOfState) {
        std::copy_n(out.obs.data(), m_stateDim, out.state.data());
    } else {
        writeState(moment, out.state.data());
    }
}

} // namespace knife::smac
