// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/neurons/heatmap_marks.h"

#include <QPainter>

namespace knife {

QPixmap cellMark(CellMark mark, int side, const QColor& ink, qreal devicePixelRatio) {
    QPixmap pixmap(QSize(side, side) * devicePixelRatio);
    pixmap.setDevicePixelRatio(devicePixelRatio);
    pixmap.fill(Qt::transparent);
    QPainter painter(&pixmap);
    painter.setRenderHint(QPainter::Antialiasing);
    const double size = side;
    switch (mark) {
    case CellMark::Composite:
        painter.setPen(Qt::NoPen);
        painter.setBrush(ink);
        painter.drawPolygon(QPolygonF({QPointF(size, 0), QPointF(0.52 * size, 0), QPointF(size, 0.48 * size)}));
        break;
    case CellMark::Stagnant: {
        QColor line = ink;
        line.setAlphaF(0.75F);
        painter.setPen(QPen(line, size >= 12 ? 1.2 : 1.0));
        for (const double shift : {-0.5 * size, 0.0, 0.5 * size}) {
            painter.drawLine(QPointF(shift, size), QPointF(size + shift, 0.0));
        }
        break;
    }
    case CellMark::Volatile:
        painter.setPen(QPen(ink, size >= 12 ? 1.5 : 1.0));
        painter.drawEllipse(QPointF(0.5 * size, 0.5 * size), 0.22 * size, 0.22 * size);
        break;
    }
    return pixmap;
}

} // namespace knife
