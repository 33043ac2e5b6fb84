// SPDX-License-Identifier: GPL-3.0-or-later
// Sections that name a method and then hold that method's own keys: [mixer], [[interventions]].
#pragma once

#include <ranges>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/did_you_mean.h"
#include "core/config/section.h"

namespace knife {

inline constexpr const char* kMethodKey = "method";
/// The method of a [mixer] section that names none.
inline constexpr const char* kDefaultMixerMethod = "qmix";

/// The section's fields over the defaults of the method's config struct.
template <typename Config>
[[nodiscard]] Result<Config> readMethod(const Section& section) {
    Config config;
    if (auto read = readSection(section, config, {kMethodKey}); !read) {
        return tl::unexpected(read.error());
    }
    return config;
}

/// The section with every default of its method written out.
template <typename Config>
[[nodiscard]] Result<Section> resolveMethod(const Section& section) {
    const auto config = readMethod<Config>(section);
    if (!config) {
        return tl::unexpected(config.error());
    }
    return writeSection(section.path(), *config).mergedWith(section);
}

/// The entry of a registry (anything with a `method` member) that the section names; ErrorCode::Usage with the
/// nearest or all known methods otherwise. `fallback` stands for a missing key; empty: the key is required.
template <std::ranges::forward_range Registry>
[[nodiscard]] auto findMethod(const Section& section, const Registry& registry, std::string_view fallback)
    -> Result<const std::ranges::range_value_t<Registry>*> {
    const auto method = section.text(kMethodKey, fallback);
    if (!method) {
        return tl::unexpected(method.error());
    }
    std::vector<std::string> known;
    for (const auto& entry : registry) {
        if (*method == entry.method) {
            return &entry;
        }
        known.emplace_back(entry.method);
    }
    return tl::unexpected(
        section.errorAt(kMethodKey, "there is no method '" + *method + "'" + suggestion(*method, known)));
}

} // namespace knife
