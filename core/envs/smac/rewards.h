// SPDX-License-Identifier: GPL-3.0-or-later
// The team's reward for what a step has done to health and shields, as SMAC reckons it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/envs/smac/engine.h"
#include "core/envs/smac/smac_params.h"

namespace knife::smac {

/// How a battle stands.
enum class Standing : std::uint8_t { Open, Won, Lost, BothGone };

/// `units`: agents, then enemies. Teams of nothing but medivacs have lost where medivacs heal; of SMAC's enemies only
/// one that is alone.
[[nodiscard]] Standing standingOf(std::span<const UnitState> units, const SmacSetting& setting);

class Rewards {
  public:
    /// The setting must outlive this.
    explicit Rewards(const SmacSetting& setting);

    /// Scales from now on by enemies of so much health and shield together, whoever fights.
    void scaleBy(double vitality) { m_vitality = vitality; }
    /// A battle as it begins or goes on: what has happened before has been paid.
    void reset(std::span<const UnitState> units);
    /// The reward of the step that led here from the last reset() or take().
    [[nodiscard]] double take(std::span<const UnitState> units, Standing standing);
    /// What rewards are divided by; 1 where they are not.
    [[nodiscard]] double scale() const { return m_scale; }

  private:
    const SmacSetting& m_setting;
    std::vector<float> m_before; ///< health and shield together; 0 once a unit's death has been paid
    std::optional<double>
        m_vitality; ///< of the enemies that rewards are scaled by; of those that are there, if not set
    double m_scale = 1.0;
};

} // namespace knife::smac
