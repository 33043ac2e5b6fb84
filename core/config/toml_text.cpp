// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/config/toml_text.h"

#include <algorithm>
#include <sstream>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <toml++/toml.h>

namespace knife::detail {

namespace {

using Source = std::shared_ptr<const std::string>;

Place placeOf(const toml::source_region& region, const Source& source) {
    return {source, static_cast<std::uint32_t>(region.begin.line), static_cast<std::uint32_t>(region.begin.column)};
}

class TreeBuilder {
  public:
    explicit TreeBuilder(Source source) : m_source(std::move(source)) {}

    Result<Table> table(const toml::table& from, std::string path) const {
        auto node = std::make_shared<SectionNode>();
        node->place = placeOf(from.source(), m_source);
        for (auto&& [key, child] : from) {
            auto converted = value(child, childPath(path, key.str()));
            if (!converted) {
                return tl::unexpected(converted.error());
            }
            node->entries.push_back({std::string(key.str()), placeOf(key.source(), m_source), std::move(*converted)});
        }
        // The library keeps keys sorted; people want their own order back.
        std::stable_sort(node->entries.begin(), node->entries.end(), [](const Entry& a, const Entry& b) {
            return std::tie(a.keyPlace.line, a.keyPlace.column) < std::tie(b.keyPlace.line, b.keyPlace.column);
        });
        node->path = std::move(path);
        return node;
    }

  private:
    Result<Value> value(const toml::node& from, const std::string& path) const {
        const Place place = placeOf(from.source(), m_source);
        if (const toml::table* child = from.as_table()) {
            return table(*child, path).map([&](Table converted) { return Value{place, std::move(converted)}; });
        }
        if (const toml::array* list = from.as_array()) {
            return array(*list, path, place);
        }
        if (const auto* text = from.as_string()) {
            return Value{place, text->get()};
        }
        if (const auto* integer = from.as_integer()) {
            return Value{place, integer->get()};
        }
        if (const auto* number = from.as_floating_point()) {
            return Value{place, number->get()};
        }
        if (const auto* flag = from.as_boolean()) {
            return Value{place, flag->get()};
        }
        return fail(ErrorCode::Usage, fmt::format("{}{}: dates and times have no meaning here; write text in quotes",
                                                  place.prefix(), path));
    }

    Result<Value> array(const toml::array& from, const std::string& path, const Place& place) const {
        Array list;
        for (std::size_t i = 0; i < from.size(); ++i) {
            auto converted = value(from[i], fmt::format("{}[{}]", path, i));
            if (!converted) {
                return converted;
            }
            list.push_back(std::move(*converted));
        }
        return Value{place, std::move(list)};
    }

    Source m_source;
};

toml::array arrayOf(const Array& list);
toml::table inlineTableOf(const SectionNode& table);

// Calls `store` with the value in the library's own type.
template <typename Store>
void asLibraryValue(const Value& value, const Store& store) {
    if (const auto* list = std::get_if<Array>(&value.data)) {
        store(arrayOf(*list));
    } else if (const auto* table = std::get_if<Table>(&value.data)) {
        store(inlineTableOf(**table));
    } else if (const auto* text = std::get_if<std::string>(&value.data)) {
        store(std::string(*text));
    } else if (const auto* integer = std::get_if<std::int64_t>(&value.data)) {
        store(std::int64_t{*integer});
    } else if (const auto* number = std::get_if<double>(&value.data)) {
        store(double{*number});
    } else {
        store(bool{std::get<bool>(value.data)});
    }
}

toml::array arrayOf(const Array& list) {
    toml::array array;
    for (const Value& item : list) {
        asLibraryValue(item, [&](auto&& converted) { array.push_back(std::move(converted)); });
    }
    return array;
}

toml::table inlineTableOf(const SectionNode& table) {
    toml::table converted;
    for (const Entry& entry : table.entries) {
        asLibraryValue(entry.value, [&](auto&& item) { converted.insert_or_assign(entry.key, std::move(item)); });
    }
    converted.is_inline(true);
    return converted;
}

} // namespace

Result<Table> parseToml(std::string_view toml, std::string_view sourceName) {
    const auto source = std::make_shared<const std::string>(sourceName);
    try {
        const toml::table parsed = toml::parse(toml, sourceName);
        return TreeBuilder(source).table(parsed, {});
    } catch (const toml::parse_error& error) {
        return fail(ErrorCode::Usage,
                    fmt::format("{}{}", placeOf(error.source(), source).prefix(), error.description()));
    }
}

std::string tomlLines(const SectionNode& table) {
    std::ostringstream out;
    for (const Entry& entry : table.entries) {
        // One key at a time keeps our order; the library does the quoting of keys and values.
        toml::table line;
        asLibraryValue(entry.value, [&](auto&& converted) { line.insert_or_assign(entry.key, std::move(converted)); });
        out << toml::toml_formatter(line) << '\n';
    }
    return out.str();
}

std::string tomlValue(const Value& value) {
    const std::string line = tomlLines({{}, {}, {{"v", {}, value}}});
    return line.substr(4, line.size() - 5); // "v = " and the line end
}

} // namespace knife::detail
