// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/config/toml_text.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <sstream>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
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

// The library's own writer gives 17 digits to every number and drops the first line break of a text; so it only
// quotes here.
std::string quoted(const std::string& text) {
    std::ostringstream out;
    const toml::value<std::string> value(text);
    out << toml::toml_formatter(value, toml::format_flags::allow_unicode_strings);
    return out.str();
}

std::string keyText(const std::string& key) {
    const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
    return bare ? key : quoted(key);
}

// Shortest text that reads back as the same double, and as a double.
std::string numberText(double number) {
    if (std::isnan(number)) {
        return "nan";
    }
    std::string text = fmt::format("{}", number);
    return text.find_first_of(".ein") == std::string::npos ? text + ".0" : text;
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
    std::string text;
    for (const Entry& entry : table.entries) {
        text += fmt::format("{} = {}\n", keyText(entry.key), tomlValue(entry.value));
    }
    return text;
}

std::string tomlValue(const Value& value) {
    struct Write {
        std::string operator()(bool flag) const { return flag ? "true" : "false"; }
        std::string operator()(std::int64_t integer) const { return fmt::format("{}", integer); }
        std::string operator()(double number) const { return numberText(number); }
        std::string operator()(const std::string& text) const { return quoted(text); }
        std::string operator()(const Array& list) const {
            std::vector<std::string> items;
            std::transform(list.begin(), list.end(), std::back_inserter(items), tomlValue);
            return fmt::format("[{}]", fmt::join(items, ", "));
        }
        std::string operator()(const Table& table) const {
            std::vector<std::string> items;
            for (const Entry& entry : table->entries) {
                items.push_back(fmt::format("{} = {}", keyText(entry.key), tomlValue(entry.value)));
            }
            return fmt::format("{{{}}}", fmt::join(items, ", "));
        }
    };
    return std::visit(Write{}, value.data);
}

} // namespace knife::detail
