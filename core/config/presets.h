// SPDX-License-Identifier: GPL-3.0-or-later
// The settings of known code bases as defaults for [agent], [mixer], [learning] and [exploration].
#pragma once

#include <string>
#include <vector>

#include "core/config/section_node.h"

namespace knife {

/// "none", then the presets:
///   group    the PyMARL loop with the settings of ReBorn (xmu-rl-3dv/ReBorn): two layers before the GRU, embed 64
///   pymarl   oxwhirl/pymarl
///   pymarl2  hijkzzz/pymarl2: eight environments, Adam, TD(0.6)
///   epymarl  uoe-agents/epymarl: Adam, standardised rewards, no last action
[[nodiscard]] std::vector<std::string> presetNames();

/// The tables of a preset for a method of value factorization and a kind of agent; "none" has none. Methods that its
/// code base does not have get its loop, and their own defaults in [mixer].
[[nodiscard]] Result<detail::Table> presetTables(const std::string& preset, const std::string& method,
                                                 const std::string& agent);

} // namespace knife
