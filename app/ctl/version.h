// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace knife {

inline constexpr const char* kProgram = "knifectl " KNIFE_VERSION;

} // namespace knife
