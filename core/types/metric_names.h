// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace knife {

/// The name under which a metric of evaluations ("test/return") is stored for one task of a sequence that is not the
/// current one; `task` is its place from 0 on, the name counts from 1: "test/task_1/return".
[[nodiscard]] inline std::string metricOfTask(std::string_view metric, std::size_t task) {
    const std::size_t behindGroup = metric.find('/') + 1;
    return std::string(metric.substr(0, behindGroup)) + "task_" + std::to_string(task + 1) + "/" +
           std::string(metric.substr(behindGroup));
}

} // namespace knife
