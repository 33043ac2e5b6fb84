// SPDX-License-Identifier: GPL-3.0-or-later
// The one cursor in time that all panels share. It stands on a stored neuron frame, or follows the newest moment.
#pragma once

#include <optional>
#include <vector>

#include <QObject>

#include "core/store/records.h"
#include "widgets/curves_panel.h"

namespace knife {

class TimeCursor final : public QObject {
    Q_OBJECT

  public:
    explicit TimeCursor(QObject* parent = nullptr);

    /// Forgets everything and follows the newest moment.
    void clear();
    /// All stamps of the run in focus, in order. The cursor stays on its frame.
    void setStamps(const std::vector<FrameStamp>& stamps);
    void setClock(XClock clock);

    void moveToX(double x);
    void moveToUpdate(UpdateStep update);
    void moveToFrame(int number);
    void followNewest();

    [[nodiscard]] bool isFollowing() const { return !m_frame; }
    [[nodiscard]] std::optional<int> frame() const { return m_frame; } ///< its number among the stamps
    [[nodiscard]] std::optional<FrameStamp> stamp() const;
    [[nodiscard]] std::optional<double> x() const; ///< on the present clock
    [[nodiscard]] XClock clock() const { return m_clock; }
    [[nodiscard]] const std::vector<FrameStamp>& stamps() const { return m_stamps; }

  Q_SIGNALS:
    /// Another frame, another x, or no longer on a frame.
    void moved();
    void stampsChanged();

  private:
    std::vector<FrameStamp> m_stamps;
    std::optional<int> m_frame;
    XClock m_clock = XClock::EnvSteps;
};

} // namespace knife
