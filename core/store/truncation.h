// SPDX-License-Identifier: GPL-3.0-or-later
// How far a run was stored when a checkpoint was taken, and cutting the run off there when it is resumed. Private to
// the store.
#pragma once

#include <cstdint>
#include <optional>

#include "core/store/database.h"
#include "core/types/error.h"

namespace knife {

/// Remembers in the row of a checkpoint what its run has stored by now. To be called within the write transaction that
/// inserts the row.
void markCheckpoint(const Database& database, std::int64_t runKey, std::int64_t checkpoint);

/// Removes everything that the run stored after the checkpoint (everything at all without one) and ends the
/// checkpoint's segment there. To be called within a write transaction. ErrorCode::NotFound when the run has no such
/// checkpoint; ErrorCode::Corrupt names run, metric and chunk.
[[nodiscard]] Result<void> cutBehind(const Database& database, std::int64_t runKey,
                                     std::optional<std::int64_t> checkpoint);

/// A damaged chunk, in words.
[[nodiscard]] Error damagedChunk(const Database& database, std::int64_t metric, std::int64_t start, const Error& cause);

} // namespace knife
