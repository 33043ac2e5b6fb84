// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/unit_inspector.h"

#include <algorithm>
#include <cmath>

#include <QHeaderView>
#include <QLabel>
#include <QScrollArea>
#include <QStackedWidget>
#include <QStandardItemModel>
#include <QTreeView>
#include <QVBoxLayout>

#include "widgets/empty_state.h"
#include "widgets/format.h"
#include "widgets/plot/plot_group.h"
#include "widgets/plot/plot_view.h"
#include "widgets/table_copy.h"

namespace knife {

namespace {

QString headline(const UnitReport& report) {
    QStringList parts;
    const auto rua = std::find_if(report.figures.begin(), report.figures.end(),
                                  [](const UnitFigure& figure) { return figure.name == QLatin1String("rua"); });
    if (rua != report.figures.end() && !std::isnan(rua->value)) {
        parts.append(rua->value < report.staleBelow      ? UnitInspector::tr("stagnant")
                     : rua->value > report.volatileAbove ? UnitInspector::tr("volatile")
                                                         : UnitInspector::tr("active"));
    }
    if (report.composite) {
        parts.append(report.composite->events == 1
                         ? UnitInspector::tr("composite, operated once")
                         : UnitInspector::tr("composite, operated %1 times").arg(report.composite->events));
    } else {
        parts.append(UnitInspector::tr("ordinary unit"));
    }
    return parts.join(QStringLiteral(" · "));
}

} // namespace

std::optional<UnitReport> reportFromFrame(const NeuronFrame& frame, const NeuronRef& unit) {
    const auto site = std::find_if(frame.sites.begin(), frame.sites.end(),
                                   [&](const SiteSnapshot& candidate) { return candidate.name == unit.site; });
    if (site == frame.sites.end() || unit.index < 0 || unit.index >= site->units) {
        return std::nullopt;
    }
    UnitReport report;
    report.unit = unit;
    report.staleBelow = static_cast<double>(frame.staleBelow);
    report.volatileAbove = static_cast<double>(frame.volatileAbove);
    for (const UnitDiagnostic& diagnostic : site->diagnostics) {
        const auto index = static_cast<std::size_t>(unit.index);
        if (index < diagnostic.values.size()) {
            report.figures.push_back(
                {QString::fromStdString(diagnostic.name), static_cast<double>(diagnostic.values[index]), {}});
        }
    }
    for (const CompositeInfo& composite : site->composites) {
        if (composite.unit == unit.index) {
            report.composite = composite;
        }
    }
    return report;
}

class UnitInspector::Impl {
  public:
    explicit Impl(UnitInspector& view);

    void fillFigures(const UnitReport& report);
    void fillRua(const UnitReport& report);
    void fillParts(const UnitReport& report);
    void fillEvents(const UnitReport& report);

    UnitInspector& q;
    std::optional<NeuronRef> unit;
    QStackedWidget* stack = nullptr;
    QLabel* title = nullptr;
    QLabel* subtitle = nullptr;
    QStandardItemModel* model = nullptr;
    QTreeView* table = nullptr;
    PlotView* rua = nullptr;
    PlotView* parts = nullptr;
    QLabel* partsNow = nullptr;
    QLabel* events = nullptr;
    PlotGroup* group = nullptr;
};

UnitInspector::Impl::Impl(UnitInspector& view) : q(view) {
    auto* outer = new QVBoxLayout(&q);
    outer->setContentsMargins(0, 0, 0, 0);
    stack = new QStackedWidget(&q);
    outer->addWidget(stack);
    stack->addWidget(
        makeEmptyState(UnitInspector::tr("Click a unit in the heatmap to see its history and its parts."), stack));

    auto* scroll = new QScrollArea(stack);
    scroll->setObjectName(QStringLiteral("inspectorScroll"));
    scroll->setAccessibleName(UnitInspector::tr("Unit inspector"));
    scroll->setFocusPolicy(Qt::NoFocus);
    scroll->setWidgetResizable(true);
    scroll->setFrameShape(QFrame::NoFrame);
    auto* page = new QWidget;
    auto* column = new QVBoxLayout(page);
    scroll->setWidget(page);
    stack->addWidget(scroll);

    title = new QLabel(page);
    title->setObjectName(QStringLiteral("unitTitle"));
    QFont bold = title->font();
    bold.setWeight(QFont::DemiBold);
    bold.setPointSizeF(1.15 * bold.pointSizeF());
    title->setFont(bold);
    title->setTextInteractionFlags(Qt::TextSelectableByMouse);
    subtitle = new QLabel(page);
    subtitle->setObjectName(QStringLiteral("unitSubtitle"));
    subtitle->setWordWrap(true);
    column->addWidget(title);
    column->addWidget(subtitle);

    model = new QStandardItemModel(0, 2, &q);
    model->setHorizontalHeaderLabels({UnitInspector::tr("Diagnostic"), UnitInspector::tr("Now")});
    model->horizontalHeaderItem(1)->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
    table = new QTreeView(page);
    table->setObjectName(QStringLiteral("unitFigures"));
    table->setAccessibleName(UnitInspector::tr("Diagnostics of the unit"));
    table->setModel(model);
    table->setRootIsDecorated(false);
    table->setUniformRowHeights(true);
    table->setAlternatingRowColors(true);
    table->setEditTriggers(QAbstractItemView::NoEditTriggers);
    table->setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    table->header()->setStretchLastSection(true);
    copyOnShortcut(*table);
    column->addWidget(table);

    group = new PlotGroup(&q);
    rua = new PlotView(page);
    rua->setObjectName(QStringLiteral("unitRua"));
    rua->setTitle(UnitInspector::tr("RUA over time"));
    rua->setScales(AxisScale::Linear, AxisScale::Log);
    rua->setEmptyText(UnitInspector::tr("no finished window yet"));
    parts = new PlotView(page);
    parts->setObjectName(QStringLiteral("unitParts"));
    parts->setTitle(UnitInspector::tr("Contribution of the parts, rms"));
    parts->setLegendVisible(true);
    parts->setEmptyText(UnitInspector::tr("no window since the surgery yet"));
    partsNow = new QLabel(page);
    partsNow->setObjectName(QStringLiteral("unitPartsNow"));
    partsNow->setWordWrap(true);
    partsNow->setToolTip(
        UnitInspector::tr("y = K + A − C: K and C are frozen, A is trained. Drift is the rms of A − C: how far "
                          "the unit has moved since its newest surgery."));
    group->add(rua);
    group->add(parts);
    column->addWidget(rua, 1);
    column->addWidget(partsNow);
    column->addWidget(parts, 1);

    events = new QLabel(page);
    events->setObjectName(QStringLiteral("unitEvents"));
    events->setWordWrap(true);
    events->setTextFormat(Qt::PlainText);
    events->setTextInteractionFlags(Qt::TextSelectableByMouse);
    column->addWidget(events);
    QObject::connect(group, &PlotGroup::cursorMoved, &q, &UnitInspector::cursorMoved);
}

void UnitInspector::Impl::fillFigures(const UnitReport& report) {
    model->setRowCount(static_cast<int>(report.figures.size()));
    for (int row = 0; row < model->rowCount(); ++row) {
        const UnitFigure& figure = report.figures[static_cast<std::size_t>(row)];
        const auto set = [&](int columnIndex, const QString& text, Qt::Alignment alignment) {
            if (model->item(row, columnIndex) == nullptr) {
                model->setItem(row, columnIndex, new QStandardItem);
            }
            QStandardItem* item = model->item(row, columnIndex);
            item->setText(text);
            item->setToolTip(figure.explanation);
            item->setTextAlignment(alignment);
        };
        set(0, displayName(figure.name), Qt::AlignLeft | Qt::AlignVCenter);
        set(1, formatValue(figure.value), Qt::AlignRight | Qt::AlignVCenter);
    }
    table->resizeColumnToContents(0);
    const int rows = model->rowCount() * table->sizeHintForRow(0);
    table->setFixedHeight(table->header()->sizeHint().height() + std::max(rows, 0) + 2 * table->frameWidth());
}

void UnitInspector::Impl::fillRua(const UnitReport& report) {
    rua->setAxisLabels(report.xLabel, QString());
    rua->setSeriesStyle(QStringLiteral("rua"), {QStringLiteral("RUA"), 0, 1.5, {}, {}});
    rua->setSeries(QStringLiteral("rua"), report.ruaX, report.rua);
    rua->setLevels(
        {{report.staleBelow, UnitInspector::tr("stagnant below %1").arg(formatValue(report.staleBelow))},
         {report.volatileAbove, UnitInspector::tr("volatile above %1").arg(formatValue(report.volatileAbove))}});
    std::vector<PlotMark> marks;
    for (const UnitEvent& event : report.events) {
        marks.push_back({event.x, MarkKind::Surgery, event.text});
    }
    rua->setMarks(marks);
    parts->setMarks(std::move(marks));
}

void UnitInspector::Impl::fillParts(const UnitReport& report) {
    parts->setVisible(report.composite.has_value());
    partsNow->setVisible(report.composite.has_value());
    if (!report.composite) {
        parts->clearSeries();
        return;
    }
    const auto figure = [](float value) {
        return formatValue(static_cast<double>(value));
    };
    partsNow->setText(UnitInspector::tr("Now, rms: knowledge %1, active %2, compensation %3, drift %4")
                          .arg(figure(report.composite->knowledgeRms), figure(report.composite->activeRms),
                               figure(report.composite->compensationRms), figure(report.composite->driftRms)));
    parts->setAxisLabels(report.xLabel, QString());
    int colour = 0;
    const auto show = [&](const char* id, const QString& label, const std::vector<double>& y, SeriesStyle::Dash dash) {
        parts->setSeriesStyle(QLatin1String(id), {label, colour++, 1.5, dash, {}});
        parts->setSeries(QLatin1String(id), report.parts.x, y);
    };
    using Dash = SeriesStyle::Dash;
    show("knowledge", UnitInspector::tr("knowledge K"), report.parts.knowledge, Dash::Solid);
    show("active", UnitInspector::tr("active A"), report.parts.active, Dash::Dashed);
    show("compensation", UnitInspector::tr("compensation C"), report.parts.compensation, Dash::Dotted);
    show("drift", UnitInspector::tr("drift A − C"), report.parts.drift, Dash::DashDotted);
}

void UnitInspector::Impl::fillEvents(const UnitReport& report) {
    QStringList lines;
    for (const UnitEvent& event : report.events) {
        lines.append(QStringLiteral("%1  %2").arg(formatCount(event.x), event.text));
    }
    events->setText(lines.isEmpty() ? UnitInspector::tr("Never operated on.") : lines.join(QLatin1Char('\n')));
}

UnitInspector::UnitInspector(QWidget* parent) : QWidget(parent), m_impl(std::make_unique<Impl>(*this)) {}

UnitInspector::~UnitInspector() = default;

void UnitInspector::setReport(const UnitReport& report) {
    if (m_impl->unit != report.unit) {
        m_impl->group->resetZoom();
    }
    m_impl->unit = report.unit;
    m_impl->title->setText(tr("%1, unit %2").arg(QString::fromStdString(report.unit.site)).arg(report.unit.index));
    m_impl->subtitle->setText(headline(report));
    m_impl->fillFigures(report);
    m_impl->fillRua(report);
    m_impl->fillParts(report);
    m_impl->fillEvents(report);
    m_impl->stack->setCurrentIndex(1);
}

void UnitInspector::clear() {
    m_impl->unit.reset();
    m_impl->stack->setCurrentIndex(0);
}

std::optional<NeuronRef> UnitInspector::unit() const {
    return m_impl->unit;
}

void UnitInspector::setCursor(std::optional<double> x) {
    m_impl->group->setCursor(x);
}

} // namespace knife
