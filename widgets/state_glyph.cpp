// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/state_glyph.h"

#include <QCoreApplication>
#include <QPainter>

namespace knife {

QString stateName(RunState state) {
    switch (state) {
    case RunState::Idle:
        return QCoreApplication::translate("RunState", "idle");
    case RunState::Starting:
        return QCoreApplication::translate("RunState", "starting");
    case RunState::Running:
        return QCoreApplication::translate("RunState", "running");
    case RunState::Pausing:
        return QCoreApplication::translate("RunState", "pausing");
    case RunState::Paused:
        return QCoreApplication::translate("RunState", "paused");
    case RunState::Stopping:
        return QCoreApplication::translate("RunState", "stopping");
    case RunState::Finished:
        return QCoreApplication::translate("RunState", "finished");
    case RunState::Failed:
        return QCoreApplication::translate("RunState", "failed");
    case RunState::Interrupted:
        return QCoreApplication::translate("RunState", "interrupted");
    }
    return {};
}

Tone stateTone(RunState state) {
    switch (state) {
    case RunState::Running:
    case RunState::Starting:
        return Tone::Info;
    case RunState::Finished:
        return Tone::Good;
    case RunState::Pausing:
    case RunState::Paused:
    case RunState::Interrupted:
        return Tone::Warning;
    case RunState::Failed:
        return Tone::Bad;
    case RunState::Idle:
    case RunState::Stopping:
        break;
    }
    return Tone::Neutral;
}

void paintStateGlyph(QPainter& painter, const QRectF& rect, RunState state, const QColor& colour) {
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    painter.translate(rect.topLeft());
    painter.scale(rect.width() / 12.0, rect.height() / 12.0); // shapes are drawn on a 12 x 12 sheet
    const QPen stroke(colour, 1.8, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin);
    const auto fill = [&](const QPolygonF& shape) {
        painter.setPen(QPen(colour, 1.0, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
        painter.setBrush(colour);
        painter.drawPolygon(shape);
    };
    const auto outline = [&](const QPolygonF& shape, bool closed) {
        painter.setPen(stroke);
        painter.setBrush(Qt::NoBrush);
        if (closed) {
            painter.drawPolygon(shape);
        } else {
            painter.drawPolyline(shape);
        }
    };
    const QPolygonF triangle({QPointF(3, 1.5), QPointF(10.5, 6), QPointF(3, 10.5)});
    switch (state) {
    case RunState::Idle:
        painter.setPen(stroke);
        painter.drawEllipse(QPointF(6, 6), 4, 4);
        break;
    case RunState::Starting:
        outline(triangle, true);
        break;
    case RunState::Running:
        fill(triangle);
        break;
    case RunState::Pausing:
        outline(QPolygonF({QPointF(3, 2), QPointF(3, 10)}), false);
        outline(QPolygonF({QPointF(9, 2), QPointF(9, 10)}), false);
        break;
    case RunState::Paused:
        fill(QPolygonF({QPointF(2.5, 2), QPointF(4, 2), QPointF(4, 10), QPointF(2.5, 10)}));
        fill(QPolygonF({QPointF(8, 2), QPointF(9.5, 2), QPointF(9.5, 10), QPointF(8, 10)}));
        break;
    case RunState::Stopping:
        outline(QPolygonF({QPointF(2.5, 2.5), QPointF(9.5, 2.5), QPointF(9.5, 9.5), QPointF(2.5, 9.5)}), true);
        break;
    case RunState::Finished:
        outline(QPolygonF({QPointF(2, 6.5), QPointF(5, 9.5), QPointF(10.5, 2.5)}), false);
        break;
    case RunState::Failed:
        outline(QPolygonF({QPointF(2.5, 2.5), QPointF(9.5, 9.5)}), false);
        outline(QPolygonF({QPointF(9.5, 2.5), QPointF(2.5, 9.5)}), false);
        break;
    case RunState::Interrupted: // a bolt
        fill(QPolygonF({QPointF(7, 0.8), QPointF(2.8, 6.8), QPointF(5.6, 6.8), QPointF(4.8, 11.2), QPointF(9.4, 4.8),
                        QPointF(6.4, 4.8)}));
        break;
    }
    painter.restore();
}

} // namespace knife
