// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/time_cursor.h"

#include <algorithm>

#include "app/workbench/clock_axis.h"

namespace knife {

TimeCursor::TimeCursor(QObject* parent) : QObject(parent) {}

void TimeCursor::clear() {
    m_stamps.clear();
    Q_EMIT stampsChanged();
    followNewest();
}

void TimeCursor::setStamps(const std::vector<FrameStamp>& stamps) {
    const std::optional<FrameStamp> before = stamp();
    m_stamps = stamps;
    Q_EMIT stampsChanged();
    if (!before) {
        return;
    }
    const auto same = std::find_if(m_stamps.begin(), m_stamps.end(),
                                   [&before](const FrameStamp& candidate) { return candidate.id == before->id; });
    if (same == m_stamps.end()) {
        followNewest();
    } else {
        m_frame = static_cast<int>(same - m_stamps.begin());
    }
}

void TimeCursor::setClock(XClock clock) {
    if (m_clock != clock) {
        m_clock = clock;
        Q_EMIT moved();
    }
}

void TimeCursor::moveToX(double x) {
    moveToFrame(stampAt(m_stamps, m_clock, x));
}

void TimeCursor::moveToUpdate(UpdateStep update) {
    moveToFrame(stampAt(m_stamps, XClock::Updates, static_cast<double>(update.value)));
}

void TimeCursor::moveToFrame(int number) {
    if (m_stamps.empty() || number < 0) {
        return;
    }
    const int inRange = std::min(number, static_cast<int>(m_stamps.size()) - 1);
    if (m_frame != inRange) {
        m_frame = inRange;
        Q_EMIT moved();
    }
}

void TimeCursor::followNewest() {
    if (m_frame) {
        m_frame.reset();
        Q_EMIT moved();
    }
}

std::optional<FrameStamp> TimeCursor::stamp() const {
    return m_frame ? std::optional(m_stamps[static_cast<std::size_t>(*m_frame)]) : std::nullopt;
}

std::optional<double> TimeCursor::x() const {
    const auto at = stamp();
    return at ? std::optional(clockValue(at->clocks, m_clock)) : std::nullopt;
}

} // namespace knife
