// SPDX-License-Identifier: GPL-3.0-or-later
// Whom units fight: agents whom they are told to, enemies whom the map tells them to or whom they find.
#pragma once

#include "core/envs/smac/battlefield.h"

namespace knife::smac {

/// Of one loop.
void decide(Battlefield& field);

} // namespace knife::smac
