// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/protocol/local_socket.h"

#include <sys/socket.h>
#include <unistd.h>

#include "core/protocol/wire.h"

namespace knife {

Frame frameOf(const Message& message) {
    return std::make_shared<const std::string>(encode(message));
}

bool isSameUser(LocalSocket& socket) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    return getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 &&
           credentials.uid == geteuid();
}

} // namespace knife
