// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/types/error.h"

#include <utility>

namespace knife {

std::string_view toString(ErrorCode code) {
    switch (code) {
    case ErrorCode::Usage:
        return "usage";
    case ErrorCode::NotFound:
        return "not_found";
    case ErrorCode::Io:
        return "io";
    case ErrorCode::DiskFull:
        return "disk_full";
    case ErrorCode::Corrupt:
        return "corrupt";
    case ErrorCode::NewerVersion:
        return "newer_version";
    case ErrorCode::Foreign:
        return "foreign";
    case ErrorCode::Locked:
        return "locked";
    case ErrorCode::IllegalAction:
        return "illegal_action";
    case ErrorCode::IllegalTransition:
        return "illegal_transition";
    case ErrorCode::Diverged:
        return "diverged";
    case ErrorCode::Protocol:
        return "protocol";
    case ErrorCode::Unsupported:
        return "unsupported";
    case ErrorCode::Internal:
        return "internal";
    }
    return "internal";
}

std::string Error::describe() const {
    std::string text = message;
    for (const std::string& what : context) {
        text += " (while ";
        text += what;
        text += ')';
    }
    return text;
}

Error Error::within(std::string what) && {
    context.push_back(std::move(what));
    return std::move(*this);
}

int exitCode(const Error& error) {
    return error.code == ErrorCode::Usage ? 2 : 1;
}

} // namespace knife
