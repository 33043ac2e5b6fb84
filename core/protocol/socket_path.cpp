// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/protocol/channel.h"

#include <cstdlib>
#include <string>

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace knife {
namespace {

bool isOwnDirectory(const std::filesystem::path& folder) {
    struct stat info {};
    return folder.is_absolute() && stat(folder.c_str(), &info) == 0 && S_ISDIR(info.st_mode) &&
           info.st_uid == geteuid();
}

} // namespace

std::filesystem::path socketPath(const RunId& run) {
    const std::string file = run.value + ".sock";
    const char* named = std::getenv("XDG_RUNTIME_DIR");
    // A process that was started without the variable (cron, su) must find the same place.
    for (const std::filesystem::path& runtime : {std::filesystem::path(named != nullptr ? named : ""),
                                                 std::filesystem::path("/run/user") / std::to_string(geteuid())}) {
        std::filesystem::path path = runtime / "knife-workbench" / file;
        if (isOwnDirectory(runtime) && path.native().size() < sizeof(sockaddr_un::sun_path)) {
            return path;
        }
    }
    // Not TMPDIR: batch systems give every job its own.
    return std::filesystem::path("/tmp") / fmt::format("knife-workbench-{}", geteuid()) / file;
}

} // namespace knife
