// SPDX-License-Identifier: GPL-3.0-or-later
// The environment at one moment, live or of a recorded evaluation episode: a header line with step, return and task,
// the view that suits the scene, and the player of the recording.
#pragma once

#include <memory>

#include <QWidget>

#include "core/types/env_view.h"
#include "core/types/episode_recording.h"
#include "widgets/env/episode_bar.h"

namespace knife {

class EnvPanel final : public QWidget {
    Q_OBJECT

  public:
    explicit EnvPanel(QWidget* parent = nullptr);
    ~EnvPanel() override;

    /// The live picture.
    void setView(const EnvView& view);
    /// There is no live picture; its place says `setEmptyText()`.
    void clear();
    void setEmptyText(const QString& text);

    /// The episode that is shown as the recorded one, `number` of `count` of its evaluation; nullptr: there is none,
    /// and its place says `setRecordingText()`.
    void setRecording(std::shared_ptr<const EpisodeRecording> recording, int number = 0, int count = 1);
    void setRecordingText(const QString& text);
    void setSource(EpisodeBar::Source source);
    [[nodiscard]] EpisodeBar::Source source() const;

  Q_SIGNALS:
    /// By the user.
    void sourceChosen(knife::EpisodeBar::Source source);
    void episodeChosen(int number);

  protected:
    void keyPressEvent(QKeyEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

  private:
    class Impl;
    std::unique_ptr<Impl> m_impl;
};

} // namespace knife
