// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/env/unit_marks.h"

#include <cmath>
#include <initializer_list>
#include <map>

#include <QFont>
#include <QPolygonF>
#include <QRectF>

namespace knife {

namespace {

QPainterPath polygon(std::initializer_list<QPointF> corners) {
    QPainterPath path;
    path.addPolygon(QPolygonF(QList<QPointF>(corners)));
    path.closeSubpath();
    return path;
}

QPainterPath bar(double x, double y, double width, double height) {
    QPainterPath path;
    path.addRect(QRectF(x - width / 2, y - height / 2, width, height));
    return path;
}

QPainterPath disc(double radius) {
    QPainterPath path;
    path.addEllipse(QPointF(0, 0), radius, radius);
    return path;
}

QPainterPath turned(const QPainterPath& path, double degrees) {
    QTransform transform;
    transform.rotate(degrees);
    return transform.map(path);
}

QPainterPath star(int points) {
    QPolygonF corners;
    for (int i = 0; i < 2 * points; ++i) {
        const double radius = i % 2 == 0 ? 0.7 : 0.3;
        const double angle = M_PI * i / points - M_PI / 2;
        corners.append(radius * QPointF(std::cos(angle), std::sin(angle)));
    }
    QPainterPath path;
    path.addPolygon(corners);
    path.closeSubpath();
    return path;
}

std::map<std::string, QPainterPath> marks() {
    const QPainterPath cross = bar(0, 0, 1.2, 0.34).united(bar(0, 0, 0.34, 1.2));
    return {{"marine", disc(0.36)},
            {"marauder", bar(0, -0.3, 1.0, 0.32).united(bar(0, 0.3, 1.0, 0.32))},
            {"medivac", cross},
            {"stalker", turned(cross, 45)},
            {"zealot", bar(-0.28, 0, 0.3, 1.1).united(bar(0.28, 0, 0.3, 1.1))},
            {"colossus", disc(0.7).subtracted(disc(0.45)).united(disc(0.2))},
            {"zergling", polygon({{0, -0.62}, {0.56, 0.42}, {-0.56, 0.42}})},
            {"hydralisk", polygon({{0, -0.7}, {0.5, 0}, {0, 0.7}, {-0.5, 0}})},
            {"baneling", disc(0.62).subtracted(disc(0.32))},
            {"spine_crawler", star(5)}};
}

QPainterPath letterOf(const std::string& type) {
    QPainterPath path;
    QFont font;
    font.setPixelSize(10);
    font.setWeight(QFont::DemiBold);
    path.addText(0, 0, font, QString::fromStdString(type.substr(0, 1)).toUpper());
    const QRectF box = path.boundingRect();
    QTransform transform;
    transform.scale(0.1, 0.1);
    transform.translate(-box.center().x(), -box.center().y());
    return transform.map(path);
}

} // namespace

QPainterPath unitMark(const std::string& type) {
    static const std::map<std::string, QPainterPath> kMarks = marks();
    const auto found = kMarks.find(type);
    return found != kMarks.end() ? found->second : letterOf(type);
}

QString unitName(const std::string& type) {
    return QString::fromStdString(type).replace(QLatin1Char('_'), QLatin1Char(' '));
}

} // namespace knife
