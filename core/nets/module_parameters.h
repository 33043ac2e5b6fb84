// SPDX-License-Identifier: GPL-3.0-or-later
// Parameters by the dotted beginning of their names: "agent", "mixer.v", "agent.head.bias".
#pragma once

#include <string_view>
#include <vector>

#include "core/nets/parameters.h"

namespace knife {

/// All parameters of that name or below it, in order of declaration; those that surgeries added are among them.
[[nodiscard]] inline std::vector<const Parameter*> parametersOf(const ParameterSet& parameters,
                                                                std::string_view module) {
    std::vector<const Parameter*> found;
    for (const Parameter& parameter : parameters.all()) {
        const std::string_view name = parameter.name;
        if (name.starts_with(module) && (name.size() == module.size() || name[module.size()] == '.')) {
            found.push_back(&parameter);
        }
    }
    return found;
}

} // namespace knife
