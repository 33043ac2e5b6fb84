// SPDX-License-Identifier: GPL-3.0-or-later
// Cutting a run off at the checkpoint that it is resumed from. Private to the store.
#pragma once

#include <cstdint>

#include "core/store/database.h"
#include "core/types/clocks.h"
#include "core/types/error.h"

namespace knife {

/// Removes everything of the run that lies after `keep` on any clock, and ends its last segment there. To be called
/// within a write transaction. ErrorCode::Corrupt names run, metric and chunk.
[[nodiscard]] Result<void> cutOff(const Database& database, std::int64_t runKey, const Clocks& keep);

/// A damaged chunk, in words.
[[nodiscard]] Error damagedChunk(const Database& database, std::int64_t metric, std::int64_t start, const Error& cause);

} // namespace knife
