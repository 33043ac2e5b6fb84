// SPDX-License-Identifier: GPL-3.0-or-later
#include <array>

#include <fmt/format.h>

#include "core/plasticity/operations/compose.h"
#include "core/plasticity/operations/operation.h"

namespace knife {

namespace {

template <typename Kind, typename Settings>
Result<std::unique_ptr<Operation>> make(const Section& section) {
    Settings settings;
    if (auto read = readSection(section, settings); !read) {
        return tl::unexpected(read.error());
    }
    return std::make_unique<Kind>(settings);
}

struct Entry {
    const char* name;
    Result<std::unique_ptr<Operation>> (*make)(const Section&);
};

// A new operation is one file and one line here.
constexpr std::array kOperations{
    Entry{"compose", &make<Compose, ComposeSettings>},
};

} // namespace

Result<std::unique_ptr<Operation>> makeOperation(const SurgeryPlan& plan) {
    for (const Entry& entry : kOperations) {
        if (plan.operation != entry.name) {
            continue;
        }
        const auto settings = parseSection(plan.settings, "the settings of the surgery plan");
        if (!settings) {
            return tl::unexpected(settings.error());
        }
        return entry.make(*settings);
    }
    return fail(ErrorCode::Usage, fmt::format("there is no surgical operation \"{}\"", plan.operation));
}

} // namespace knife
