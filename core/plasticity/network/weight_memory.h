// SPDX-License-Identifier: GPL-3.0-or-later
// Earlier weights of the online network, as a diagnostic keeps them.
#pragma once

#include "core/plasticity/network/diagnostic.h"

namespace knife {

/// The values of all blocks, now.
[[nodiscard]] DiagnosticMemory rememberWeights(const char* diagnostic, std::int64_t update,
                                               const ParameterSet& parameters);

/// Whether `memory` holds one value for each of the parameters: no surgery has added or removed any since.
[[nodiscard]] bool fits(const DiagnosticMemory& memory, const ParameterSet& parameters);

/// Requires fits().
void putBack(const DiagnosticMemory& memory, ParameterSet& parameters);

} // namespace knife
