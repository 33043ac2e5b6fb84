// SPDX-License-Identifier: GPL-3.0-or-later
// What every command of knifectl shares.
#pragma once

#include <filesystem>
#include <functional>

namespace knife {

/// Filled while the command line is parsed; `action` is then run once and returns the exit code.
struct CommandContext {
    std::filesystem::path workspace;
    bool json = false;
    bool quiet = false;
    std::function<int()> action;
};

} // namespace knife
