// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/ctl/integer_option.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace knife {

namespace {

// The whole of `text` as a T.
template <typename T>
std::optional<T> numberIn(const std::string& text) {
    T value{};
    const char* last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, value);
    return error == std::errc() && end == last ? std::optional(value) : std::nullopt;
}

std::optional<std::int64_t> integerIn(const std::string& text) {
    if (const auto integer = numberIn<std::int64_t>(text)) {
        return integer;
    }
    constexpr double kLargestExact = 9007199254740992.0; // beyond it a double no longer names one integer
    const auto number = numberIn<double>(text);
    const bool whole = number && std::abs(*number) <= kLargestExact && std::trunc(*number) == *number;
    return whole ? std::optional(static_cast<std::int64_t>(*number)) : std::nullopt;
}

std::string describe(const IntegerBounds& bounds) {
    return bounds.high == std::numeric_limits<std::int64_t>::max()
               ? fmt::format("a whole number of at least {}", bounds.low)
               : fmt::format("a whole number from {} to {}", bounds.low, bounds.high);
}

} // namespace

void addIntegerOption(CLI::App& command, const std::string& name, std::optional<std::int64_t>& value,
                      IntegerBounds bounds, const std::string& help) {
    command
        .add_option_function<std::string>(
            name,
            [&value, bounds, name](const std::string& text) {
                const auto integer = integerIn(text);
                if (!integer || *integer < bounds.low || *integer > bounds.high) {
                    throw CLI::ValidationError(name, fmt::format("expected {}, got \"{}\"", describe(bounds), text));
                }
                value = *integer;
            },
            help)
        ->type_name("N");
}

} // namespace knife
