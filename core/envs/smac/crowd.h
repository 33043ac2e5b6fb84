// SPDX-License-Identifier: GPL-3.0-or-later
// Where units are: how they find room, walk, and push each other apart.
#pragma once

#include "core/envs/smac/battlefield.h"

namespace knife::smac {

/// Of one loop: everybody takes a step towards what it is after, then those that overlap make way.
void walk(Battlefield& field);
/// The place nearest to the wanted one where a unit can stand beside those that are numbered before it; the wanted one
/// where the map is full.
[[nodiscard]] Vec2 freePlace(const Battlefield& field, int unit, Vec2 wanted);

} // namespace knife::smac
