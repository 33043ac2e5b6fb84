// SPDX-License-Identifier: GPL-3.0-or-later
// The time cursor as a slider with a button that goes back to now.
#pragma once

#include <QWidget>

class QLabel;
class QSlider;
class QToolButton;

namespace knife {

class TimeCursor;

class TimeBar final : public QWidget {
    Q_OBJECT

  public:
    /// The cursor outlives the bar.
    explicit TimeBar(TimeCursor& cursor, QWidget* parent = nullptr);

  private:
    void showCursor();

    TimeCursor& m_cursor;
    QSlider* m_slider;
    QLabel* m_label;
    QToolButton* m_newest;
};

} // namespace knife
