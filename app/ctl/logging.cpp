// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/ctl/logging.h"

#include <unistd.h>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace knife {

void setUpLogging(bool quiet) {
    auto logger = spdlog::stderr_logger_mt("knifectl");
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e level=%l %v");
    const bool terminal = isatty(STDERR_FILENO) == 1;
    logger->set_level(quiet ? spdlog::level::err : terminal ? spdlog::level::warn : spdlog::level::info);
    logger->flush_on(spdlog::level::info);
    spdlog::set_default_logger(logger);
}

} // namespace knife
