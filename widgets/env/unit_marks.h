// SPDX-License-Identifier: GPL-3.0-or-later
// A mark for each type of unit, told apart by shape: small enough for a body of a few pixels, and without colour.
#pragma once

#include <string>

#include <QPainterPath>
#include <QString>

namespace knife {

/// To be filled, within a circle of radius 1 around the origin; a type that is not known gets its first letter.
[[nodiscard]] QPainterPath unitMark(const std::string& type);
/// "spine crawler" for "spine_crawler".
[[nodiscard]] QString unitName(const std::string& type);

} // namespace knife
