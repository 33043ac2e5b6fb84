// SPDX-License-Identifier: GPL-3.0-or-later
// What both ends of the control channel share. Private to the protocol.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include <boost/asio/local/stream_protocol.hpp>

#include "core/protocol/messages.h"

namespace knife {

using LocalSocket = boost::asio::local::stream_protocol::socket;

inline constexpr std::size_t kReadBytes = 64U << 10U;

/// An encoded message; shared by all who are sent the same one.
using Frame = std::shared_ptr<const std::string>;
[[nodiscard]] Frame frameOf(const Message& message);

/// Whether the process at the other end belongs to this user.
[[nodiscard]] bool isSameUser(LocalSocket& socket);

} // namespace knife
