// SPDX-License-Identifier: GPL-3.0-or-later
// Which picture of the environment is shown, the live one or that of a recorded episode, and the player of the latter:
// a slider over its steps, playing at a chosen speed, single steps. Comma and full stop step back and forward, the
// space bar plays and pauses (handleKey()).
#pragma once

#include <QTimer>
#include <QWidget>

class QComboBox;
class QKeyEvent;
class QSlider;
class QToolButton;

namespace knife {

class EpisodeBar final : public QWidget {
    Q_OBJECT

  public:
    enum class Source { Live, Recorded };

    explicit EpisodeBar(QWidget* parent = nullptr);

    /// Says nothing to anybody.
    void setSource(Source source);
    [[nodiscard]] Source source() const { return m_source; }

    /// The episode to play has so many steps; 0 and less: there is nothing to play. The step stays where it is if it
    /// can. Says nothing to anybody.
    void setSteps(int steps);
    [[nodiscard]] int step() const;
    /// Which of how many episodes of one evaluation this is; a choice appears where there are several.
    void setEpisode(int number, int count);

    /// Whether the key was one of the player's.
    bool handleKey(QKeyEvent* event);

  Q_SIGNALS:
    void sourceChosen(knife::EpisodeBar::Source source);
    void stepChanged(int step);
    void episodeChosen(int number);

  private:
    void setPlaying(bool playing);
    void playOn();
    void stepBy(int steps);
    void refresh();

    Source m_source = Source::Live;
    QTimer m_clock;
    QToolButton* m_live;
    QToolButton* m_recorded;
    QComboBox* m_episode;
    QWidget* m_player;
    QToolButton* m_back;
    QToolButton* m_play;
    QToolButton* m_forward;
    QSlider* m_slider;
    QComboBox* m_speed;
};

} // namespace knife
