// SPDX-License-Identifier: GPL-3.0-or-later
// The tree behind Section. Private to this room: every value remembers the place that a message can point at.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/config/section.h"

namespace knife::detail {

/// Where a value was written: a file position, or the override ("--set a.b=c") when line is 0.
struct Place {
    std::shared_ptr<const std::string> source;
    std::uint32_t line = 0;
    std::uint32_t column = 0;

    /// "file:line:column", "--set a.b=c", or "" for values made by the program.
    [[nodiscard]] std::string text() const;
    /// The same followed by ": ", or "".
    [[nodiscard]] std::string prefix() const;
};

struct Value;
using Array = std::vector<Value>;
using Table = std::shared_ptr<const SectionNode>;

struct Value {
    Place place;
    std::variant<bool, std::int64_t, double, std::string, Array, Table> data;
};

struct Entry {
    std::string key;
    Place keyPlace;
    Value value;
};

struct SectionNode {
    std::string path;
    Place place;
    std::vector<Entry> entries; ///< in the order of the file; keys are unique

    [[nodiscard]] const Entry* find(std::string_view key) const;
    [[nodiscard]] Entry* find(std::string_view key);
};

/// "text \"abc\"", "an integer", … for messages.
[[nodiscard]] std::string describeValue(const Value& value);
/// Deep equality of values; places and the order of keys do not count, NaN equals NaN.
[[nodiscard]] bool sameValue(const Value& a, const Value& b);
[[nodiscard]] bool sameTable(const SectionNode& a, const SectionNode& b);
/// `base` with `overrides` laid on top; the result and the tables within it have paths below `path`.
[[nodiscard]] Table mergedTables(const SectionNode& base, const SectionNode& overrides, std::string path);
/// The same tree with every path rewritten below `path`.
[[nodiscard]] Value repathed(const Value& value, const std::string& path);
/// A child's path: "env.size", or "size" at the root.
[[nodiscard]] std::string childPath(const std::string& parent, std::string_view key);

} // namespace knife::detail
