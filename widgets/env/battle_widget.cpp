// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/env/battle_widget.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <QEvent>
#include <QPainter>
#include <QPainterPath>

#include "widgets/env/unit_marks.h"
#include "widgets/format.h"
#include "widgets/plot/colour_map.h"
#include "widgets/theme.h"

namespace knife {

namespace {

constexpr double kDegrees = 180.0 / M_PI;
constexpr std::size_t kMostTypes = 32;  // in the legend
constexpr double kSmallestTarget = 6.0; // pixels from a unit's middle in which the mouse finds it

QColor teamColour(bool ally, const QPalette& palette) {
    return seriesColour(ally ? 0 : 1, palette);
}

QColor mixed(const QColor& one, const QColor& other, double share) {
    const auto part = [share](float a, float b) {
        return a + (b - a) * static_cast<float>(share);
    };
    return QColor::fromRgbF(part(one.redF(), other.redF()), part(one.greenF(), other.greenF()),
                            part(one.blueF(), other.blueF()));
}

} // namespace

BattleWidget::BattleWidget(QWidget* parent) : AgentScene(parent) {
    setAccessibleName(tr("Battle"));
}

void BattleWidget::setBattle(const BattleView& battle) {
    if (battle == m_battle) {
        return;
    }
    const bool otherGround = battle.width != m_battle.width || battle.height != m_battle.height ||
                             battle.ground != m_battle.ground || battle.heights != m_battle.heights;
    m_battle = battle;
    if (otherGround) {
        m_ground = QPixmap();
        findShown();
    }
    const auto& units = m_battle.units;
    m_agents = static_cast<int>(std::ranges::find(units, false, &Unit::ally) - units.begin());
    m_types.clear();
    for (const Unit& unit : units) {
        if (m_types.size() < kMostTypes && std::ranges::find(m_types, unit.type) == m_types.end()) {
            m_types.push_back(unit.type);
        }
    }
    layOut();
    figuresChanged();
}

QString BattleWidget::summary() const {
    int allies = 0;
    int enemies = 0;
    for (const Unit& unit : m_battle.units) {
        (unit.ally ? allies : enemies) += unit.health > 0.F ? 1 : 0;
    }
    return tr("%1 agents and %2 enemies alive").arg(allies).arg(enemies);
}

// Most maps are much wider than what can be walked on is high.
void BattleWidget::findShown() {
    m_shown = QRect();
    for (int y = 0; y < m_battle.height; ++y) {
        for (int x = 0; x < m_battle.width; ++x) {
            if (m_battle.ground[static_cast<std::size_t>(y * m_battle.width + x)] != BattleView::Ground::Blocked) {
                m_shown |= QRect(x, y, 1, 1);
            }
        }
    }
    const QRect all(0, 0, m_battle.width, m_battle.height);
    m_shown = m_shown.isEmpty() ? all : m_shown.adjusted(-1, -1, 1, 1) & all;
}

void BattleWidget::layOut() {
    const int line = fontMetrics().height();
    const int margin = line / 2;
    const QRectF room = QRectF(rect()).adjusted(margin, margin, -margin, -margin - line); // below: the legend
    const int width = std::max(m_shown.width(), 1);
    const int height = std::max(m_shown.height(), 1);
    m_scale = std::max(1.0, std::min(room.width() / width, room.height() / height));
    const QSizeF size(m_scale * width, m_scale * height);
    m_map = {QPointF(room.left() + (room.width() - size.width()) / 2, room.top() + (room.height() - size.height()) / 2),
             size};
}

QPointF BattleWidget::pointOf(float x, float y) const {
    return {m_map.left() + (static_cast<double>(x) - m_shown.left()) * m_scale,
            m_map.bottom() - (static_cast<double>(y) - m_shown.top()) * m_scale};
}

QPointF BattleWidget::placeOf(int unit) const {
    return pointOf(unitOf(unit).x, unitOf(unit).y);
}

int BattleWidget::figureAt(QPointF point) const {
    int nearest = -1;
    double least = std::numeric_limits<double>::infinity();
    for (int i = 0; i < static_cast<int>(m_battle.units.size()); ++i) {
        const QPointF offset = placeOf(i) - point;
        const double distance = std::hypot(offset.x(), offset.y());
        const double reach = std::max(static_cast<double>(unitOf(i).radius) * m_scale, kSmallestTarget);
        if (unitOf(i).health > 0.F && distance <= reach && distance < least) {
            least = distance;
            nearest = i;
        }
    }
    return nearest;
}

void BattleWidget::paintGround(QPainter& painter) {
    if (m_ground.isNull() || m_ground.devicePixelRatio() != devicePixelRatioF()) {
        drawGround();
    }
    painter.drawPixmap(m_map.topLeft(), m_ground);
    painter.setPen(QPen(quietText(palette()), 1));
    painter.setBrush(Qt::NoBrush);
    painter.drawRect(m_map);
}

void BattleWidget::drawGround() {
    const double ratio = devicePixelRatioF();
    m_ground = QPixmap((m_map.size() * ratio).toSize());
    m_ground.fill(Qt::transparent);
    QPainter ground(&m_ground);
    const double cell = m_ground.width() / static_cast<double>(m_shown.width());
    const QColor base = palette().color(QPalette::Base);
    const QColor blocked = palette().color(QPalette::Mid);
    // The higher, the nearer to the text's colour, which also lightens black.
    const QColor top = mixed(base, palette().color(QPalette::Text), 0.18);
    for (int y = m_shown.top(); y <= m_shown.bottom(); ++y) {
        for (int x = m_shown.left(); x <= m_shown.right(); ++x) {
            const auto index = static_cast<std::size_t>(y * m_battle.width + x);
            const QRectF box((x - m_shown.left()) * cell, (m_shown.bottom() - y) * cell, cell, cell);
            const bool isBlocked = m_battle.ground[index] == BattleView::Ground::Blocked;
            // One pixel of overlap, so that no line shows between cells.
            ground.fillRect(box.adjusted(0, 0, 1, 1),
                            isBlocked ? blocked : mixed(base, top, static_cast<double>(m_battle.heights[index])));
            if (m_battle.ground[index] == BattleView::Ground::Cliff) {
                ground.fillRect(box, QBrush(blocked, Qt::BDiagPattern));
            }
        }
    }
    m_ground.setDevicePixelRatio(ratio);
}

void BattleWidget::paintSight(QPainter& painter, const Unit& agent) const {
    const QPointF centre = pointOf(agent.x, agent.y);
    QColor fill = palette().color(QPalette::Highlight);
    const auto region = [&](float radius) {
        const double pixels = static_cast<double>(radius) * m_scale;
        const QRectF box(centre.x() - pixels, centre.y() - pixels, 2 * pixels, 2 * pixels);
        QPainterPath path;
        if (m_battle.coneAngle > 0.F) {
            path.moveTo(centre);
            path.arcTo(box, static_cast<double>(agent.facing - m_battle.coneAngle / 2.F) * kDegrees,
                       static_cast<double>(m_battle.coneAngle) * kDegrees);
            path.closeSubpath();
        } else {
            path.addEllipse(box);
        }
        return path;
    };
    painter.save();
    painter.setClipRect(m_map);
    painter.setPen(QPen(fill, 1.5));
    fill.setAlphaF(0.12F);
    painter.setBrush(fill);
    painter.drawPath(region(agent.sight));
    painter.setPen(QPen(palette().color(QPalette::Highlight), 1, Qt::DashLine));
    painter.setBrush(Qt::NoBrush);
    painter.drawPath(region(agent.reach));
    painter.restore();
}

void BattleWidget::paintStrikes(QPainter& painter) const {
    for (const Unit& unit : m_battle.units) {
        if (unit.struck < 0) {
            continue;
        }
        const Unit& target = m_battle.units[static_cast<std::size_t>(unit.struck)];
        QColor colour = unit.heals ? toneColour(Tone::Good, palette()) : teamColour(unit.ally, palette());
        colour.setAlphaF(0.8F);
        painter.setPen(QPen(colour, std::max(1.0, 0.08 * m_scale), unit.heals ? Qt::DotLine : Qt::SolidLine));
        painter.drawLine(pointOf(unit.x, unit.y), pointOf(target.x, target.y));
    }
}

void BattleWidget::paintBars(QPainter& painter, const Unit& unit, QPointF centre, double radius) const {
    const double width = std::max(2.2 * radius, 10.0);
    const double height = std::max(2.0, 0.09 * m_scale);
    double top = centre.y() - radius - 1.5 * height;
    const auto bar = [&](float value, float most, const QColor& colour) {
        if (most <= 0.F) {
            return;
        }
        const QRectF whole(centre.x() - width / 2, top - height, width, height);
        QColor empty = palette().color(QPalette::Text);
        empty.setAlphaF(0.25F);
        painter.fillRect(whole, empty);
        const double filled = width * std::min(1.0, static_cast<double>(value / most));
        painter.fillRect(QRectF(whole.topLeft(), QSizeF(filled, height)), colour);
        top -= height + 1;
    };
    const float share = unit.healthMax > 0.F ? unit.health / unit.healthMax : 0.F;
    const Tone tone = share > 0.6F ? Tone::Good : share > 0.3F ? Tone::Warning : Tone::Bad;
    bar(unit.energy, unit.energyMax, seriesColour(4, palette()));
    bar(unit.health, unit.healthMax, toneColour(tone, palette()));
    bar(unit.shield, unit.shieldMax, toneColour(Tone::Info, palette()));
}

void BattleWidget::paintUnit(QPainter& painter, int index) const {
    const Unit& unit = unitOf(index);
    if (unit.health <= 0.F) {
        return;
    }
    const QPointF centre = placeOf(index);
    const double radius = static_cast<double>(unit.radius) * m_scale;
    const QColor colour = teamColour(unit.ally, palette());
    painter.setPen(isMarked(index) ? QPen(palette().color(QPalette::Text), 2) : QPen(Qt::NoPen));
    painter.setBrush(colour);
    if (unit.ally) { // round, enemies are square: told apart without colour
        painter.drawEllipse(centre, radius, radius);
    } else {
        const double side = 0.9 * radius;
        painter.drawRect(QRectF(centre.x() - side, centre.y() - side, 2 * side, 2 * side));
    }
    if (unit.flies) {
        painter.setPen(QPen(colour, 1.5, Qt::DashLine));
        painter.setBrush(Qt::NoBrush);
        painter.drawEllipse(centre, 1.3 * radius, 1.3 * radius);
    }
    painter.save();
    painter.translate(centre);
    painter.scale(radius, radius);
    painter.fillPath(unitMark(unit.type), readableOn(colour));
    painter.restore();
    if (unit.ally && (m_scale >= fontMetrics().height() || isMarked(index))) {
        painter.setPen(palette().color(QPalette::Text));
        painter.drawText(centre + QPointF(radius, radius + fontMetrics().ascent() / 2.0), QString::number(index));
    }
    paintBars(painter, unit, centre, radius);
}

void BattleWidget::paintLegend(QPainter& painter) const {
    const int line = fontMetrics().height();
    const QColor colour = quietText(palette());
    double x = m_map.left();
    const double middle = m_map.bottom() + 0.75 * line;
    for (const std::string& type : m_types) {
        const QString name = unitName(type);
        const double width = fontMetrics().horizontalAdvance(name);
        if (x + line + width > rect().right()) {
            return;
        }
        painter.save();
        painter.translate(x + 0.4 * line, middle);
        painter.scale(0.45 * line, 0.45 * line);
        painter.fillPath(unitMark(type), colour);
        painter.restore();
        painter.setPen(colour);
        painter.drawText(QPointF(x + line, middle + 0.35 * line), name);
        x += 1.8 * line + width;
    }
}

void BattleWidget::paintScene(QPainter& painter) {
    if (m_shown.isEmpty()) {
        return;
    }
    paintGround(painter);
    painter.setRenderHint(QPainter::Antialiasing);
    const auto count = static_cast<int>(m_battle.units.size());
    for (int agent = 0; agent < m_agents; ++agent) {
        if (isMarked(agent) && isThere(agent)) {
            paintSight(painter, unitOf(agent));
        }
    }
    // Flyers above the ground, strikes between them.
    for (const bool flying : {false, true}) {
        for (int i = 0; i < count; ++i) {
            if (unitOf(i).flies == flying) {
                paintUnit(painter, i);
            }
        }
        if (!flying) {
            paintStrikes(painter);
        }
    }
    paintLegend(painter);
}

void BattleWidget::resizeEvent(QResizeEvent* event) {
    m_ground = QPixmap();
    layOut();
    AgentScene::resizeEvent(event);
}

void BattleWidget::changeEvent(QEvent* event) {
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange) {
        m_ground = QPixmap();
        layOut();
    }
    AgentScene::changeEvent(event);
}

QString BattleWidget::describe(int index) const {
    const Unit& unit = unitOf(index);
    QStringList lines{unit.ally ? tr("agent %1: %2").arg(index).arg(unitName(unit.type))
                                : tr("enemy %1: %2").arg(index - m_agents).arg(unitName(unit.type))};
    const auto figure = [](float value, float most) {
        return QStringLiteral("%1 / %2").arg(formatValue(static_cast<double>(value)),
                                             formatValue(static_cast<double>(most)));
    };
    lines.append(tr("health %1").arg(figure(unit.health, unit.healthMax)));
    if (unit.shieldMax > 0.F) {
        lines.append(tr("shield %1").arg(figure(unit.shield, unit.shieldMax)));
    }
    if (unit.energyMax > 0.F) {
        lines.append(tr("energy %1").arg(figure(unit.energy, unit.energyMax)));
    }
    if (unit.action >= 0 && static_cast<std::size_t>(unit.action) < m_battle.actionNames.size()) {
        lines.append(
            tr("told to: %1").arg(QString::fromStdString(m_battle.actionNames[static_cast<std::size_t>(unit.action)])));
    }
    return lines.join(QLatin1Char('\n'));
}

} // namespace knife
