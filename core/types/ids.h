// SPDX-License-Identifier: GPL-3.0-or-later
// Strong names for things that would otherwise all be strings and integers.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace knife {

/// Identity of a run, unique across workspaces: twelve characters of [0-9a-z]. Equality is identity; order means
/// nothing.
struct RunId {
    std::string value;
    auto operator<=>(const RunId&) const = default;
};

/// An uninterrupted stretch of a run; unique within its workspace.
struct SegmentId {
    std::int64_t value = 0;
    auto operator<=>(const SegmentId&) const = default;
};

/// Identity of a command on the control channel, chosen by the sender; its answer carries the same one.
struct CommandId {
    std::uint64_t value = 0;
    auto operator<=>(const CommandId&) const = default;
};

/// One output of a site.
struct NeuronRef {
    std::string site; ///< registered name of the site, for example "agent.fc1"
    int index = 0;    ///< unit within the site, from 0
    auto operator<=>(const NeuronRef&) const = default;
};

} // namespace knife
