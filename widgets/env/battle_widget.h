// SPDX-License-Identifier: GPL-3.0-or-later
// A battle: the ground, units with their health, shields and energy, who strikes whom, and what the agent under the
// mouse (or the one that was clicked) sees and reaches.
#pragma once

#include <QPixmap>
#include <QWidget>

#include "core/types/env_view.h"

namespace knife {

class BattleWidget final : public QWidget {
    Q_OBJECT

  public:
    explicit BattleWidget(QWidget* parent = nullptr);

    void setBattle(const BattleView& battle);
    /// The living unit under a point of the widget; -1: none.
    [[nodiscard]] int unitAt(QPointF point) const;
    /// The agent whose sight stays drawn; -1: none.
    [[nodiscard]] int selectedAgent() const { return m_selected; }

    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;

  Q_SIGNALS:
    /// -1: no agent.
    void agentSelected(int agent);

  protected:
    void paintEvent(QPaintEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void changeEvent(QEvent* event) override;
    bool event(QEvent* event) override;

  private:
    using Unit = BattleView::Unit;
    [[nodiscard]] QRectF mapArea() const;
    [[nodiscard]] double scale() const; ///< pixels per cell
    [[nodiscard]] QPointF pointOf(float x, float y) const;
    [[nodiscard]] QString describe(int unit) const;
    void select(int agent);
    void paintGround(QPainter& painter);
    void paintSight(QPainter& painter, const Unit& agent) const;
    void paintStrikes(QPainter& painter) const;
    void paintUnit(QPainter& painter, int index) const;
    void paintBars(QPainter& painter, const Unit& unit, QPointF centre, double radius) const;

    BattleView m_battle;
    QPixmap m_ground; ///< drawn once for each map, size and theme
    int m_hover = -1;
    int m_selected = -1;
};

} // namespace knife
