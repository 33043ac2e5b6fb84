// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/env/battle_widget.h"

#include <algorithm>
#include <cmath>

#include <QHelpEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QPainterPath>
#include <QToolTip>

#include "widgets/format.h"
#include "widgets/plot/colour_map.h"
#include "widgets/theme.h"

namespace knife {

namespace {

constexpr double kDegrees = 180.0 / M_PI;

QColor teamColour(bool ally, const QPalette& palette) {
    return seriesColour(ally ? 0 : 1, palette);
}

// Marine and marauder differ in their second letter; agents have numbers instead.
QString shortName(const std::string& type) {
    return QString::fromStdString(type.substr(0, std::min<std::size_t>(3, type.size())));
}

} // namespace

BattleWidget::BattleWidget(QWidget* parent) : QWidget(parent) {
    setMouseTracking(true);
    setFocusPolicy(Qt::StrongFocus);
    setAccessibleName(tr("Battle"));
}

void BattleWidget::setBattle(const BattleView& battle) {
    if (battle == m_battle) {
        return;
    }
    if (battle.ground != m_battle.ground || battle.heights != m_battle.heights) {
        m_ground = QPixmap();
    }
    m_battle = battle;
    const auto count = static_cast<int>(battle.units.size());
    m_hover = m_hover < count ? m_hover : -1;
    if (m_selected >= count || (m_selected >= 0 && !battle.units[static_cast<std::size_t>(m_selected)].ally)) {
        select(-1);
    }
    int allies = 0;
    int enemies = 0;
    for (const Unit& unit : battle.units) {
        (unit.ally ? allies : enemies) += unit.health > 0.F ? 1 : 0;
    }
    setAccessibleDescription(tr("%1 agents and %2 enemies alive").arg(allies).arg(enemies));
    update();
}

QSize BattleWidget::sizeHint() const {
    const int side = 24 * fontMetrics().height();
    return {side, side};
}

QSize BattleWidget::minimumSizeHint() const {
    const int side = 12 * fontMetrics().height();
    return {side, side};
}

QRectF BattleWidget::mapArea() const {
    const int margin = fontMetrics().height() / 2;
    const QRectF room = QRectF(rect()).adjusted(margin, margin, -margin, -margin);
    if (m_battle.width <= 0 || m_battle.height <= 0) {
        return room;
    }
    const double pixels = std::max(1.0, std::min(room.width() / m_battle.width, room.height() / m_battle.height));
    const QSizeF size(pixels * m_battle.width, pixels * m_battle.height);
    return {QPointF(room.left() + (room.width() - size.width()) / 2, room.top() + (room.height() - size.height()) / 2),
            size};
}

double BattleWidget::scale() const {
    return m_battle.width > 0 ? mapArea().width() / m_battle.width : 1.0;
}

QPointF BattleWidget::pointOf(float x, float y) const {
    const QRectF area = mapArea();
    const double pixels = scale();
    return {area.left() + static_cast<double>(x) * pixels, area.bottom() - static_cast<double>(y) * pixels};
}

int BattleWidget::unitAt(QPointF point) const {
    int nearest = -1;
    double least = 1e300;
    for (std::size_t i = 0; i < m_battle.units.size(); ++i) {
        const Unit& unit = m_battle.units[i];
        const QPointF offset = pointOf(unit.x, unit.y) - point;
        const double distance = std::hypot(offset.x(), offset.y());
        const double reach = std::max(static_cast<double>(unit.radius) * scale(), 6.0);
        if (unit.health > 0.F && distance <= reach && distance < least) {
            least = distance;
            nearest = static_cast<int>(i);
        }
    }
    return nearest;
}

void BattleWidget::select(int agent) {
    if (agent != m_selected) {
        m_selected = agent;
        Q_EMIT agentSelected(agent);
        update();
    }
}

void BattleWidget::paintGround(QPainter& painter) {
    const QRectF area = mapArea();
    const double ratio = devicePixelRatioF();
    const QSize size = (area.size() * ratio).toSize();
    if (m_ground.size() != size) {
        m_ground = QPixmap(size);
        m_ground.fill(Qt::transparent);
        QPainter ground(&m_ground);
        const double cell = size.width() / static_cast<double>(m_battle.width);
        const QColor base = palette().color(QPalette::Base);
        const QColor blocked = palette().color(QPalette::Mid);
        for (int y = 0; y < m_battle.height; ++y) {
            for (int x = 0; x < m_battle.width; ++x) {
                const auto index = static_cast<std::size_t>(y * m_battle.width + x);
                const QRectF box(x * cell, (m_battle.height - 1 - y) * cell, cell, cell);
                QColor colour = base;
                if (m_battle.ground[index] == BattleView::Ground::Blocked) {
                    colour = blocked;
                } else {
                    const double raised = static_cast<double>(m_battle.heights[index]);
                    colour = isDark(palette()) ? base.lighter(static_cast<int>(100 + 60 * raised))
                                               : base.darker(static_cast<int>(100 + 12 * raised));
                }
                // One pixel of overlap, so that no line shows between cells.
                ground.fillRect(box.adjusted(0, 0, 1, 1), colour);
                if (m_battle.ground[index] == BattleView::Ground::Cliff) {
                    ground.fillRect(box, QBrush(blocked, Qt::BDiagPattern));
                }
            }
        }
        m_ground.setDevicePixelRatio(ratio);
    }
    painter.drawPixmap(area.topLeft(), m_ground);
    painter.setPen(QPen(quietText(palette()), 1));
    painter.setBrush(Qt::NoBrush);
    painter.drawRect(area);
}

void BattleWidget::paintSight(QPainter& painter, const Unit& agent) const {
    const QPointF centre = pointOf(agent.x, agent.y);
    QColor fill = palette().color(QPalette::Highlight);
    const auto region = [&](float radius) {
        const double pixels = static_cast<double>(radius) * scale();
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
    painter.setClipRect(mapArea());
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
        painter.setPen(QPen(colour, std::max(1.0, 0.08 * scale()), unit.heals ? Qt::DotLine : Qt::SolidLine));
        painter.drawLine(pointOf(unit.x, unit.y), pointOf(target.x, target.y));
    }
}

void BattleWidget::paintBars(QPainter& painter, const Unit& unit, QPointF centre, double radius) const {
    const double width = std::max(2.2 * radius, 10.0);
    const double height = std::max(2.0, 0.09 * scale());
    double top = centre.y() - radius - 1.5 * height;
    const auto bar = [&](float value, float most, const QColor& colour) {
        if (most <= 0.F) {
            return;
        }
        const QRectF whole(centre.x() - width / 2, top - height, width, height);
        QColor empty = palette().color(QPalette::Text);
        empty.setAlphaF(0.25F);
        painter.fillRect(whole, empty);
        painter.fillRect(QRectF(whole.topLeft(), QSizeF(width * static_cast<double>(value / most), height)), colour);
        top -= height + 1;
    };
    const float share = unit.healthMax > 0.F ? unit.health / unit.healthMax : 0.F;
    const Tone tone = share > 0.6F ? Tone::Good : share > 0.3F ? Tone::Warning : Tone::Bad;
    bar(unit.energy, unit.energyMax, seriesColour(4, palette()));
    bar(unit.health, unit.healthMax, toneColour(tone, palette()));
    bar(unit.shield, unit.shieldMax, toneColour(Tone::Info, palette()));
}

void BattleWidget::paintUnit(QPainter& painter, int index) const {
    const Unit& unit = m_battle.units[static_cast<std::size_t>(index)];
    if (unit.health <= 0.F) {
        return;
    }
    const QPointF centre = pointOf(unit.x, unit.y);
    const double radius = static_cast<double>(unit.radius) * scale();
    const QColor colour = teamColour(unit.ally, palette());
    const bool marked = index == m_selected || index == m_hover;
    painter.setPen(marked ? QPen(palette().color(QPalette::Text), 2) : QPen(Qt::NoPen));
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
    QFont text = font();
    text.setPixelSize(std::max(1, static_cast<int>(unit.ally ? 1.1 * radius : 0.75 * radius)));
    text.setWeight(QFont::DemiBold);
    if (text.pixelSize() >= 7) {
        painter.setFont(text);
        painter.setPen(readableOn(colour));
        const QRectF box(centre.x() - radius, centre.y() - radius, 2 * radius, 2 * radius);
        painter.drawText(box, Qt::AlignCenter, unit.ally ? QString::number(index) : shortName(unit.type));
    }
    paintBars(painter, unit, centre, radius);
}

void BattleWidget::paintEvent(QPaintEvent* /*event*/) {
    if (m_battle.width <= 0 || m_battle.height <= 0) {
        return;
    }
    QPainter painter(this);
    paintGround(painter);
    painter.setRenderHint(QPainter::Antialiasing);
    for (const int agent : {m_selected, m_hover != m_selected ? m_hover : -1}) {
        if (agent >= 0) {
            const Unit& unit = m_battle.units[static_cast<std::size_t>(agent)];
            if (unit.ally && unit.health > 0.F) {
                paintSight(painter, unit);
            }
        }
    }
    // Flyers above the ground, strikes between them.
    const auto count = static_cast<int>(m_battle.units.size());
    for (int i = 0; i < count; ++i) {
        if (!m_battle.units[static_cast<std::size_t>(i)].flies) {
            paintUnit(painter, i);
        }
    }
    paintStrikes(painter);
    for (int i = 0; i < count; ++i) {
        if (m_battle.units[static_cast<std::size_t>(i)].flies) {
            paintUnit(painter, i);
        }
    }
}

void BattleWidget::mouseMoveEvent(QMouseEvent* event) {
    if (const int unit = unitAt(event->position()); unit != m_hover) {
        m_hover = unit;
        update();
    }
}

void BattleWidget::mousePressEvent(QMouseEvent* event) {
    const int unit = unitAt(event->position());
    select(unit >= 0 && m_battle.units[static_cast<std::size_t>(unit)].ally ? unit : -1);
    QWidget::mousePressEvent(event);
}

// Agents one after the other, by keyboard.
void BattleWidget::keyPressEvent(QKeyEvent* event) {
    int agents = 0;
    for (const Unit& unit : m_battle.units) {
        agents += unit.ally ? 1 : 0;
    }
    if (event->key() == Qt::Key_Escape) {
        select(-1);
    } else if (agents > 0 && (event->key() == Qt::Key_Right || event->key() == Qt::Key_Down)) {
        select((m_selected + 1) % agents);
    } else if (agents > 0 && (event->key() == Qt::Key_Left || event->key() == Qt::Key_Up)) {
        select((std::max(m_selected, 0) + agents - 1) % agents);
    } else {
        QWidget::keyPressEvent(event);
    }
}

void BattleWidget::leaveEvent(QEvent* event) {
    m_hover = -1;
    update();
    QWidget::leaveEvent(event);
}

void BattleWidget::changeEvent(QEvent* event) {
    if (event->type() == QEvent::PaletteChange) {
        m_ground = QPixmap();
    }
    QWidget::changeEvent(event);
}

QString BattleWidget::describe(int index) const {
    const Unit& unit = m_battle.units[static_cast<std::size_t>(index)];
    QStringList lines{unit.ally ? tr("agent %1: %2").arg(index).arg(QString::fromStdString(unit.type))
                                : QString::fromStdString(unit.type)};
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

bool BattleWidget::event(QEvent* event) {
    if (event->type() != QEvent::ToolTip) {
        return QWidget::event(event);
    }
    auto* help = static_cast<QHelpEvent*>(event);
    const int unit = unitAt(help->pos());
    QToolTip::showText(help->globalPos(), unit >= 0 ? describe(unit) : QString(), this);
    return true;
}

} // namespace knife
