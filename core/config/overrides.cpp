// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/config/overrides.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "core/config/method_section.h"
#include "core/config/toml_text.h"

namespace knife::detail {

namespace {

struct PathStep {
    std::string key;
    std::vector<std::size_t> indices;
};

bool isKeyCharacter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

// Reads "key[0][1]" off the front of `rest`; false if it does not begin like that.
bool takeStep(std::string_view& rest, PathStep& step) {
    const auto end = std::find_if_not(rest.begin(), rest.end(), isKeyCharacter);
    step.key.assign(rest.begin(), end);
    rest.remove_prefix(step.key.size());
    while (rest.starts_with('[')) {
        std::size_t index = 0;
        const char* last = rest.data() + rest.size();
        const auto [next, error] = std::from_chars(rest.data() + 1, last, index);
        if (error != std::errc() || next == last || *next != ']') {
            return false;
        }
        rest.remove_prefix(static_cast<std::size_t>(next + 1 - rest.data()));
        step.indices.push_back(index);
    }
    return !step.key.empty();
}

bool splitPath(std::string_view path, std::vector<PathStep>& steps) {
    while (true) {
        PathStep step;
        if (!takeStep(path, step)) {
            return false;
        }
        steps.push_back(std::move(step));
        if (path.empty()) {
            return true;
        }
        if (!path.starts_with('.')) {
            return false;
        }
        path.remove_prefix(1);
    }
}

Value withPlace(Value value, const Place& place) {
    value.place = place;
    if (auto* list = std::get_if<Array>(&value.data)) {
        for (Value& item : *list) {
            item = withPlace(std::move(item), place);
        }
    } else if (auto* table = std::get_if<Table>(&value.data)) {
        auto copy = std::make_shared<SectionNode>(**table);
        copy->place = place;
        for (Entry& entry : copy->entries) {
            entry.keyPlace = place;
            entry.value = withPlace(std::move(entry.value), place);
        }
        *table = std::move(copy);
    }
    return value;
}

Result<Value> parseValue(std::string_view text, const Place& place) {
    const auto parsed = parseToml(fmt::format("v = {}\n", text), *place.source);
    if (parsed && (*parsed)->entries.size() == 1) {
        return withPlace((*parsed)->entries.front().value, place);
    }
    // Words, versions, paths: whatever a shell user would not expect to have to quote twice.
    const bool bare = !text.empty() && text.find_first_of(" \t\r\n\"'[]{}=#,") == std::string_view::npos;
    if (bare) {
        return Value{place, std::string(text)};
    }
    return fail(
        ErrorCode::Usage,
        fmt::format("{}the value is neither TOML nor a bare word; text with spaces needs quotes", place.prefix()));
}

bool isOverride(const Place& place) {
    return place.line == 0;
}

// Another method does not know the keys of the one that the file names; what the command line says stays and is
// checked. When a remedy acts is a question that all methods answer.
void dropKeysOfOtherMethod(SectionNode& table, const Value& method) {
    constexpr std::array kShared = {"trigger", "every"};
    const Entry* present = table.find(kMethodKey);
    const bool isMixer = table.path == "mixer";
    const Value before =
        present != nullptr ? present->value : Value{{}, std::string(isMixer ? kDefaultMixerMethod : "")};
    if (sameValue(before, method)) {
        return;
    }
    std::erase_if(table.entries, [&](const Entry& entry) {
        const bool shared = std::find(kShared.begin(), kShared.end(), entry.key) != kShared.end();
        return entry.key != kMethodKey && !shared && !isOverride(entry.keyPlace);
    });
}

class Setter {
  public:
    Setter(const Value& value, const Place& place) : m_value(value), m_place(place) {}

    Result<Table> inTable(const Table& table, std::span<const PathStep> steps) const {
        auto copy = std::make_shared<SectionNode>(*table);
        if (steps.size() == 1 && steps.front().indices.empty() && steps.front().key == kMethodKey) {
            dropKeysOfOtherMethod(*copy, m_value);
        }
        Entry* entry = copy->find(steps.front().key);
        const std::string path = childPath(copy->path, steps.front().key);
        if (entry == nullptr) {
            const Value fresh = steps.front().indices.empty() ? emptyTable(path) : Value{m_place, Array{}};
            copy->entries.push_back({steps.front().key, m_place, fresh});
            entry = &copy->entries.back();
        }
        auto changed = inValue(entry->value, path, steps.front().indices, steps.subspan(1));
        if (!changed) {
            return tl::unexpected(changed.error());
        }
        entry->keyPlace = m_place;
        entry->value = std::move(*changed);
        return copy;
    }

  private:
    Value emptyTable(const std::string& path) const {
        auto table = std::make_shared<SectionNode>();
        table->path = path;
        table->place = m_place;
        return {m_place, Table(std::move(table))};
    }

    Result<Value> inValue(const Value& present, const std::string& path, std::span<const std::size_t> indices,
                          std::span<const PathStep> steps) const {
        if (!indices.empty()) {
            return inArray(present, path, indices, steps);
        }
        if (steps.empty()) {
            return repathed(m_value, path);
        }
        const auto* table = std::get_if<Table>(&present.data);
        if (table == nullptr) {
            return refuse(fmt::format("'{}' is {}, it has no keys", path, describeValue(present)));
        }
        return inTable(*table, steps).map([&](Table changed) { return Value{present.place, std::move(changed)}; });
    }

    Result<Value> inArray(const Value& present, const std::string& path, std::span<const std::size_t> indices,
                          std::span<const PathStep> steps) const {
        const auto* list = std::get_if<Array>(&present.data);
        if (list == nullptr) {
            return refuse(fmt::format("'{}' is {}, not a list", path, describeValue(present)));
        }
        const std::size_t index = indices.front();
        if (index > list->size()) {
            return refuse(fmt::format("'{}' has {} entries, so the next new one is {}[{}]", path, list->size(), path,
                                      list->size()));
        }
        const std::string itemPath = fmt::format("{}[{}]", path, index);
        const bool goesOn = indices.size() > 1;
        const Value item = index < list->size() ? (*list)[index]
                           : goesOn             ? Value{m_place, Array{}}
                                                : emptyTable(itemPath);
        auto changed = inValue(item, itemPath, indices.subspan(1), steps);
        if (!changed) {
            return changed;
        }
        Array copy = *list;
        copy.resize(std::max(copy.size(), index + 1));
        copy[index] = std::move(*changed);
        return Value{present.place, std::move(copy)};
    }

    tl::unexpected<Error> refuse(const std::string& why) const {
        return fail(ErrorCode::Usage, m_place.prefix() + why);
    }

    const Value& m_value;
    const Place& m_place;
};

} // namespace

Result<Table> withOverride(const Table& root, std::string_view assignment) {
    const Place place{std::make_shared<const std::string>(fmt::format("--set {}", assignment)), 0, 0};
    const std::size_t equals = assignment.find('=');
    if (equals == std::string_view::npos) {
        return fail(ErrorCode::Usage, fmt::format("{}expected key=value, as in learning.lr=1e-3", place.prefix()));
    }
    const auto trimmed = [](std::string_view text) {
        const std::size_t first = text.find_first_not_of(' ');
        const std::size_t last = text.find_last_not_of(' ');
        return first == std::string_view::npos ? std::string_view() : text.substr(first, last - first + 1);
    };
    std::vector<PathStep> steps;
    if (!splitPath(trimmed(assignment.substr(0, equals)), steps)) {
        return fail(ErrorCode::Usage,
                    fmt::format("{}expected a key like learning.lr or tasks[0].steps before '='", place.prefix()));
    }
    const auto value = parseValue(trimmed(assignment.substr(equals + 1)), place);
    if (!value) {
        return tl::unexpected(value.error());
    }
    return Setter(*value, place).inTable(root, steps);
}

} // namespace knife::detail
