// SPDX-License-Identifier: GPL-3.0-or-later
// The parts that need no window: a window shows them and is gone before they are.
#pragma once

#include <utility>

#include "app/workbench/action_registry.h"
#include "app/workbench/commands.h"
#include "app/workbench/run_controller.h"
#include "app/workbench/run_list.h"
#include "app/workbench/store_reader.h"
#include "app/workbench/time_cursor.h"

namespace knife {

struct Workbench {
    explicit Workbench(StoreReader::Opener opener = openWorkspace) : store(std::move(opener)) { addCommands(actions); }

    ActionRegistry actions;
    StoreReader store;
    RunList list{store};
    RunController runs{store, list};
    TimeCursor cursor;
};

} // namespace knife
