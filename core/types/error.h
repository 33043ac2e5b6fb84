// SPDX-License-Identifier: GPL-3.0-or-later
// What a user, a disk or a peer can cause, as a value. Exceptions of libraries are translated into this at the edge
// of the room that uses the library; asserts are for our own bugs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace knife {

enum class ErrorCode {
    Usage,             ///< command line or experiment file is wrong (exit code 2)
    NotFound,          ///< a named run, file or environment does not exist
    Io,                ///< the operating system refused a read or a write
    DiskFull,          ///< no space left; nothing was half-written
    Corrupt,           ///< a file does not hold what it says it holds
    NewerVersion,      ///< written by a later version of the program
    Foreign,           ///< a file of some other program
    Locked,            ///< somebody else is the writer
    IllegalAction,     ///< an environment was handed an action it does not allow
    IllegalTransition, ///< a command that the run's present state does not allow
    Diverged,          ///< NaN or infinity in training
    Protocol,          ///< a peer on the control channel sent nonsense, or left
    Unsupported,       ///< understood, but this build or this site cannot do it
    Internal,          ///< a library failed in a way that only a bug explains
};

/// Stable machine name of a code: "usage", "not_found", …
[[nodiscard]] std::string_view toString(ErrorCode code);

struct Error {
    ErrorCode code = ErrorCode::Internal;
    std::string message;              ///< one sentence for a person: what, where, and the remedy
    std::vector<std::string> context; ///< outermost last: what was being attempted

    /// The message with its context, on one line.
    [[nodiscard]] std::string describe() const;
    /// Adds what the caller was doing when the error came up.
    [[nodiscard]] Error within(std::string what) &&;
};

template <typename T>
using Result = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
    return tl::unexpected<Error>(Error{code, std::move(message), {}});
}

/// Exit code of a program that ends with this error: 2 for usage and configuration, otherwise 1.
[[nodiscard]] int exitCode(const Error& error);

} // namespace knife
