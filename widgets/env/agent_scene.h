// SPDX-License-Identifier: GPL-3.0-or-later
// What pictures of agents have in common: a figure under the mouse, an agent that is selected by mouse or keyboard, and
// what is said of them.
#pragma once

#include <optional>

#include <QPointF>
#include <QWidget>

namespace knife {

class AgentScene : public QWidget {
    Q_OBJECT

  public:
    /// The agent whose sight stays drawn, also while it is dead; -1: none.
    [[nodiscard]] int selectedAgent() const { return m_selected; }
    /// The figure under a point of the widget; -1: none.
    [[nodiscard]] virtual int figureAt(QPointF point) const = 0;

    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;

  Q_SIGNALS:
    /// -1: no agent.
    void agentSelected(int agent);

  protected:
    explicit AgentScene(QWidget* parent);

    // Figures are what is drawn; the first of them are the agents, in the order of their ids.
    [[nodiscard]] virtual int agents() const = 0;
    /// Of an agent: whether there is anything of it to see and to select.
    [[nodiscard]] virtual bool isThere(int agent) const = 0;
    /// Several lines on a figure.
    [[nodiscard]] virtual QString describe(int figure) const = 0;
    /// One line on all of them.
    [[nodiscard]] virtual QString summary() const = 0;
    virtual void paintScene(QPainter& painter) = 0;

    /// To be called when the figures are others, or elsewhere.
    void figuresChanged();
    [[nodiscard]] int hovered() const { return m_hover; }
    /// Selected or under the mouse.
    [[nodiscard]] bool isMarked(int figure) const { return figure == m_selected || figure == m_hover; }

    void paintEvent(QPaintEvent* event) final;
    void mouseMoveEvent(QMouseEvent* event) final;
    void mousePressEvent(QMouseEvent* event) final;
    void keyPressEvent(QKeyEvent* event) final;
    void leaveEvent(QEvent* event) final;
    void focusInEvent(QFocusEvent* event) final;
    void focusOutEvent(QFocusEvent* event) final;
    bool event(QEvent* event) final;

  private:
    void select(int agent);
    void selectNext(int direction);
    void describeAll();

    std::optional<QPointF> m_mouse;
    int m_hover = -1;
    int m_selected = -1;
};

} // namespace knife
