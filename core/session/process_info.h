// SPDX-License-Identifier: GPL-3.0-or-later
// What the run process knows about itself.
#pragma once

#include <cstdint>
#include <string>

namespace knife {

/// Resident set size in bytes; 0 where the system does not tell.
[[nodiscard]] std::uint64_t residentBytes();
/// Keeps LibTorch's and the BLAS library's own pools to one thread: the learner has threads of its own, and pools that
/// wait actively would fight them for the cores. Call before the first tensor operation.
void keepLibrariesToOneThread();
/// "LibTorch 1.13.1", for `doctor` and for the record of a run.
[[nodiscard]] std::string engineVersion();
/// The BLAS in use, with a warning text when it is the slow reference one.
[[nodiscard]] std::string blasDescription();

} // namespace knife
