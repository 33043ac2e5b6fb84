// SPDX-License-Identifier: GPL-3.0-or-later
// The environment at one moment: a header line with step, return and task, and the view that suits the scene.
#pragma once

#include <memory>

#include <QWidget>

#include "core/types/env_view.h"

namespace knife {

class EnvPanel final : public QWidget {
    Q_OBJECT

  public:
    explicit EnvPanel(QWidget* parent = nullptr);
    ~EnvPanel() override;

    void setView(const EnvView& view);
    /// Back to the empty state.
    void clear();
    void setEmptyText(const QString& text);

  protected:
    void resizeEvent(QResizeEvent* event) override;

  private:
    class Impl;
    std::unique_ptr<Impl> m_impl;
};

} // namespace knife
