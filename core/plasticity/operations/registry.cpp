// SPDX-License-Identifier: GPL-3.0-or-later
#include <array>
#include <type_traits>

#include <fmt/format.h>

#include "core/plasticity/operations/blend.h"
#include "core/plasticity/operations/compose.h"
#include "core/plasticity/operations/consolidate.h"
#include "core/plasticity/operations/inject.h"
#include "core/plasticity/operations/operation.h"
#include "core/plasticity/operations/redraw.h"
#include "core/plasticity/operations/reset_units.h"
#include "core/plasticity/operations/share_units.h"
#include "core/plasticity/operations/shrink_units.h"
#include "core/plasticity/operations/split_units.h"

namespace knife {

namespace {

template <typename Kind, typename Settings>
Result<std::unique_ptr<Operation>> make(const Section& section, const SiteInputsOf& inputs) {
    Settings settings;
    if (auto read = readSection(section, settings); !read) {
        return tl::unexpected(read.error());
    }
    if constexpr (std::is_constructible_v<Kind, Settings, SiteInputsOf>) {
        return std::make_unique<Kind>(settings, inputs);
    } else {
        return std::make_unique<Kind>(settings);
    }
}

struct Entry {
    const char* name;
    Result<std::unique_ptr<Operation>> (*make)(const Section&, const SiteInputsOf&);
};

// A new operation is one file and one line here.
constexpr std::array kOperations{
    Entry{"compose", &make<Compose, ComposeSettings>},
    Entry{"inject", &make<Inject, InjectSettings>},
    Entry{"redraw", &make<Redraw, RedrawSettings>},
    Entry{"blend", &make<Blend, BlendSettings>},
    Entry{"reset_units", &make<ResetUnits, ResetSettings>},
    Entry{"share_units", &make<ShareUnits, ShareUnitsSettings>},
    Entry{"consolidate", &make<Consolidate, ConsolidateSettings>},
    Entry{"shrink_units", &make<ShrinkUnits, ShrinkUnitsSettings>},
    Entry{"split_units", &make<SplitUnits, SplitUnitsSettings>},
};

} // namespace

Result<std::unique_ptr<Operation>> makeOperation(const SurgeryPlan& plan, const SiteInputsOf& inputs) {
    for (const Entry& entry : kOperations) {
        if (plan.operation != entry.name) {
            continue;
        }
        const auto settings = parseSection(plan.settings, "the settings of the surgery plan");
        if (!settings) {
            return tl::unexpected(settings.error());
        }
        return entry.make(*settings, inputs);
    }
    return fail(ErrorCode::Usage, fmt::format("there is no surgical operation \"{}\"", plan.operation));
}

} // namespace knife
