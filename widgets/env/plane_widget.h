// SPDX-License-Identifier: GPL-3.0-or-later
// Predators, prey and landmarks in a plane without walls: how they move, whom they touch, and what the agent under the
// mouse (or the one that is selected) sees.
#pragma once

#include "core/types/env_view.h"
#include "widgets/env/agent_scene.h"

namespace knife {

class PlaneWidget final : public AgentScene {
    Q_OBJECT

  public:
    explicit PlaneWidget(QWidget* parent = nullptr);

    void setPlane(const PlaneView& plane);
    /// The body under a point of the widget; -1: none.
    [[nodiscard]] int figureAt(QPointF point) const override;
    /// Where a body is drawn.
    [[nodiscard]] QPointF placeOf(int body) const;

  protected:
    [[nodiscard]] int agents() const override { return m_agents; }
    [[nodiscard]] bool isThere(int /*agent*/) const override { return true; }
    [[nodiscard]] QString describe(int body) const override;
    [[nodiscard]] QString summary() const override;
    void paintScene(QPainter& painter) override;
    void resizeEvent(QResizeEvent* event) override;

  private:
    using Body = PlaneView::Body;
    using Kind = PlaneView::Kind;
    [[nodiscard]] const Body& bodyOf(int index) const { return m_plane.bodies[static_cast<std::size_t>(index)]; }
    void layOut();
    void paintGrid(QPainter& painter) const;
    void paintSight(QPainter& painter, int agent) const;
    void paintBody(QPainter& painter, int index) const;

    PlaneView m_plane;
    int m_agents = 0;
    double m_extent = 0.0; ///< half of what is shown, in units of the plane; grows as bodies leave
    double m_scale = 1.0;  ///< pixels per unit
};

} // namespace knife
