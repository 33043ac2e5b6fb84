// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/env/board_widget.h"

#include <algorithm>
#include <cmath>

#include <QHelpEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QPainterPath>
#include <QToolTip>

#include "widgets/plot/colour_map.h"
#include "widgets/theme.h"

namespace knife {

namespace {

QString kindName(BoardView::Kind kind) {
    switch (kind) {
    case BoardView::Kind::Agent:
        return BoardWidget::tr("agent");
    case BoardView::Kind::Stag:
        return BoardWidget::tr("stag");
    case BoardView::Kind::Hare:
        return BoardWidget::tr("hare");
    case BoardView::Kind::Wall:
        break;
    }
    return BoardWidget::tr("wall");
}

QColor kindColour(BoardView::Kind kind, const QPalette& palette) {
    switch (kind) {
    case BoardView::Kind::Agent:
        return seriesColour(0, palette);
    case BoardView::Kind::Stag:
        return seriesColour(1, palette);
    case BoardView::Kind::Hare:
        return seriesColour(2, palette);
    case BoardView::Kind::Wall:
        break;
    }
    return palette.color(QPalette::Mid);
}

/// Direction of a move by its name; nothing for actions that do not move.
std::optional<QPointF> directionOf(const std::string& action) {
    if (action == "up") {
        return QPointF(0, -1);
    }
    if (action == "down") {
        return QPointF(0, 1);
    }
    if (action == "left") {
        return QPointF(-1, 0);
    }
    if (action == "right") {
        return QPointF(1, 0);
    }
    return std::nullopt;
}

/// Shapes tell the kinds apart without colour: agents are round, stags six-sided, hares stand on a corner.
QPainterPath shapeOf(BoardView::Kind kind, const QRectF& cell) {
    const QPointF centre = cell.center();
    const double radius = 0.36 * cell.width();
    QPainterPath path;
    const auto polygon = [&](int corners, double turn) {
        QPolygonF points;
        for (int i = 0; i < corners; ++i) {
            const double angle = turn + 2.0 * M_PI * i / corners;
            points.append(centre + radius * QPointF(std::cos(angle), std::sin(angle)));
        }
        path.addPolygon(points);
        path.closeSubpath();
    };
    switch (kind) {
    case BoardView::Kind::Agent:
        path.addEllipse(centre, radius, radius);
        break;
    case BoardView::Kind::Stag:
        polygon(6, 0.0);
        break;
    case BoardView::Kind::Hare:
        polygon(4, 0.0);
        break;
    case BoardView::Kind::Wall:
        path.addRect(cell);
        break;
    }
    return path;
}

} // namespace

BoardWidget::BoardWidget(QWidget* parent) : QWidget(parent) {
    setMouseTracking(true);
    setAccessibleName(tr("Board"));
}

void BoardWidget::setBoard(const BoardView& board) {
    if (board == m_board) {
        return;
    }
    m_board = board;
    int agents = 0;
    int prey = 0;
    for (const BoardView::Piece& piece : board.pieces) {
        agents += piece.kind == BoardView::Kind::Agent && piece.active ? 1 : 0;
        prey += (piece.kind == BoardView::Kind::Stag || piece.kind == BoardView::Kind::Hare) && piece.active ? 1 : 0;
    }
    setAccessibleDescription(tr("%1 by %2 cells, %3 agents free to move, %4 prey alive")
                                 .arg(board.rows)
                                 .arg(board.columns)
                                 .arg(agents)
                                 .arg(prey));
    update();
}

QSize BoardWidget::sizeHint() const {
    const int side = 22 * fontMetrics().height();
    return {side, side};
}

QSize BoardWidget::minimumSizeHint() const {
    const int side = 9 * fontMetrics().height();
    return {side, side};
}

QRectF BoardWidget::gridArea() const {
    const int margin = fontMetrics().height() / 2;
    const QRect room = rect().adjusted(margin, margin, -margin, -margin);
    // Whole pixels per cell, so that the lines stay sharp.
    const int cell =
        std::max(1, std::min(room.width() / std::max(1, m_board.columns), room.height() / std::max(1, m_board.rows)));
    const QSize size(cell * m_board.columns, cell * m_board.rows);
    return QRectF(
        QPointF(room.left() + (room.width() - size.width()) / 2, room.top() + (room.height() - size.height()) / 2),
        size);
}

QRectF BoardWidget::cellRect(int row, int column) const {
    const QRectF area = gridArea();
    const double cell = area.width() / std::max(1, m_board.columns);
    return {area.left() + column * cell, area.top() + row * cell, cell, cell};
}

std::optional<QPoint> BoardWidget::cellAt(QPoint point) const {
    const QRectF area = gridArea();
    if (m_board.rows == 0 || m_board.columns == 0 || !area.contains(point)) {
        return std::nullopt;
    }
    const double cell = area.width() / m_board.columns;
    const int column = static_cast<int>((point.x() - area.left()) / cell);
    const int row = static_cast<int>((point.y() - area.top()) / cell);
    return QPoint(std::clamp(column, 0, m_board.columns - 1), std::clamp(row, 0, m_board.rows - 1));
}

void BoardWidget::paintGrid(QPainter& painter) const {
    const QRectF area = gridArea();
    painter.fillRect(area, palette().color(QPalette::Base));
    QColor line = palette().color(QPalette::Mid);
    line.setAlphaF(0.6F);
    painter.setPen(QPen(line, 1));
    const double cell = area.width() / m_board.columns;
    for (int column = 1; column < m_board.columns; ++column) {
        painter.drawLine(QPointF(area.left() + column * cell, area.top()),
                         QPointF(area.left() + column * cell, area.bottom()));
    }
    for (int row = 1; row < m_board.rows; ++row) {
        painter.drawLine(QPointF(area.left(), area.top() + row * cell), QPointF(area.right(), area.top() + row * cell));
    }
    // A dashed rim says that moves wrap around.
    painter.setPen(QPen(quietText(palette()), 1, m_board.toroidal ? Qt::DashLine : Qt::SolidLine));
    painter.setBrush(Qt::NoBrush);
    painter.drawRect(area);
}

void BoardWidget::paintSight(QPainter& painter) const {
    if (!m_hover || m_board.sightRadius <= 0) {
        return;
    }
    const auto agent =
        std::find_if(m_board.pieces.begin(), m_board.pieces.end(), [this](const BoardView::Piece& piece) {
            return piece.kind == BoardView::Kind::Agent && QPoint(piece.column, piece.row) == *m_hover;
        });
    if (agent == m_board.pieces.end()) {
        return;
    }
    // The window does not wrap around the edge, also where moves do.
    const int reach = m_board.sightRadius;
    const QRectF first = cellRect(std::max(0, agent->row - reach), std::max(0, agent->column - reach));
    const QRectF last =
        cellRect(std::min(m_board.rows - 1, agent->row + reach), std::min(m_board.columns - 1, agent->column + reach));
    QColor fill = palette().color(QPalette::Highlight);
    painter.setPen(QPen(fill, 2));
    fill.setAlphaF(0.15F);
    painter.setBrush(fill);
    painter.drawRect(first | last);
}

void BoardWidget::paintAction(QPainter& painter, const BoardView::Piece& piece, const QRectF& cell) const {
    if (piece.action < 0 || static_cast<std::size_t>(piece.action) >= m_board.actionNames.size()) {
        return;
    }
    const std::string& name = m_board.actionNames[static_cast<std::size_t>(piece.action)];
    const QColor colour = palette().color(QPalette::Text);
    painter.setPen(QPen(colour, std::max(1.0, 0.05 * cell.width()), Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
    painter.setBrush(Qt::NoBrush);
    if (const auto direction = directionOf(name)) {
        // A head on the rim: where the piece tried to go.
        const QPointF tip = cell.center() + 0.48 * cell.width() * *direction;
        const QPointF across(direction->y(), -direction->x());
        const QPointF back = tip - 0.13 * cell.width() * *direction;
        painter.setBrush(colour);
        painter.setPen(Qt::NoPen);
        painter.drawPolygon(QPolygonF({tip, back + 0.17 * cell.width() * across, back - 0.17 * cell.width() * across}));
    } else if (name == "catch") {
        // Four strokes that close around the piece.
        const double outer = 0.47 * cell.width();
        const double inner = 0.30 * cell.width();
        for (const QPointF corner : {QPointF(-1, -1), QPointF(1, -1), QPointF(1, 1), QPointF(-1, 1)}) {
            const QPointF at = cell.center() + outer * corner;
            painter.drawLine(at, QPointF(cell.center().x() + inner * corner.x(), at.y()));
            painter.drawLine(at, QPointF(at.x(), cell.center().y() + inner * corner.y()));
        }
    }
}

void BoardWidget::paintPiece(QPainter& painter, const BoardView::Piece& piece) const {
    const QRectF cell = cellRect(piece.row, piece.column);
    const QPainterPath shape = shapeOf(piece.kind, cell);
    QColor colour = kindColour(piece.kind, palette());
    if (piece.kind == BoardView::Kind::Wall) {
        painter.fillPath(shape, colour);
        return;
    }
    if (!piece.active) {
        // Frozen or captured: hollow and hatched.
        painter.setPen(QPen(colour, 1.5, Qt::DashLine));
        colour.setAlphaF(0.35F);
        painter.setBrush(QBrush(colour, Qt::BDiagPattern));
    } else {
        painter.setPen(Qt::NoPen);
        painter.setBrush(colour);
    }
    painter.drawPath(shape);
    QFont text = font();
    text.setPixelSize(std::max(1, static_cast<int>(0.36 * cell.height())));
    text.setWeight(QFont::DemiBold);
    painter.setFont(text);
    painter.setPen(piece.active ? readableOn(colour) : palette().color(QPalette::Text));
    const QString label = piece.kind == BoardView::Kind::Agent  ? QString::number(piece.id)
                          : piece.kind == BoardView::Kind::Stag ? QStringLiteral("S")
                                                                : QStringLiteral("H");
    if (cell.height() >= fontMetrics().height()) {
        painter.drawText(cell, Qt::AlignCenter, label);
    }
    if (piece.kind == BoardView::Kind::Agent && piece.active) {
        paintAction(painter, piece, cell);
    }
}

void BoardWidget::paintEvent(QPaintEvent* /*event*/) {
    QPainter painter(this);
    if (m_board.rows == 0 || m_board.columns == 0) {
        return;
    }
    paintGrid(painter);
    painter.setRenderHint(QPainter::Antialiasing);
    paintSight(painter);
    // Agents last, so that a frozen one never hides under the prey it caught.
    for (const bool agents : {false, true}) {
        for (const BoardView::Piece& piece : m_board.pieces) {
            if ((piece.kind == BoardView::Kind::Agent) == agents) {
                paintPiece(painter, piece);
            }
        }
    }
}

void BoardWidget::mouseMoveEvent(QMouseEvent* event) {
    const auto cell = cellAt(event->position().toPoint());
    if (cell != m_hover) {
        m_hover = cell;
        update();
    }
}

void BoardWidget::leaveEvent(QEvent* event) {
    m_hover.reset();
    update();
    QWidget::leaveEvent(event);
}

QString BoardWidget::describe(const BoardView::Piece& piece) const {
    QString text = piece.kind == BoardView::Kind::Wall
                       ? kindName(piece.kind)
                       : QStringLiteral("%1 %2").arg(kindName(piece.kind)).arg(piece.id);
    if (!piece.active) {
        text += piece.kind == BoardView::Kind::Agent ? tr(", frozen") : tr(", captured");
    } else if (piece.action >= 0 && static_cast<std::size_t>(piece.action) < m_board.actionNames.size()) {
        text += tr(", last action %1")
                    .arg(QString::fromStdString(m_board.actionNames[static_cast<std::size_t>(piece.action)]));
    }
    return text;
}

bool BoardWidget::event(QEvent* event) {
    if (event->type() != QEvent::ToolTip) {
        return QWidget::event(event);
    }
    auto* help = static_cast<QHelpEvent*>(event);
    const auto cell = cellAt(help->pos());
    QStringList lines;
    for (const BoardView::Piece& piece : m_board.pieces) {
        if (cell && QPoint(piece.column, piece.row) == *cell) {
            lines.append(describe(piece));
        }
    }
    QToolTip::showText(help->globalPos(), lines.join(QLatin1Char('\n')), this);
    return true;
}

} // namespace knife
