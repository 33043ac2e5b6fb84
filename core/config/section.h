// SPDX-License-Identifier: GPL-3.0-or-later
// A table of an experiment file with the places its values came from, and the one way to bind it to a struct.
//
// Every configurable struct has a free function `void describe(FieldVisitor&, T&)` that names each field once, with
// help, unit and range. The same description reads a section, writes the resolved one and lists the schema for forms.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/types/error.h"

namespace knife {

/// Inclusive bounds of a number.
struct Range {
    double low = -std::numeric_limits<double>::infinity();
    double high = std::numeric_limits<double>::infinity();
};

/// What a form or a manual shows of a field.
struct FieldHelp {
    const char* text;      ///< one line, no full stop
    const char* unit = ""; ///< "env steps", "episodes", …
};

/// Visits the fields of one struct in order. Implementations read, write or list.
class FieldVisitor {
  public:
    virtual ~FieldVisitor() = default;
    virtual void field(const char* key, bool& value, FieldHelp help) = 0;
    virtual void field(const char* key, std::int64_t& value, FieldHelp help, Range range) = 0;
    virtual void field(const char* key, double& value, FieldHelp help, Range range) = 0;
    virtual void field(const char* key, std::string& value, FieldHelp help) = 0;
    /// A word out of a fixed list.
    virtual void choice(const char* key, std::string& value, FieldHelp help, std::vector<std::string> allowed) = 0;
    virtual void field(const char* key, std::vector<std::int64_t>& value, FieldHelp help, Range range) = 0;
    virtual void field(const char* key, std::vector<double>& value, FieldHelp help, Range range) = 0;
    virtual void field(const char* key, std::vector<std::string>& value, FieldHelp help) = 0;
    /// A table of numbers, for example a payoff matrix: rows of equal or unequal length.
    virtual void field(const char* key, std::vector<std::vector<double>>& value, FieldHelp help) = 0;
};

/// One field as a form, a manual page or a test sees it.
struct FieldSchema {
    std::string key;
    std::string type; ///< "bool", "integer", "number", "text", "choice", "integers", "numbers", "texts", "table"
    std::string help;
    std::string unit;
    Range range;
    std::vector<std::string> allowed; ///< for a choice
    std::string defaultToml;          ///< default value, as TOML text
};

namespace detail {
struct SectionNode;
}

/// An immutable table. Cheap to copy.
class Section {
  public:
    Section();
    explicit Section(std::shared_ptr<const detail::SectionNode> node);

    /// Dotted path of the table, for messages: "env", "interventions[0]".
    [[nodiscard]] const std::string& path() const;
    [[nodiscard]] bool empty() const;
    [[nodiscard]] bool has(std::string_view key) const;
    /// In the order of the file.
    [[nodiscard]] std::vector<std::string> keys() const;
    /// A text value; the fallback if the key is missing. A value of another type is ErrorCode::Usage with its place.
    [[nodiscard]] Result<std::string> text(std::string_view key, std::string_view fallback) const;
    /// An error about this table or one of its keys, with file:line:column.
    [[nodiscard]] Error errorAt(std::string_view key, std::string message) const;

    /// This table with `overrides` laid on top, key by key; tables merge, everything else is replaced.
    [[nodiscard]] Section mergedWith(const Section& overrides) const;
    /// This table without some keys.
    [[nodiscard]] Section without(const std::vector<std::string>& keys) const;
    /// This table with one key set to a text.
    [[nodiscard]] Section withText(std::string_view key, std::string_view value) const;
    /// This table with "key=value" of a command line laid on top. ErrorCode::Usage naming the assignment.
    [[nodiscard]] Result<Section> withAssignment(std::string_view assignment) const;
    /// As TOML text, without a header line.
    [[nodiscard]] std::string toToml() const;

    [[nodiscard]] const std::shared_ptr<const detail::SectionNode>& node() const { return m_node; }

    /// Equal keys and values; where they were written and in which order does not count.
    friend bool operator==(const Section& a, const Section& b);

  private:
    std::shared_ptr<const detail::SectionNode> m_node;
};

/// A table from TOML text, for tests, presets and forms. `path` and `sourceName` are what messages call it.
[[nodiscard]] Result<Section> parseSection(std::string_view toml, std::string_view sourceName,
                                           const std::string& path = {});

namespace detail {
[[nodiscard]] Result<void> readFields(const Section& section, const std::vector<std::string>& alsoKnown,
                                      void (*describeAs)(FieldVisitor&, void*), void* target);
[[nodiscard]] Section writeFields(const std::string& path, void (*describeAs)(FieldVisitor&, void*), void* target);
[[nodiscard]] std::vector<FieldSchema> listFields(void (*describeAs)(FieldVisitor&, void*), void* target);

template <typename T>
void describeErased(FieldVisitor& visitor, void* target) {
    describe(visitor, *static_cast<T*>(target)); // found by argument-dependent lookup
}
} // namespace detail

/// Fills `target` (which holds the defaults) from the section. An unknown key, a wrong type or a value out of range is
/// ErrorCode::Usage: file:line:column, what was expected, "did you mean". Keys in `alsoKnown` belong to somebody else.
template <typename T>
[[nodiscard]] Result<void> readSection(const Section& section, T& target,
                                       const std::vector<std::string>& alsoKnown = {}) {
    return detail::readFields(section, alsoKnown, &detail::describeErased<T>, &target);
}

/// The struct as a section in which every field stands, defaults included.
template <typename T>
[[nodiscard]] Section writeSection(const std::string& path, T value) {
    return detail::writeFields(path, &detail::describeErased<T>, &value);
}

/// The fields with their defaults.
template <typename T>
[[nodiscard]] std::vector<FieldSchema> listSchema(T defaults = {}) {
    return detail::listFields(&detail::describeErased<T>, &defaults);
}

} // namespace knife
