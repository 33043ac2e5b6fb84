// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/smac/rewards.h"

#include <algorithm>
#include <cmath>

namespace knife::smac {

namespace {

float vitality(const UnitState& unit) {
    return unit.isAlive() ? unit.health + unit.shield : 0.F;
}

} // namespace

Standing standingOf(std::span<const UnitState> units, const SmacSetting& setting) {
    const auto split = static_cast<std::size_t>(setting.allies);
    const auto alive = [](std::span<const UnitState> team) {
        return std::ranges::count_if(team, &UnitState::isAlive);
    };
    const auto onlyHealers = [&](std::span<const UnitState> team) {
        return setting.withMedivacs && std::ranges::all_of(team, [](const UnitState& unit) {
                   return !unit.isAlive() || unit.type == UnitType::Medivac;
               });
    };
    const auto allies = units.first(split);
    const auto enemies = units.subspan(split);
    const auto alliesLeft = alive(allies);
    const auto enemiesLeft = alive(enemies);
    if ((alliesLeft == 0 && enemiesLeft > 0) || (alliesLeft > 0 && onlyHealers(allies))) {
        return Standing::Lost;
    }
    const bool enemiesCannotFight = onlyHealers(enemies) && (setting.version == Version::SmacV2 || enemiesLeft == 1);
    if (alliesLeft > 0 && (enemiesLeft == 0 || enemiesCannotFight)) {
        return Standing::Won;
    }
    return alliesLeft == 0 && enemiesLeft == 0 ? Standing::BothGone : Standing::Open;
}

Rewards::Rewards(const SmacSetting& setting)
    : m_setting(setting), m_before(static_cast<std::size_t>(setting.allies + setting.enemies)) {}

void Rewards::reset(std::span<const UnitState> units) {
    std::ranges::transform(units, m_before.begin(), vitality);
    const SmacParams& p = m_setting.params;
    double vitality = 0.0;
    for (const UnitState& enemy : units.subspan(static_cast<std::size_t>(m_setting.allies))) {
        vitality += static_cast<double>(enemy.healthMax) + static_cast<double>(enemy.shieldMax);
    }
    const double most =
        static_cast<double>(m_setting.enemies) * p.rewardDeathValue + p.rewardWin + m_vitality.value_or(vitality);
    m_scale = p.rewardScale && most > 0.0 ? most / p.rewardScaleRate : 1.0;
}

double Rewards::take(std::span<const UnitState> units, Standing standing) {
    const SmacParams& p = m_setting.params;
    double dealt = 0.0;
    double kills = 0.0;
    double suffered = 0.0;
    double losses = 0.0;
    for (std::size_t i = 0; i < units.size(); ++i) {
        const bool isEnemy = i >= static_cast<std::size_t>(m_setting.allies);
        const float now = vitality(units[i]);
        const double change = static_cast<double>(m_before[i]) - static_cast<double>(now);
        (isEnemy ? dealt : suffered) += change;
        if (m_before[i] > 0.F && now == 0.F) {
            (isEnemy ? kills : losses) += p.rewardDeathValue;
        }
        m_before[i] = now;
    }
    double reward = 0.0;
    if (p.rewardSparse) {
        reward = standing == Standing::Won ? 1.0 : standing == Standing::Lost ? -1.0 : 0.0;
        return reward / m_scale;
    }
    if (p.rewardOnlyPositive) {
        reward = p.compatAbsoluteReward ? std::abs(dealt + kills) : std::max(dealt + kills, 0.0);
    } else {
        reward = dealt + kills - p.rewardNegativeScale * (suffered + losses);
    }
    reward += standing == Standing::Won ? p.rewardWin : standing == Standing::Lost ? p.rewardDefeat : 0.0;
    return reward / m_scale;
}

} // namespace knife::smac
