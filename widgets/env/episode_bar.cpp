// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/env/episode_bar.h"

#include <algorithm>

#include <QButtonGroup>
#include <QComboBox>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QSignalBlocker>
#include <QSlider>
#include <QToolButton>
#include <QVBoxLayout>

#include "widgets/icons.h"

namespace knife {

namespace {

constexpr int kSpeeds[] = {1, 2, 5, 10, 30, 60}; // steps per second
constexpr int kUsualSpeed = 10;

QToolButton* makeButton(const QString& text, const QString& tip, QWidget* parent) {
    auto* button = new QToolButton(parent);
    button->setText(text);
    button->setToolTip(tip);
    button->setAccessibleName(tip);
    button->setFocusPolicy(Qt::StrongFocus);
    return button;
}

} // namespace

EpisodeBar::EpisodeBar(QWidget* parent)
    : QWidget(parent),
      m_live(makeButton(tr("Live"), tr("Show the environment as it trains"), this)),
      m_recorded(makeButton(tr("Recorded"), tr("Show recorded evaluation episodes"), this)),
      m_episode(new QComboBox(this)),
      m_player(new QWidget(this)),
      m_back(makeButton(QStringLiteral("‹"), tr("One step back (,)"), m_player)),
      m_play(makeButton({}, tr("Play (Space)"), m_player)),
      m_forward(makeButton(QStringLiteral("›"), tr("One step forward (.)"), m_player)),
      m_slider(new QSlider(Qt::Horizontal, m_player)),
      m_speed(new QComboBox(m_player)) {
    m_live->setObjectName(QStringLiteral("showLive"));
    m_recorded->setObjectName(QStringLiteral("showRecorded"));
    m_episode->setObjectName(QStringLiteral("episodeChoice"));
    m_back->setObjectName(QStringLiteral("stepBack"));
    m_play->setObjectName(QStringLiteral("playEpisode"));
    m_forward->setObjectName(QStringLiteral("stepForward"));
    m_slider->setObjectName(QStringLiteral("episodeStep"));
    m_speed->setObjectName(QStringLiteral("episodeSpeed"));

    auto* sources = new QButtonGroup(this);
    for (QToolButton* button : {m_live, m_recorded}) {
        button->setCheckable(true);
        sources->addButton(button);
    }
    m_episode->setAccessibleName(tr("Episode of the evaluation"));
    m_episode->setToolTip(tr("Which of the recorded episodes of this evaluation"));
    m_play->setCheckable(true);
    m_back->setAutoRepeat(true);
    m_forward->setAutoRepeat(true);
    m_slider->setAccessibleName(tr("Step of the recorded episode"));
    m_slider->setToolTip(tr("Move through the steps of the recorded episode"));
    m_speed->setAccessibleName(tr("Playing speed"));
    m_speed->setToolTip(tr("How fast the episode is played, in env steps per second"));
    for (const int speed : kSpeeds) {
        m_speed->addItem(tr("%1 steps/s").arg(speed), speed);
    }
    m_speed->setCurrentIndex(m_speed->findData(kUsualSpeed));

    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    auto* choice = new QHBoxLayout;
    choice->addWidget(m_live);
    choice->addWidget(m_recorded);
    choice->addWidget(m_episode);
    choice->addStretch(1);
    column->addLayout(choice);
    auto* row = new QHBoxLayout(m_player);
    row->setContentsMargins(0, 0, 0, 0);
    row->addWidget(m_back);
    row->addWidget(m_play);
    row->addWidget(m_forward);
    row->addWidget(m_slider, 1);
    row->addWidget(m_speed);
    column->addWidget(m_player);

    connect(m_live, &QToolButton::clicked, this, [this] {
        setSource(Source::Live);
        Q_EMIT sourceChosen(Source::Live);
    });
    connect(m_recorded, &QToolButton::clicked, this, [this] {
        setSource(Source::Recorded);
        Q_EMIT sourceChosen(Source::Recorded);
    });
    connect(m_episode, &QComboBox::activated, this, &EpisodeBar::episodeChosen);
    connect(m_slider, &QSlider::valueChanged, this, [this](int step) {
        refresh();
        Q_EMIT stepChanged(step);
    });
    connect(m_back, &QToolButton::clicked, this, [this] { stepBy(-1); });
    connect(m_forward, &QToolButton::clicked, this, [this] { stepBy(1); });
    connect(m_play, &QToolButton::toggled, this, &EpisodeBar::setPlaying);
    connect(m_speed, &QComboBox::currentIndexChanged, this,
            [this] { m_clock.setInterval(1000 / std::max(1, m_speed->currentData().toInt())); });
    connect(&m_clock, &QTimer::timeout, this, &EpisodeBar::playOn);
    m_clock.setInterval(1000 / kUsualSpeed);
    setEpisode(0, 0);
    setSteps(0);
    setSource(Source::Live);
}

void EpisodeBar::setSource(Source source) {
    m_source = source;
    m_live->setChecked(source == Source::Live);
    m_recorded->setChecked(source == Source::Recorded);
    for (QToolButton* button : {m_live, m_recorded}) {
        QFont font = button->font();
        font.setBold(button->isChecked()); // on dark ground a pressed button hardly differs
        button->setFont(font);
    }
    if (source == Source::Live) {
        setPlaying(false);
    }
    refresh();
}

void EpisodeBar::setSteps(int steps) {
    const QSignalBlocker quiet(m_slider);
    m_slider->setRange(0, std::max(0, steps));
    m_slider->setPageStep(std::max(1, steps / 10));
    if (steps <= 0) {
        setPlaying(false);
    }
    refresh();
}

int EpisodeBar::step() const {
    return m_slider->value();
}

void EpisodeBar::setEpisode(int number, int count) {
    if (m_episode->count() != count) {
        m_episode->clear();
        for (int i = 0; i < count; ++i) {
            m_episode->addItem(tr("episode %1 of %2").arg(i + 1).arg(count));
        }
    }
    m_episode->setCurrentIndex(number);
    refresh();
}

bool EpisodeBar::handleKey(QKeyEvent* event) {
    if (m_player->isHidden() || !m_slider->isEnabled()) {
        return false;
    }
    switch (event->key()) {
    case Qt::Key_Comma:
        stepBy(-1);
        return true;
    case Qt::Key_Period:
        stepBy(1);
        return true;
    case Qt::Key_Space:
        setPlaying(!m_clock.isActive());
        return true;
    default:
        return false;
    }
}

void EpisodeBar::setPlaying(bool playing) {
    if (playing == m_clock.isActive()) {
        return;
    }
    if (playing) {
        m_clock.start();
        if (m_slider->value() == m_slider->maximum()) {
            m_slider->setValue(0);
        }
    } else {
        m_clock.stop();
    }
    refresh();
}

void EpisodeBar::playOn() {
    m_slider->setValue(m_slider->value() + 1);
    if (m_slider->value() == m_slider->maximum()) {
        setPlaying(false);
    }
}

// By hand: whoever steps wants to stay there.
void EpisodeBar::stepBy(int steps) {
    setPlaying(false);
    m_slider->setValue(m_slider->value() + steps);
}

void EpisodeBar::refresh() {
    const bool playable = m_slider->maximum() > 0;
    m_player->setVisible(m_source == Source::Recorded && playable);
    m_episode->setVisible(m_source == Source::Recorded && m_episode->count() > 1);
    m_slider->setEnabled(playable);
    m_back->setEnabled(m_slider->value() > 0);
    m_forward->setEnabled(m_slider->value() < m_slider->maximum());
    const QSignalBlocker quiet(m_play);
    const bool playing = m_clock.isActive();
    const QString tip = playing ? tr("Pause (Space)") : tr("Play (Space)");
    m_play->setChecked(playing);
    m_play->setIcon(icon(playing ? QStringLiteral("pause") : QStringLiteral("start")));
    m_play->setToolTip(tip);
    m_play->setAccessibleName(tip);
}

} // namespace knife
