// SPDX-License-Identifier: GPL-3.0-or-later
// A battle: the ground, units with their health, shields and energy, who strikes whom, and what the agent under the
// mouse (or the one that is selected) sees and reaches.
#pragma once

#include <QPixmap>
#include <QRect>

#include "core/types/env_view.h"
#include "widgets/env/agent_scene.h"

namespace knife {

class BattleWidget final : public AgentScene {
    Q_OBJECT

  public:
    explicit BattleWidget(QWidget* parent = nullptr);

    void setBattle(const BattleView& battle);
    /// The living unit under a point of the widget; -1: none.
    [[nodiscard]] int figureAt(QPointF point) const override;
    /// Where a unit is drawn.
    [[nodiscard]] QPointF placeOf(int unit) const;

  protected:
    [[nodiscard]] int agents() const override { return m_agents; }
    [[nodiscard]] bool isThere(int agent) const override { return unitOf(agent).health > 0.F; }
    [[nodiscard]] QString describe(int unit) const override;
    [[nodiscard]] QString summary() const override;
    void paintScene(QPainter& painter) override;
    void resizeEvent(QResizeEvent* event) override;
    void changeEvent(QEvent* event) override;

  private:
    using Unit = BattleView::Unit;
    [[nodiscard]] const Unit& unitOf(int index) const { return m_battle.units[static_cast<std::size_t>(index)]; }
    void findShown();
    void layOut();
    [[nodiscard]] QPointF pointOf(float x, float y) const;
    void paintGround(QPainter& painter);
    void drawGround();
    void paintSight(QPainter& painter, const Unit& agent) const;
    void paintStrikes(QPainter& painter) const;
    void paintUnit(QPainter& painter, int index) const;
    void paintBars(QPainter& painter, const Unit& unit, QPointF centre, double radius) const;
    void paintLegend(QPainter& painter) const;

    BattleView m_battle;
    int m_agents = 0;
    std::vector<std::string> m_types; ///< that are in this battle
    QRect m_shown;                    ///< cells that are drawn: those where somebody can be, and a rim
    QRectF m_map;                     ///< where they are drawn
    double m_scale = 1.0;             ///< pixels per cell
    QPixmap m_ground;                 ///< drawn once for each map, size and theme
};

} // namespace knife
