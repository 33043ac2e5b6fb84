// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/env/plane_widget.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <QPainter>

#include "widgets/format.h"
#include "widgets/plot/colour_map.h"
#include "widgets/theme.h"

namespace knife {

namespace {

constexpr double kLeastExtent = 1.2; // bodies begin within 1
constexpr double kSmallestTarget = 6.0;
constexpr double kVelocityLength = 0.3; // units of time that an arrow looks ahead

QColor colourOf(PlaneView::Kind kind, const QPalette& palette) {
    switch (kind) {
    case PlaneView::Kind::Agent:
        return seriesColour(0, palette);
    case PlaneView::Kind::Prey:
        return seriesColour(1, palette);
    case PlaneView::Kind::Landmark:
        break;
    }
    return palette.color(QPalette::Mid);
}

QString nameOf(PlaneView::Kind kind) {
    switch (kind) {
    case PlaneView::Kind::Agent:
        return PlaneWidget::tr("agent");
    case PlaneView::Kind::Prey:
        return PlaneWidget::tr("prey");
    case PlaneView::Kind::Landmark:
        break;
    }
    return PlaneWidget::tr("landmark");
}

} // namespace

PlaneWidget::PlaneWidget(QWidget* parent) : AgentScene(parent) {
    setAccessibleName(tr("Agents in the plane"));
}

void PlaneWidget::setPlane(const PlaneView& plane) {
    if (plane == m_plane) {
        return;
    }
    m_plane = plane;
    const auto& bodies = m_plane.bodies;
    const auto isAgent = [](const Body& body) {
        return body.kind == Kind::Agent;
    };
    m_agents = static_cast<int>(std::ranges::find_if_not(bodies, isAgent) - bodies.begin());
    // In powers, so that the picture does not breathe with every step.
    double furthest = kLeastExtent;
    for (const Body& body : bodies) {
        furthest = std::max({furthest, std::abs(static_cast<double>(body.x)), std::abs(static_cast<double>(body.y))});
    }
    m_extent = kLeastExtent * std::pow(1.25, std::ceil(std::log(furthest / kLeastExtent) / std::log(1.25)));
    layOut();
    figuresChanged();
}

void PlaneWidget::layOut() {
    const int margin = fontMetrics().height() / 2;
    const double room = std::max(1, std::min(width(), height()) - 2 * margin);
    m_scale = room / (2 * std::max(m_extent, kLeastExtent));
}

QPointF PlaneWidget::placeOf(int body) const {
    return QRectF(rect()).center() +
           m_scale * QPointF(static_cast<double>(bodyOf(body).x), -static_cast<double>(bodyOf(body).y));
}

int PlaneWidget::figureAt(QPointF point) const {
    int nearest = -1;
    double least = std::numeric_limits<double>::infinity();
    for (int i = 0; i < static_cast<int>(m_plane.bodies.size()); ++i) {
        const QPointF offset = placeOf(i) - point;
        const double distance = std::hypot(offset.x(), offset.y());
        if (distance <= std::max(static_cast<double>(bodyOf(i).radius) * m_scale, kSmallestTarget) &&
            distance < least) {
            least = distance;
            nearest = i;
        }
    }
    return nearest;
}

QString PlaneWidget::summary() const {
    int prey = 0;
    int caught = 0;
    for (const Body& body : m_plane.bodies) {
        prey += body.kind == Kind::Prey ? 1 : 0;
        caught += body.caught ? 1 : 0;
    }
    return prey > 0 ? tr("%1 agents after %2 prey, of which they touch %3").arg(m_agents).arg(prey).arg(caught)
                    : tr("%1 agents").arg(m_agents);
}

QString PlaneWidget::describe(int index) const {
    const Body& body = bodyOf(index);
    QStringList lines{QStringLiteral("%1 %2").arg(nameOf(body.kind)).arg(body.id)};
    lines.append(
        tr("at %1, %2").arg(formatValue(static_cast<double>(body.x)), formatValue(static_cast<double>(body.y))));
    if (body.kind != Kind::Landmark) {
        lines.append(tr("speed %1")
                         .arg(formatValue(
                             std::hypot(static_cast<double>(body.velocityX), static_cast<double>(body.velocityY)))));
    }
    if (body.caught) {
        lines.append(tr("touched"));
    }
    if (body.action >= 0 && static_cast<std::size_t>(body.action) < m_plane.actionNames.size()) {
        lines.append(
            tr("action: %1").arg(QString::fromStdString(m_plane.actionNames[static_cast<std::size_t>(body.action)])));
    }
    return lines.join(QLatin1Char('\n'));
}

// Lines at whole units: there is nothing else that says how far the picture reaches.
void PlaneWidget::paintGrid(QPainter& painter) const {
    painter.fillRect(rect(), palette().color(QPalette::Base));
    QColor line = palette().color(QPalette::Mid);
    line.setAlphaF(0.6F);
    const QPointF centre = QRectF(rect()).center();
    const double every = m_scale * std::max(1.0, std::exp2(std::ceil(std::log2(m_extent / 4))));
    const auto lines = [&](double middle, double end, const auto& draw) {
        for (double offset = 0; middle + offset <= end; offset += every) {
            painter.setPen(QPen(line, offset == 0 ? 1.5 : 0.5));
            draw(middle + offset);
            draw(middle - offset);
        }
    };
    lines(centre.x(), width(), [&](double x) { painter.drawLine(QPointF(x, 0), QPointF(x, height())); });
    lines(centre.y(), height(), [&](double y) { painter.drawLine(QPointF(0, y), QPointF(width(), y)); });
}

void PlaneWidget::paintSight(QPainter& painter, int agent) const {
    if (m_plane.sight <= 0.F) {
        return;
    }
    const double radius = static_cast<double>(m_plane.sight) * m_scale;
    QColor fill = palette().color(QPalette::Highlight);
    painter.setPen(QPen(fill, 1.5));
    fill.setAlphaF(0.12F);
    painter.setBrush(fill);
    painter.drawEllipse(placeOf(agent), radius, radius);
}

void PlaneWidget::paintBody(QPainter& painter, int index) const {
    const Body& body = bodyOf(index);
    const QPointF centre = placeOf(index);
    const double radius = static_cast<double>(body.radius) * m_scale;
    const QColor colour = colourOf(body.kind, palette());
    const QColor text = palette().color(QPalette::Text);
    if (body.kind != Kind::Landmark) {
        const QPointF ahead = kVelocityLength * m_scale *
                              QPointF(static_cast<double>(body.velocityX), -static_cast<double>(body.velocityY));
        painter.setPen(QPen(colour, std::max(1.5, 0.02 * m_scale)));
        painter.drawLine(centre, centre + ahead);
    }
    painter.setPen(isMarked(index) ? QPen(text, 2) : QPen(Qt::NoPen));
    painter.setBrush(colour);
    if (body.kind == Kind::Prey) { // stands on a corner, agents and landmarks are round
        painter.drawPolygon(QPolygonF({centre + QPointF(0, -1.3 * radius), centre + QPointF(1.3 * radius, 0),
                                       centre + QPointF(0, 1.3 * radius), centre + QPointF(-1.3 * radius, 0)}));
    } else {
        painter.drawEllipse(centre, radius, radius);
    }
    if (body.caught) {
        painter.setPen(QPen(toneColour(Tone::Bad, palette()), 2));
        painter.setBrush(Qt::NoBrush);
        painter.drawEllipse(centre, 2 * radius, 2 * radius);
    }
    if (body.kind == Kind::Agent && 2 * radius >= fontMetrics().height()) {
        painter.setPen(readableOn(colour));
        painter.drawText(QRectF(centre.x() - radius, centre.y() - radius, 2 * radius, 2 * radius), Qt::AlignCenter,
                         QString::number(body.id));
    }
}

void PlaneWidget::paintScene(QPainter& painter) {
    if (m_plane.bodies.empty()) {
        return;
    }
    paintGrid(painter);
    painter.setRenderHint(QPainter::Antialiasing);
    for (int agent = 0; agent < m_agents; ++agent) {
        if (isMarked(agent)) {
            paintSight(painter, agent);
        }
    }
    // Landmarks first: who runs along them stays visible.
    for (const bool landmarks : {true, false}) {
        for (int i = 0; i < static_cast<int>(m_plane.bodies.size()); ++i) {
            if ((bodyOf(i).kind == Kind::Landmark) == landmarks) {
                paintBody(painter, i);
            }
        }
    }
}

void PlaneWidget::resizeEvent(QResizeEvent* event) {
    layOut();
    AgentScene::resizeEvent(event);
}

} // namespace knife
