// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/neurons/heatmap_canvas.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <QHelpEvent>
#include <QImage>
#include <QPainter>
#include <QToolTip>

#include "widgets/format.h"
#include "widgets/neurons/heatmap_marks.h"
#include "widgets/theme.h"

namespace knife {

namespace {

constexpr int kLeastCellWithMarks = 7;

enum class Activity { Unknown, Stagnant, Ordinary, Volatile };

Activity activityOf(const NeuronFrame& frame, const std::vector<float>* rua, std::size_t unit) {
    if (rua == nullptr || unit >= rua->size() || std::isnan((*rua)[unit])) {
        return Activity::Unknown;
    }
    const float value = (*rua)[unit];
    return value < frame.staleBelow      ? Activity::Stagnant
           : value > frame.volatileAbove ? Activity::Volatile
                                         : Activity::Ordinary;
}

const std::vector<float>* valuesOf(const SiteSnapshot& site, const std::string& diagnostic) {
    const UnitDiagnostic* found = site.find(diagnostic);
    return found != nullptr ? &found->values : nullptr;
}

QFont smaller(QFont font) {
    font.setPointSizeF(0.85 * font.pointSizeF());
    return font;
}

const CompositeInfo* compositeOf(const SiteSnapshot& site, int unit) {
    const auto found = std::lower_bound(site.composites.begin(), site.composites.end(), unit,
                                        [](const CompositeInfo& info, int wanted) { return info.unit < wanted; });
    return found != site.composites.end() && found->unit == unit ? &*found : nullptr;
}

} // namespace

HeatmapCanvas::HeatmapCanvas(QWidget* parent) : QWidget(parent) {
    setMouseTracking(true);
    setFocusPolicy(Qt::StrongFocus);
    setAttribute(Qt::WA_OpaquePaintEvent);
}

void HeatmapCanvas::setFrame(std::shared_ptr<const NeuronFrame> frame) {
    const bool sameShape =
        m_frame && frame &&
        std::equal(m_frame->sites.begin(), m_frame->sites.end(), frame->sites.begin(), frame->sites.end(),
                   [](const SiteSnapshot& a, const SiteSnapshot& b) { return a.name == b.name && a.units == b.units; });
    m_frame = std::move(frame);
    if (!sameShape) {
        m_selection.clear();
        m_cursor.reset();
        m_anchor.reset();
        m_hover.reset();
        m_pressed.reset();
        relayout();
    }
    invalidate();
    if (m_hover) {
        Q_EMIT cellDescribed(describe(*m_hover));
    }
}

void HeatmapCanvas::setDiagnostic(const QString& name) {
    m_diagnostic = name.toStdString();
    invalidate();
}

void HeatmapCanvas::setScale(const ColourScale& scale) {
    if (m_scale != scale) {
        m_scale = scale;
        invalidate();
    }
}

void HeatmapCanvas::setRoom(QSize room) {
    if (m_room != room) {
        m_room = room;
        relayout();
    }
}

void HeatmapCanvas::setSelection(std::set<CellRef> selection) {
    m_selection = std::move(selection);
    update();
}

QSize HeatmapCanvas::sizeHint() const {
    return {30 * fontMetrics().height(), m_layout.height()};
}

void HeatmapCanvas::relayout() {
    const QFontMetrics metrics(fontMetrics());
    const int line = metrics.height();
    HeatmapLayout::Metrics room;
    room.width = m_room.width();
    room.height = m_room.height();
    room.gap = line / 3;
    room.labelHeight = line + QFontMetrics(smaller(font())).height();
    room.minCell = std::max(3, line / 4);
    room.maxCell = 2 * line;
    std::vector<int> units;
    if (m_frame) {
        for (const SiteSnapshot& site : m_frame->sites) {
            units.push_back(site.units);
            room.labelWidth = std::max(room.labelWidth, metrics.horizontalAdvance(QString::fromStdString(site.name)));
        }
    }
    const int detail = QFontMetrics(smaller(font())).horizontalAdvance(tr("999 stagnant of 9999"));
    room.labelWidth = std::min(std::max(room.labelWidth, detail), m_room.width() / 3);
    m_layout = HeatmapLayout(units, room);
    setMinimumHeight(m_layout.height());
    updateGeometry();
    invalidate();
}

void HeatmapCanvas::invalidate() {
    m_cells = QPixmap();
    update();
}

const std::vector<float>* HeatmapCanvas::values(std::size_t site) const {
    return valuesOf(m_frame->sites[site], m_diagnostic);
}

QColor HeatmapCanvas::colourOf(CellRef cell) const {
    const std::vector<float>* figures = values(static_cast<std::size_t>(cell.site));
    const auto unit = static_cast<std::size_t>(cell.unit);
    const auto position =
        figures != nullptr && unit < figures->size() ? m_scale.position((*figures)[unit]) : std::nullopt;
    if (!position) {
        return missingColour(palette());
    }
    return colourTable(m_scale.map(palette()))[static_cast<std::size_t>(std::lround(*position * 255.0))];
}

void HeatmapCanvas::redraw() {
    m_cells = QPixmap(size() * devicePixelRatioF());
    m_cells.setDevicePixelRatio(devicePixelRatioF());
    m_cells.fill(palette().color(QPalette::Base));
    if (!m_frame) {
        return;
    }
    QPainter painter(&m_cells);
    for (std::size_t site = 0; site < m_layout.sites().size(); ++site) {
        renderCells(painter, site);
        renderMarks(painter, site);
        renderLabel(painter, site);
    }
}

void HeatmapCanvas::renderCells(QPainter& painter, std::size_t site) const {
    const HeatmapLayout::Site& place = m_layout.sites()[site];
    if (place.units == 0) {
        return;
    }
    const std::vector<float>* figures = values(site);
    const ColourTable& table = colourTable(m_scale.map(palette()));
    const QRgb missing = missingColour(palette());
    const int columns = std::min(place.units, m_layout.columns());
    // One pixel per cell, scaled up in one go: that is what keeps ten thousand units cheap.
    QImage image(columns, place.lines, QImage::Format_ARGB32_Premultiplied);
    image.fill(Qt::transparent);
    for (int unit = 0; unit < place.units; ++unit) {
        const auto index = static_cast<std::size_t>(unit);
        const auto position =
            figures != nullptr && index < figures->size() ? m_scale.position((*figures)[index]) : std::nullopt;
        auto* line = reinterpret_cast<QRgb*>(image.scanLine(unit / m_layout.columns()));
        line[unit % m_layout.columns()] =
            position ? table[static_cast<std::size_t>(std::lround(*position * 255.0))] : missing;
    }
    painter.setRenderHint(QPainter::SmoothPixmapTransform, false);
    painter.drawImage(place.cells, image);
    const int cell = m_layout.cell();
    if (cell >= kLeastCellWithMarks) {
        painter.setPen(QPen(palette().color(QPalette::Base), 1));
        for (int column = 1; column <= columns; ++column) {
            const int x = place.cells.left() + column * cell - 1;
            painter.drawLine(x, place.cells.top(), x, place.cells.bottom());
        }
        for (int line = 1; line <= place.lines; ++line) {
            const int y = place.cells.top() + line * cell - 1;
            painter.drawLine(place.cells.left(), y, place.cells.right(), y);
        }
    }
}

void HeatmapCanvas::renderMarks(QPainter& painter, std::size_t site) const {
    if (m_layout.cell() < kLeastCellWithMarks) {
        return; // smaller signs would only be noise; colour and the label still tell
    }
    const int side = m_layout.cell() - 1;
    const SiteSnapshot& snapshot = m_frame->sites[site];
    const auto marks = [&](const QColor& ink) {
        const qreal ratio = devicePixelRatioF();
        return std::array{cellMark(CellMark::Composite, side, ink, ratio),
                          cellMark(CellMark::Stagnant, side, ink, ratio),
                          cellMark(CellMark::Volatile, side, ink, ratio)};
    };
    const auto black = marks(Qt::black);
    const auto white = marks(Qt::white);
    const auto stamp = [&](CellRef cell, CellMark mark) {
        const auto& set = readableOn(colourOf(cell)) == Qt::white ? white : black;
        painter.drawPixmap(m_layout.rect(cell).topLeft(), set[static_cast<std::size_t>(mark)]);
    };
    const std::vector<float>* rua = valuesOf(snapshot, "rua");
    for (int unit = 0; unit < snapshot.units; ++unit) {
        const CellRef cell{static_cast<int>(site), unit};
        const Activity activity = activityOf(*m_frame, rua, static_cast<std::size_t>(unit));
        if (activity == Activity::Stagnant) {
            stamp(cell, CellMark::Stagnant);
        } else if (activity == Activity::Volatile) {
            stamp(cell, CellMark::Volatile);
        }
    }
    painter.setFont(smaller(font()));
    const bool roomForCount = side >= painter.fontMetrics().height();
    for (const CompositeInfo& composite : snapshot.composites) {
        const CellRef cell{static_cast<int>(site), composite.unit};
        if (composite.unit < 0 || composite.unit >= snapshot.units) {
            continue;
        }
        stamp(cell, CellMark::Composite);
        if (roomForCount && composite.events > 1) {
            painter.setPen(readableOn(colourOf(cell)));
            painter.drawText(m_layout.rect(cell).adjusted(2, 0, -2, -1), Qt::AlignLeft | Qt::AlignBottom,
                             QString::number(composite.events));
        }
    }
}

void HeatmapCanvas::renderLabel(QPainter& painter, std::size_t site) const {
    const QRect place = m_layout.sites()[site].label;
    const SiteSnapshot& snapshot = m_frame->sites[site];
    painter.setFont(font());
    painter.setPen(palette().color(QPalette::Text));
    const int line = fontMetrics().height();
    painter.drawText(QRect(place.left(), place.top(), place.width(), line), Qt::AlignLeft | Qt::AlignVCenter,
                     fontMetrics().elidedText(QString::fromStdString(snapshot.name), Qt::ElideMiddle, place.width()));
    int stagnant = 0;
    const std::vector<float>* rua = valuesOf(snapshot, "rua");
    for (int unit = 0; unit < snapshot.units; ++unit) {
        stagnant += activityOf(*m_frame, rua, static_cast<std::size_t>(unit)) == Activity::Stagnant ? 1 : 0;
    }
    painter.setFont(smaller(font()));
    painter.setPen(quietText(palette()));
    const QString detail =
        rua != nullptr ? tr("%1 stagnant of %2").arg(stagnant).arg(snapshot.units) : tr("%1 units").arg(snapshot.units);
    const QRect below(place.left(), place.top() + line, place.width(), painter.fontMetrics().height());
    painter.drawText(below, Qt::AlignLeft | Qt::AlignVCenter,
                     painter.fontMetrics().elidedText(detail, Qt::ElideRight, place.width()));
}

void HeatmapCanvas::paintSelection(QPainter& painter) const {
    const QColor highlight = palette().color(QPalette::Highlight);
    const QColor text = palette().color(QPalette::Text);
    QVector<QRect> frames;
    for (const CellRef& cell : m_selection) {
        frames.append(m_layout.rect(cell).adjusted(0, 0, -2, -2));
    }
    painter.setBrush(Qt::NoBrush);
    // Neither end of any colour map has the text colour with a rim of the base colour, so this shows on every cell.
    painter.setPen(QPen(palette().color(QPalette::Base), 1));
    for (const QRect& frame : frames) {
        painter.drawRect(frame.adjusted(1, 1, -1, -1));
    }
    painter.setPen(QPen(text, m_layout.cell() >= kLeastCellWithMarks ? 2 : 1));
    painter.drawRects(frames);
    if (m_hover) {
        painter.setPen(QPen(text, 1));
        painter.drawRect(m_layout.rect(*m_hover).adjusted(-1, -1, -1, -1));
    }
    if (m_cursor && hasFocus()) {
        painter.setPen(QPen(highlight, 2));
        painter.drawRect(m_layout.rect(*m_cursor).adjusted(-2, -2, 1, 1));
    }
    if (!m_band.isNull()) {
        QColor fill = highlight;
        fill.setAlphaF(0.2F);
        painter.setBrush(fill);
        painter.setPen(QPen(highlight, 1));
        painter.drawRect(m_band);
    }
}

void HeatmapCanvas::paintEvent(QPaintEvent* /*event*/) {
    if (m_cells.isNull() || m_cells.deviceIndependentSize().toSize() != size()) {
        redraw();
    }
    QPainter painter(this);
    painter.drawPixmap(0, 0, m_cells);
    if (m_frame) {
        paintSelection(painter);
    }
}

void HeatmapCanvas::changeEvent(QEvent* event) {
    if (event->type() == QEvent::PaletteChange) {
        invalidate();
    } else if (event->type() == QEvent::FontChange) {
        relayout();
    }
    QWidget::changeEvent(event);
}

QString HeatmapCanvas::describe(CellRef cell) const {
    const SiteSnapshot& site = m_frame->sites[static_cast<std::size_t>(cell.site)];
    const auto unit = static_cast<std::size_t>(cell.unit);
    const std::vector<float>* figures = values(static_cast<std::size_t>(cell.site));
    const double value = figures != nullptr && unit < figures->size() ? (*figures)[unit] : std::nan("");
    QString text = tr("%1, unit %2: %3 %4")
                       .arg(QString::fromStdString(site.name))
                       .arg(cell.unit)
                       .arg(displayName(QString::fromStdString(m_diagnostic)), formatValue(value));
    switch (activityOf(*m_frame, valuesOf(site, "rua"), unit)) {
    case Activity::Stagnant:
        text += tr(", stagnant");
        break;
    case Activity::Volatile:
        text += tr(", volatile");
        break;
    case Activity::Ordinary:
    case Activity::Unknown:
        break;
    }
    if (const CompositeInfo* composite = compositeOf(site, cell.unit)) {
        text += composite->events == 1 ? tr(", composite, operated once")
                                       : tr(", composite, operated %1 times").arg(composite->events);
    }
    return text;
}

QString HeatmapCanvas::tooltip(CellRef cell) const {
    const SiteSnapshot& site = m_frame->sites[static_cast<std::size_t>(cell.site)];
    QString text = describe(cell);
    for (const UnitDiagnostic& diagnostic : site.diagnostics) {
        if (static_cast<std::size_t>(cell.unit) < diagnostic.values.size()) {
            text += QStringLiteral("\n%1: %2")
                        .arg(displayName(QString::fromStdString(diagnostic.name)),
                             formatValue(diagnostic.values[static_cast<std::size_t>(cell.unit)]));
        }
    }
    if (!site.acceptsComposites && !site.refusal.empty()) {
        text += QLatin1Char('\n') + tr("No surgery here: %1").arg(QString::fromStdString(site.refusal));
    }
    return text;
}

} // namespace knife
