// SPDX-License-Identifier: GPL-3.0-or-later
// Names of what observer.cpp writes, in its order.
#include <array>
#include <string>
#include <vector>

#include "core/envs/smac/observer.h"
#include "core/envs/smac/unit_type.h"

namespace knife::smac {

namespace {

using Names = std::vector<std::string>;

void addTypes(Names& names, const std::string& whose, const std::vector<UnitType>& types) {
    for (const UnitType type : types) {
        names.push_back(whose + std::string(nameOf(type)));
    }
}

void addOffset(Names& names, const std::string& whose) {
    for (const char* const what : {"distance", "dx", "dy"}) {
        names.push_back(whose + what);
    }
}

} // namespace

std::vector<std::string> Observer::actionNames() const {
    std::vector<std::string> names{"no-op", "stop", "north", "south", "east", "west"};
    for (int look = FirstLook; look < m_firstTarget; ++look) {
        names.push_back("look " + std::to_string(look - FirstLook));
    }
    for (int target = m_firstTarget; target < m_actions; ++target) {
        names.push_back("target " + std::to_string(target - m_firstTarget));
    }
    return names;
}

void Observer::nameEnemies(Names& names) const {
    for (int enemy = 0; enemy < m_setting.enemySlots; ++enemy) {
        const std::string whose = "enemy " + std::to_string(enemy) + ' ';
        names.push_back(whose + "in reach");
        addOffset(names, whose);
        if (m_setting.params.obsAllHealth) {
            names.push_back(whose + "health");
            if (m_setting.enemyShields) {
                names.push_back(whose + "shield");
            }
        }
        addTypes(names, whose, m_setting.enemyTypes);
    }
}

void Observer::nameFriends(Names& names) const {
    const SmacParams& p = m_setting.params;
    for (int slot = 0; slot < m_setting.allySlots - 1; ++slot) {
        const std::string whose = "friend " + std::to_string(slot) + ' ';
        names.push_back(whose + "visible");
        addOffset(names, whose);
        if (p.obsAllHealth) {
            names.push_back(whose + "health");
            if (m_setting.allyShields) {
                names.push_back(whose + "shield");
            }
        }
        if (m_hasAttack) {
            names.push_back(whose + "attack probability");
        }
        if (m_hasHealth) {
            names.push_back(whose + "health level");
        }
        addTypes(names, whose, m_setting.allyTypes);
        if (p.obsLastAction) {
            for (const std::string& action : actionNames()) {
                names.push_back(whose + "did " + action);
            }
        }
    }
}

void Observer::nameOwn(Names& names) const {
    const SmacParams& p = m_setting.params;
    if (p.obsOwnHealth || p.obsAllHealth) {
        names.emplace_back("own health");
        if (m_setting.allyShields) {
            names.emplace_back("own shield");
        }
    }
    if (m_hasAttack) {
        names.emplace_back("own attack probability");
    }
    if (m_hasHealth) {
        names.emplace_back("own health level");
    }
    if (p.obsOwnPos) {
        names.insert(names.end(), {"own x", "own y"});
    }
    if (p.conicFov) {
        names.insert(names.end(), {"looks to x", "looks to y"});
    }
    addTypes(names, "own ", m_setting.allyTypes);
}

std::vector<std::string> Observer::featureNames() const {
    const SmacParams& p = m_setting.params;
    Names names;
    if (p.obsStarcraft) {
        names = {"way north", "way south", "way east", "way west"};
        static constexpr std::array kAround = {"far north",  "far south",  "far east",   "far west", "north-east",
                                               "south-west", "south-east", "north-west", "here"};
        for (std::size_t i = 0; p.obsPathingGrid && i + 1 < kAround.size(); ++i) {
            names.push_back(std::string("ground ") + kAround[i]);
        }
        for (std::size_t i = 0; p.obsTerrainHeight && i < kAround.size(); ++i) {
            names.push_back(std::string("height ") + kAround[i]);
        }
        nameEnemies(names);
        nameFriends(names);
        nameOwn(names);
    }
    if (p.obsTimestepNumber) {
        names.emplace_back("time");
    }
    return names;
}

} // namespace knife::smac
