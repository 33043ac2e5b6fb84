// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/config/section.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "core/config/overrides.h"
#include "core/config/section_node.h"
#include "core/config/toml_text.h"

namespace knife {

namespace detail {

std::string Place::text() const {
    if (!source) {
        return {};
    }
    return line == 0 ? *source : fmt::format("{}:{}:{}", *source, line, column);
}

std::string Place::prefix() const {
    const std::string where = text();
    return where.empty() ? where : where + ": ";
}

const Entry* SectionNode::find(std::string_view key) const {
    const auto found =
        std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) { return entry.key == key; });
    return found == entries.end() ? nullptr : &*found;
}

Entry* SectionNode::find(std::string_view key) {
    return const_cast<Entry*>(std::as_const(*this).find(key));
}

std::string describeValue(const Value& value) {
    struct Describe {
        std::string operator()(bool flag) const { return flag ? "true" : "false"; }
        std::string operator()(std::int64_t number) const { return fmt::format("{}", number); }
        std::string operator()(double number) const { return fmt::format("{}", number); }
        std::string operator()(const std::string& text) const {
            constexpr std::size_t kShown = 40;
            return text.size() <= kShown ? fmt::format("text \"{}\"", text)
                                         : fmt::format("text \"{}…\"", text.substr(0, kShown));
        }
        std::string operator()(const Array& array) const { return fmt::format("a list of {}", array.size()); }
        std::string operator()(const Table&) const { return "a table"; }
    };
    return std::visit(Describe{}, value.data);
}

bool sameValue(const Value& a, const Value& b) {
    if (a.data.index() != b.data.index()) {
        return false;
    }
    if (const auto* number = std::get_if<double>(&a.data)) {
        const double other = std::get<double>(b.data);
        return *number == other || (std::isnan(*number) && std::isnan(other));
    }
    if (const auto* array = std::get_if<Array>(&a.data)) {
        const Array& other = std::get<Array>(b.data);
        return std::equal(array->begin(), array->end(), other.begin(), other.end(), sameValue);
    }
    if (const auto* table = std::get_if<Table>(&a.data)) {
        return sameTable(**table, *std::get<Table>(b.data));
    }
    if (const auto* text = std::get_if<std::string>(&a.data)) {
        return *text == std::get<std::string>(b.data);
    }
    if (const auto* integer = std::get_if<std::int64_t>(&a.data)) {
        return *integer == std::get<std::int64_t>(b.data);
    }
    return std::get<bool>(a.data) == std::get<bool>(b.data);
}

bool sameTable(const SectionNode& a, const SectionNode& b) {
    if (a.entries.size() != b.entries.size()) {
        return false;
    }
    return std::all_of(a.entries.begin(), a.entries.end(), [&](const Entry& entry) {
        const Entry* other = b.find(entry.key);
        return other != nullptr && sameValue(entry.value, other->value);
    });
}

std::string childPath(const std::string& parent, std::string_view key) {
    return parent.empty() ? std::string(key) : fmt::format("{}.{}", parent, key);
}

Value repathed(const Value& value, const std::string& path) {
    Value result = value;
    if (const auto* table = std::get_if<Table>(&value.data)) {
        auto copy = std::make_shared<SectionNode>(**table);
        copy->path = path;
        for (Entry& entry : copy->entries) {
            entry.value = repathed(entry.value, childPath(path, entry.key));
        }
        result.data = Table(std::move(copy));
    } else if (auto* array = std::get_if<Array>(&result.data)) {
        for (std::size_t i = 0; i < array->size(); ++i) {
            (*array)[i] = repathed((*array)[i], fmt::format("{}[{}]", path, i));
        }
    }
    return result;
}

Table mergedTables(const SectionNode& base, const SectionNode& overrides, std::string path) {
    auto merged = std::make_shared<SectionNode>();
    merged->place = base.place.source ? base.place : overrides.place;
    merged->path = std::move(path);
    for (const Entry& entry : base.entries) {
        merged->entries.push_back(entry);
        merged->entries.back().value = repathed(entry.value, childPath(merged->path, entry.key));
    }
    for (const Entry& entry : overrides.entries) {
        const std::string entryPath = childPath(merged->path, entry.key);
        Entry* present = merged->find(entry.key);
        if (present == nullptr) {
            merged->entries.push_back({entry.key, entry.keyPlace, repathed(entry.value, entryPath)});
            continue;
        }
        const auto* below = std::get_if<Table>(&present->value.data);
        const auto* above = std::get_if<Table>(&entry.value.data);
        if (below != nullptr && above != nullptr) {
            present->value.data = mergedTables(**below, **above, entryPath);
        } else {
            *present = {entry.key, entry.keyPlace, repathed(entry.value, entryPath)};
        }
    }
    return merged;
}

} // namespace detail

Section::Section() : m_node(std::make_shared<detail::SectionNode>()) {}

Section::Section(std::shared_ptr<const detail::SectionNode> node) : m_node(std::move(node)) {}

const std::string& Section::path() const {
    return m_node->path;
}

bool Section::empty() const {
    return m_node->entries.empty();
}

bool Section::has(std::string_view key) const {
    return m_node->find(key) != nullptr;
}

std::vector<std::string> Section::keys() const {
    std::vector<std::string> result;
    for (const detail::Entry& entry : m_node->entries) {
        result.push_back(entry.key);
    }
    return result;
}

Result<std::string> Section::text(std::string_view key, std::string_view fallback) const {
    const detail::Entry* entry = m_node->find(key);
    if (entry == nullptr) {
        return std::string(fallback);
    }
    if (const auto* text = std::get_if<std::string>(&entry->value.data)) {
        return *text;
    }
    return tl::unexpected(errorAt(key, fmt::format("expected text, got {}", detail::describeValue(entry->value))));
}

Error Section::errorAt(std::string_view key, std::string message) const {
    const detail::Entry* entry = m_node->find(key);
    const detail::Place& place = entry != nullptr ? entry->value.place : m_node->place;
    const std::string name = key.empty() ? path() : detail::childPath(path(), key);
    return Error{
        ErrorCode::Usage, fmt::format("{}{}{}{}", place.prefix(), name, name.empty() ? "" : ": ", message), {}};
}

Section Section::mergedWith(const Section& overrides) const {
    return Section(detail::mergedTables(*m_node, *overrides.m_node, path()));
}

Section Section::without(const std::vector<std::string>& keys) const {
    auto rest = std::make_shared<detail::SectionNode>(*m_node);
    std::erase_if(rest->entries, [&](const detail::Entry& entry) {
        return std::find(keys.begin(), keys.end(), entry.key) != keys.end();
    });
    return Section(std::move(rest));
}

Section Section::withText(std::string_view key, std::string_view value) const {
    auto copy = std::make_shared<detail::SectionNode>(*m_node);
    const detail::Value text{{}, std::string(value)};
    if (detail::Entry* present = copy->find(key)) {
        present->value = text;
    } else {
        copy->entries.insert(copy->entries.begin(), {std::string(key), {}, text});
    }
    return Section(std::move(copy));
}

Result<Section> Section::withAssignment(std::string_view assignment) const {
    return detail::withOverride(m_node, assignment).map([](detail::Table table) { return Section(std::move(table)); });
}

std::string Section::toToml() const {
    return detail::tomlLines(*m_node);
}

bool operator==(const Section& a, const Section& b) {
    return detail::sameTable(*a.m_node, *b.m_node);
}

Result<Section> parseSection(std::string_view toml, std::string_view sourceName, const std::string& path) {
    auto root = detail::parseToml(toml, sourceName);
    if (!root) {
        return tl::unexpected(root.error());
    }
    const detail::Value whole{(*root)->place, *root};
    return Section(std::get<detail::Table>(detail::repathed(whole, path).data));
}

} // namespace knife
