// SPDX-License-Identifier: GPL-3.0-or-later
// What units do to each other: blows, blasts and healing, deaths, and what comes back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/envs/smac/battlefield.h"

namespace knife::smac {

class Weapons {
  public:
    enum class Pace : std::uint8_t {
        Even,   ///< weapons take what the table says
        Uneven, ///< from one loop less to two more
    };
    struct Strike {
        int attacker = 0;
        int target = 0;
    };

    explicit Weapons(Pace pace) : m_pace(pace) {}

    /// Memory for so many units; fight() with no more does not allocate.
    void reserve(std::size_t units);

    /// Of one loop: whoever is in range and ready strikes; healing lands, then blows, of attackers from west to east,
    /// and who dies in this loop strikes, too; the dead go; shields, health and energy come back.
    void fight(Battlefield& field);

  private:
    void strike(Battlefield& field);
    void bury(Battlefield& field);

    Pace m_pace;
    std::vector<Strike> m_strikes; ///< of this loop
    std::vector<int> m_dying;      ///< of this loop
};

} // namespace knife::smac
