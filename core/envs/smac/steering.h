// SPDX-License-Identifier: GPL-3.0-or-later
// Round those who stand in the way, as units of the game do: without it, whoever comes later queues behind the first
// row and never fights.
#pragma once

#include "core/envs/smac/battlefield.h"

namespace knife::smac {

/// The way that a unit takes now which goes somewhere: straight to where it is about to step if nobody stands there,
/// else past them, on one side until the way is free again; nothing if neither side is open. Its length is that of the
/// straight way.
[[nodiscard]] Vec2 wayRound(Battlefield& field, int unit);

/// After a unit has moved: one that goes round others and got nowhere, because of a wall, tries the other side.
void reconsiderSide(Battlefield& field, int unit, Vec2 from);

} // namespace knife::smac
