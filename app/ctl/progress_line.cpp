// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/ctl/progress_line.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include <fmt/format.h>

namespace knife {

namespace {

std::string duration(double seconds) {
    const auto whole = static_cast<std::int64_t>(seconds + 0.5);
    if (whole >= 3600) {
        return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
    }
    return whole >= 60 ? fmt::format("{} min {:02} s", whole / 60, whole % 60) : fmt::format("{} s", whole);
}

} // namespace

ProgressLine::ProgressLine(Mode mode, std::int64_t totalEnvSteps)
    : m_mode(mode), m_total(std::max<std::int64_t>(totalEnvSteps, 1)), m_terminal(isatty(STDERR_FILENO) == 1) {}

void ProgressLine::show(const Clocks& clocks, double envStepsPerS) {
    if (m_mode == Mode::Silent) {
        return;
    }
    if (m_terminal) {
        const auto now = std::chrono::steady_clock::now();
        if (now - m_lastDrawn >= std::chrono::milliseconds(100)) {
            m_lastDrawn = now;
            draw(clocks, envStepsPerS);
        }
        return;
    }
    if (clocks.envStep.value * 10 >= m_nextTenth * m_total) {
        m_nextTenth = clocks.envStep.value * 10 / m_total + 1;
        draw(clocks, envStepsPerS);
    }
}

void ProgressLine::draw(const Clocks& clocks, double envStepsPerS) {
    constexpr std::int64_t kWidth = 24;
    const std::int64_t done = std::min(clocks.envStep.value, m_total);
    const auto filled = static_cast<std::size_t>(kWidth * done / m_total);
    std::string bar(filled, '#');
    bar.resize(static_cast<std::size_t>(kWidth), '.');
    const std::string left =
        envStepsPerS > 0.0 ? duration(static_cast<double>(m_total - done) / envStepsPerS) : std::string("?");
    // Not fmt::print, which throws: a terminal that went away must not end the training.
    const std::string line =
        fmt::format("{}[{}] {:3}%  {}/{} env steps  {:.0f} steps/s  {} left{}", m_terminal ? "\r" : "", bar,
                    100 * done / m_total, done, m_total, envStepsPerS, left, m_terminal ? "\033[K" : "\n");
    std::fputs(line.c_str(), stderr);
    std::fflush(stderr);
    m_drawn = true;
}

void ProgressLine::finish() {
    if (m_drawn && m_terminal) {
        std::fputs("\n", stderr);
    }
}

} // namespace knife
