// SPDX-License-Identifier: GPL-3.0-or-later
// The three visitors of a described struct: read, write, list.
#include "core/config/section.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/config/did_you_mean.h"
#include "core/config/section_node.h"
#include "core/config/toml_text.h"

namespace knife::detail {

namespace {

// "1e5" is how people write budgets; beyond 2^53 a double no longer names one integer.
constexpr double kLargestExactInteger = 9007199254740992.0;

std::string rangeText(const Range& range) {
    if (std::isfinite(range.low) && std::isfinite(range.high)) {
        return fmt::format(" in [{}, {}]", range.low, range.high);
    }
    if (std::isfinite(range.low)) {
        return fmt::format(" of at least {}", range.low);
    }
    return std::isfinite(range.high) ? fmt::format(" of at most {}", range.high) : "";
}

// NaN is in no range.
bool within(double value, const Range& range) {
    return value >= range.low && value <= range.high;
}

std::optional<double> asNumber(const Value& value) {
    if (const auto* number = std::get_if<double>(&value.data)) {
        return *number;
    }
    if (const auto* integer = std::get_if<std::int64_t>(&value.data)) {
        return static_cast<double>(*integer);
    }
    return std::nullopt;
}

std::optional<std::int64_t> asInteger(const Value& value) {
    if (const auto* integer = std::get_if<std::int64_t>(&value.data)) {
        return *integer;
    }
    const auto* number = std::get_if<double>(&value.data);
    if (number != nullptr && std::abs(*number) <= kLargestExactInteger && std::trunc(*number) == *number) {
        return static_cast<std::int64_t>(*number);
    }
    return std::nullopt;
}

class SectionReader final : public FieldVisitor {
  public:
    explicit SectionReader(const SectionNode& node) : m_node(node) {}

    void field(const char* key, bool& value, FieldHelp) override {
        if (const Value* given = find(key)) {
            if (const auto* flag = std::get_if<bool>(&given->data)) {
                value = *flag;
            } else {
                reject(key, *given, "true or false");
            }
        }
    }

    void field(const char* key, std::int64_t& value, FieldHelp, Range range) override {
        if (const Value* given = find(key)) {
            readInteger(key, *given, range, value);
        }
    }

    void field(const char* key, double& value, FieldHelp, Range range) override {
        if (const Value* given = find(key)) {
            readNumber(key, *given, range, value);
        }
    }

    void field(const char* key, std::string& value, FieldHelp) override {
        if (const Value* given = find(key)) {
            readText(key, *given, value);
        }
    }

    void choice(const char* key, std::string& value, FieldHelp, std::vector<std::string> allowed) override {
        const Value* given = find(key);
        if (given == nullptr) {
            return;
        }
        const auto* word = std::get_if<std::string>(&given->data);
        if (word != nullptr && std::find(allowed.begin(), allowed.end(), *word) != allowed.end()) {
            value = *word;
            return;
        }
        const std::string nearest = word != nullptr ? nearestWord(*word, allowed) : std::string();
        reject(key, *given, fmt::format("one of {}", fmt::join(allowed, ", ")),
               nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest));
    }

    void field(const char* key, std::vector<std::int64_t>& value, FieldHelp, Range range) override {
        readList(key, value, "a list of integers", [&](const std::string& name, const Value& item, std::int64_t& out) {
            readInteger(name, item, range, out);
        });
    }

    void field(const char* key, std::vector<double>& value, FieldHelp, Range range) override {
        readList(key, value, "a list of numbers",
                 [&](const std::string& name, const Value& item, double& out) { readNumber(name, item, range, out); });
    }

    void field(const char* key, std::vector<std::string>& value, FieldHelp) override {
        readList(key, value, "a list of texts",
                 [&](const std::string& name, const Value& item, std::string& out) { readText(name, item, out); });
    }

    void field(const char* key, std::vector<std::vector<double>>& value, FieldHelp) override {
        readList(key, value, "a list of rows of numbers",
                 [&](const std::string& name, const Value& row, std::vector<double>& out) {
                     readItems(name, row, out, "a row of numbers",
                               [&](const std::string& cell, const Value& item, double& number) {
                                   readNumber(cell, item, Range{}, number);
                               });
                 });
    }

    Result<void> finish(const std::vector<std::string>& alsoKnown) {
        std::vector<std::string> known = m_known;
        known.insert(known.end(), alsoKnown.begin(), alsoKnown.end());
        for (const Entry& entry : m_node.entries) {
            if (std::find(known.begin(), known.end(), entry.key) == known.end()) {
                const std::string path = childPath(m_node.path, entry.key);
                return fail(ErrorCode::Usage, fmt::format("{}unknown key '{}'{}", entry.keyPlace.prefix(), path,
                                                          suggestion(entry.key, known)));
            }
        }
        if (m_error) {
            return tl::unexpected(*m_error);
        }
        return {};
    }

  private:
    const Value* find(const char* key) {
        m_known.emplace_back(key);
        const Entry* entry = m_node.find(key);
        return entry == nullptr ? nullptr : &entry->value;
    }

    void reject(const std::string& key, const Value& given, const std::string& expected, const std::string& hint = {}) {
        if (m_error) {
            return;
        }
        m_error = Error{ErrorCode::Usage,
                        fmt::format("{}{}: expected {}, got {}{}", given.place.prefix(), childPath(m_node.path, key),
                                    expected, describeValue(given), hint),
                        {}};
    }

    void readInteger(const std::string& key, const Value& given, const Range& range, std::int64_t& out) {
        const auto integer = asInteger(given);
        if (integer && within(static_cast<double>(*integer), range)) {
            out = *integer;
        } else {
            reject(key, given, "an integer" + rangeText(range));
        }
    }

    void readNumber(const std::string& key, const Value& given, const Range& range, double& out) {
        const auto number = asNumber(given);
        if (number && within(*number, range)) {
            out = *number;
        } else {
            reject(key, given, "a number" + rangeText(range));
        }
    }

    void readText(const std::string& key, const Value& given, std::string& out) {
        if (const auto* text = std::get_if<std::string>(&given.data)) {
            out = *text;
        } else {
            reject(key, given, "text");
        }
    }

    template <typename T, typename ReadItem>
    void readList(const char* key, std::vector<T>& out, const char* expected, const ReadItem& readItem) {
        if (const Value* given = find(key)) {
            readItems(key, *given, out, expected, readItem);
        }
    }

    template <typename T, typename ReadItem>
    void readItems(const std::string& key, const Value& given, std::vector<T>& out, const char* expected,
                   const ReadItem& readItem) {
        const auto* list = std::get_if<Array>(&given.data);
        if (list == nullptr) {
            reject(key, given, expected);
            return;
        }
        std::vector<T> items(list->size());
        for (std::size_t i = 0; i < list->size(); ++i) {
            readItem(fmt::format("{}[{}]", key, i), (*list)[i], items[i]);
        }
        out = std::move(items);
    }

    const SectionNode& m_node;
    std::vector<std::string> m_known;
    std::optional<Error> m_error;
};

template <typename T>
Array arrayOf(const std::vector<T>& items) {
    Array array;
    for (const T& item : items) {
        if constexpr (std::is_same_v<T, std::vector<double>>) {
            array.push_back({{}, arrayOf(item)});
        } else {
            array.push_back({{}, item});
        }
    }
    return array;
}

class SectionWriter final : public FieldVisitor {
  public:
    explicit SectionWriter(const std::string& path) { m_node->path = path; }

    void field(const char* key, bool& value, FieldHelp) override { add(key, value); }
    void field(const char* key, std::int64_t& value, FieldHelp, Range) override { add(key, value); }
    void field(const char* key, double& value, FieldHelp, Range) override { add(key, value); }
    void field(const char* key, std::string& value, FieldHelp) override { add(key, value); }
    void choice(const char* key, std::string& value, FieldHelp, std::vector<std::string>) override { add(key, value); }
    void field(const char* key, std::vector<std::int64_t>& value, FieldHelp, Range) override {
        add(key, arrayOf(value));
    }
    void field(const char* key, std::vector<double>& value, FieldHelp, Range) override { add(key, arrayOf(value)); }
    void field(const char* key, std::vector<std::string>& value, FieldHelp) override { add(key, arrayOf(value)); }
    void field(const char* key, std::vector<std::vector<double>>& value, FieldHelp) override {
        add(key, arrayOf(value));
    }

    Table take() { return std::move(m_node); }

  private:
    template <typename T>
    void add(const char* key, T value) {
        m_node->entries.push_back({key, {}, {{}, std::move(value)}});
    }

    std::shared_ptr<SectionNode> m_node = std::make_shared<SectionNode>();
};

class SchemaLister final : public FieldVisitor {
  public:
    void field(const char* key, bool& value, FieldHelp help) override { add(key, "bool", help, {}, {}, value); }
    void field(const char* key, std::int64_t& value, FieldHelp help, Range range) override {
        add(key, "integer", help, range, {}, value);
    }
    void field(const char* key, double& value, FieldHelp help, Range range) override {
        add(key, "number", help, range, {}, value);
    }
    void field(const char* key, std::string& value, FieldHelp help) override { add(key, "text", help, {}, {}, value); }
    void choice(const char* key, std::string& value, FieldHelp help, std::vector<std::string> allowed) override {
        add(key, "choice", help, {}, std::move(allowed), value);
    }
    void field(const char* key, std::vector<std::int64_t>& value, FieldHelp help, Range range) override {
        add(key, "integers", help, range, {}, arrayOf(value));
    }
    void field(const char* key, std::vector<double>& value, FieldHelp help, Range range) override {
        add(key, "numbers", help, range, {}, arrayOf(value));
    }
    void field(const char* key, std::vector<std::string>& value, FieldHelp help) override {
        add(key, "texts", help, {}, {}, arrayOf(value));
    }
    void field(const char* key, std::vector<std::vector<double>>& value, FieldHelp help) override {
        add(key, "table", help, {}, {}, arrayOf(value));
    }

    std::vector<FieldSchema> take() { return std::move(m_fields); }

  private:
    template <typename T>
    void add(const char* key, const char* type, FieldHelp help, Range range, std::vector<std::string> allowed,
             T value) {
        m_fields.push_back(
            {key, type, help.text, help.unit, range, std::move(allowed), tomlValue(Value{{}, std::move(value)})});
    }

    std::vector<FieldSchema> m_fields;
};

} // namespace

Result<void> readFields(const Section& section, const std::vector<std::string>& alsoKnown,
                        void (*describeAs)(FieldVisitor&, void*), void* target) {
    SectionReader reader(*section.node());
    describeAs(reader, target);
    return reader.finish(alsoKnown);
}

Section writeFields(const std::string& path, void (*describeAs)(FieldVisitor&, void*), void* target) {
    SectionWriter writer(path);
    describeAs(writer, target);
    return Section(writer.take());
}

std::vector<FieldSchema> listFields(void (*describeAs)(FieldVisitor&, void*), void* target) {
    SchemaLister lister;
    describeAs(lister, target);
    return lister.take();
}

} // namespace knife::detail
