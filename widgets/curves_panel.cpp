// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/curves_panel.h"

#include <algorithm>
#include <array>

#include <QComboBox>
#include <QDoubleSpinBox>
#include <QEvent>
#include <QGridLayout>
#include <QLabel>
#include <QScrollArea>
#include <QStackedWidget>
#include <QToolButton>
#include <QVBoxLayout>

#include "widgets/empty_state.h"
#include "widgets/icons.h"
#include "widgets/legend_strip.h"
#include "widgets/metric_picker.h"
#include "widgets/plot/plot_group.h"
#include "widgets/plot/smoothing.h"

namespace knife {

namespace {

constexpr std::array kClocks = {XClock::EnvSteps, XClock::Updates, XClock::Episodes, XClock::Wall};

QString clockName(XClock clock) {
    switch (clock) {
    case XClock::EnvSteps:
        return CurvesPanel::tr("Environment steps");
    case XClock::Updates:
        return CurvesPanel::tr("Updates");
    case XClock::Episodes:
        return CurvesPanel::tr("Episodes");
    case XClock::Wall:
        break;
    }
    return CurvesPanel::tr("Training time");
}

QString clockSuffix(XClock clock) {
    switch (clock) {
    case XClock::EnvSteps:
        return CurvesPanel::tr(" steps");
    case XClock::Updates:
        return CurvesPanel::tr(" updates");
    case XClock::Episodes:
        return CurvesPanel::tr(" episodes");
    case XClock::Wall:
        break;
    }
    return CurvesPanel::tr(" s");
}

} // namespace

QString axisTitle(XClock clock) {
    switch (clock) {
    case XClock::EnvSteps:
        return CurvesPanel::tr("environment steps");
    case XClock::Updates:
        return CurvesPanel::tr("updates");
    case XClock::Episodes:
        return CurvesPanel::tr("episodes");
    case XClock::Wall:
        break;
    }
    return CurvesPanel::tr("training time / s");
}

class CurvesPanel::Impl {
  public:
    explicit Impl(CurvesPanel& panel);

    void buildControls(QVBoxLayout* column);
    void showMetrics(const QStringList& metrics);
    void arrange();
    void drawCurve(const Curve& curve);
    void undraw(const Curve& curve);
    void redrawAll();
    void refreshLegend();
    void setClock(XClock clock);

    CurvesPanel& q;
    QToolButton* metricsButton = nullptr;
    MetricPicker* picker = nullptr;
    QComboBox* clockBox = nullptr;
    QDoubleSpinBox* smoothBox = nullptr;
    LegendStrip* legend = nullptr;
    QStackedWidget* stack = nullptr;
    QScrollArea* scroll = nullptr;
    QGridLayout* grid = nullptr;
    PlotGroup* group = nullptr;

    QStringList shown;
    std::map<QString, PlotView*> plots;
    std::map<std::pair<QString, QString>, Curve> curves; ///< by metric, then run
    std::vector<PlotMark> marks;
    XClock clock = XClock::EnvSteps;
    std::map<XClock, double> smoothing;
};

CurvesPanel::Impl::Impl(CurvesPanel& panel) : q(panel) {
    group = new PlotGroup(&q);
    auto* column = new QVBoxLayout(&q);
    buildControls(column);
    legend = new LegendStrip(&q);
    legend->setObjectName(QStringLiteral("runLegend"));
    legend->hide();
    column->addWidget(legend);

    stack = new QStackedWidget(&q);
    stack->addWidget(makeEmptyState(
        CurvesPanel::tr("No metric chosen. Open the list of metrics above and tick what you want to see."), stack));
    auto* page = new QWidget;
    page->setAutoFillBackground(true);
    page->setBackgroundRole(QPalette::Window);
    grid = new QGridLayout(page);
    grid->setContentsMargins(0, 0, 0, 0);
    scroll = new QScrollArea(stack);
    scroll->setObjectName(QStringLiteral("plotScroll"));
    scroll->setAccessibleName(CurvesPanel::tr("Plots"));
    scroll->setFocusPolicy(Qt::NoFocus);
    scroll->setWidgetResizable(true);
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setWidget(page);
    scroll->viewport()->installEventFilter(&q);
    stack->addWidget(scroll);
    column->addWidget(stack, 1);
    QObject::connect(group, &PlotGroup::cursorMoved, &q, &CurvesPanel::cursorMoved);
}

void CurvesPanel::Impl::buildControls(QVBoxLayout* column) {
    auto* row = new QHBoxLayout;
    metricsButton = new QToolButton(&q);
    metricsButton->setObjectName(QStringLiteral("metricsButton"));
    metricsButton->setText(CurvesPanel::tr("&Metrics…"));
    metricsButton->setAccessibleName(CurvesPanel::tr("Choose metrics"));
    metricsButton->setToolButtonStyle(Qt::ToolButtonTextOnly);
    picker = new MetricPicker(&q);
    row->addWidget(metricsButton);

    auto* clockLabel = new QLabel(CurvesPanel::tr("&x axis"), &q);
    clockBox = new QComboBox(&q);
    clockBox->setObjectName(QStringLiteral("clockBox"));
    clockBox->setAccessibleName(CurvesPanel::tr("Clock of the x axis"));
    for (const XClock one : kClocks) {
        clockBox->addItem(clockName(one));
    }
    clockLabel->setBuddy(clockBox);
    row->addWidget(clockLabel);
    row->addWidget(clockBox);

    auto* smoothLabel = new QLabel(CurvesPanel::tr("&Smooth over"), &q);
    smoothBox = new QDoubleSpinBox(&q);
    smoothBox->setObjectName(QStringLiteral("smoothBox"));
    smoothBox->setAccessibleName(CurvesPanel::tr("Width of the exponential smoothing, in units of the x axis"));
    smoothBox->setToolTip(CurvesPanel::tr("Exponentially weighted mean of the past; the raw curve stays visible."));
    smoothBox->setRange(0.0, 1e9);
    smoothBox->setDecimals(0);
    smoothBox->setStepType(QAbstractSpinBox::AdaptiveDecimalStepType);
    smoothBox->setSpecialValueText(CurvesPanel::tr("off"));
    smoothBox->setSuffix(clockSuffix(clock));
    smoothBox->setGroupSeparatorShown(true);
    smoothBox->setMaximumWidth(smoothBox->fontMetrics().horizontalAdvance(QStringLiteral("100,000,000 episodes")));
    smoothLabel->setBuddy(smoothBox);
    row->addWidget(smoothLabel);
    row->addWidget(smoothBox);
    row->addStretch(1);

    auto* reset = new QToolButton(&q);
    reset->setObjectName(QStringLiteral("resetZoom"));
    reset->setIcon(icon(QStringLiteral("reset-zoom")));
    reset->setToolTip(CurvesPanel::tr("Show everything (double click in a plot)"));
    reset->setAccessibleName(CurvesPanel::tr("Show everything"));
    reset->setAutoRaise(true);
    row->addWidget(reset);
    column->addLayout(row);

    QObject::connect(metricsButton, &QToolButton::clicked, &q, [this] { picker->popUpBelow(*metricsButton); });
    QObject::connect(picker, &MetricPicker::chosenChanged, &q,
                     [this](const QStringList& metrics) { q.setShownMetrics(metrics); });
    QObject::connect(clockBox, &QComboBox::activated, &q, [this](int index) {
        const XClock chosen = kClocks[static_cast<std::size_t>(index)];
        if (chosen != clock) {
            setClock(chosen);
            Q_EMIT q.xClockChanged(chosen);
        }
    });
    QObject::connect(smoothBox, &QDoubleSpinBox::valueChanged, &q, [this](double span) {
        smoothing[clock] = span;
        redrawAll();
        Q_EMIT q.smoothingChanged(span);
    });
    QObject::connect(reset, &QToolButton::clicked, &q, [this] { group->resetZoom(); });
}

void CurvesPanel::Impl::setClock(XClock chosen) {
    clock = chosen;
    q.clear();
    group->resetZoom();
    clockBox->setCurrentIndex(static_cast<int>(std::find(kClocks.begin(), kClocks.end(), clock) - kClocks.begin()));
    smoothBox->setSuffix(clockSuffix(clock));
    smoothBox->setValue(smoothing[clock]);
    for (const auto& [metric, plot] : plots) {
        plot->setAxisLabels(axisTitle(clock), QString());
    }
}

void CurvesPanel::Impl::showMetrics(const QStringList& metrics) {
    for (auto entry = plots.begin(); entry != plots.end();) {
        if (metrics.contains(entry->first)) {
            ++entry;
            continue;
        }
        group->remove(entry->second);
        delete entry->second;
        entry = plots.erase(entry);
    }
    std::erase_if(curves, [&](const auto& entry) { return !metrics.contains(entry.first.first); });
    shown = metrics;
    for (const QString& metric : metrics) {
        PlotView*& plot = plots[metric];
        if (plot != nullptr) {
            continue;
        }
        plot = new PlotView(grid->parentWidget());
        plot->setObjectName(QStringLiteral("plot:") + metric);
        plot->setTitle(metric);
        plot->setAxisLabels(axisTitle(clock), QString());
        plot->setEmptyText(CurvesPanel::tr("no points yet"));
        plot->setMarks(marks);
        group->add(plot);
        QObject::connect(plot, &PlotView::exportRequested, &q, [this, metric] { Q_EMIT q.exportRequested(metric); });
    }
    arrange();
    stack->setCurrentIndex(metrics.isEmpty() ? 0 : 1);
    refreshLegend();
}

void CurvesPanel::Impl::arrange() {
    const int count = static_cast<int>(shown.size());
    if (count == 0) {
        return;
    }
    // As many columns as are wide enough to read, and no row that is mostly empty.
    const int fitting = std::max(1, scroll->viewport()->width() / (24 * q.fontMetrics().height()));
    int columns = std::min({fitting, count, 3});
    const int rows = (count + columns - 1) / columns;
    columns = (count + rows - 1) / rows;
    for (int i = 0; i < count; ++i) {
        PlotView* plot = plots.at(shown[i]);
        grid->addWidget(plot, i / columns, i % columns);
        plot->show();
    }
}

void CurvesPanel::Impl::drawCurve(const Curve& curve) {
    PlotView* plot = plots.at(curve.metric);
    const double span = q.smoothing();
    const QString raw = curve.runId + QStringLiteral("|raw");
    if (span > 0.0) {
        plot->setSeriesStyle(raw,
                             {QString(), curve.colour, 1.0, SeriesStyle::Dash::Solid, SeriesStyle::Emphasis::Faint});
        plot->setSeries(raw, curve.x, curve.y);
    } else {
        plot->removeSeries(raw);
    }
    SeriesStyle style;
    style.label = curve.label;
    style.colour = curve.colour;
    plot->setSeriesStyle(curve.runId, style);
    plot->setSeries(curve.runId, curve.x, smoothed(curve.x, curve.y, span));
}

void CurvesPanel::Impl::undraw(const Curve& curve) {
    const auto plot = plots.find(curve.metric);
    if (plot != plots.end()) {
        plot->second->removeSeries(curve.runId);
        plot->second->removeSeries(curve.runId + QStringLiteral("|raw"));
    }
}

void CurvesPanel::Impl::redrawAll() {
    for (const auto& [key, curve] : curves) {
        drawCurve(curve);
    }
}

void CurvesPanel::Impl::refreshLegend() {
    std::map<QString, LegendStrip::Entry> runs;
    for (const auto& [key, curve] : curves) {
        runs[curve.runId] = {curve.label, curve.colour};
    }
    std::vector<LegendStrip::Entry> entries;
    for (const auto& [run, entry] : runs) {
        entries.push_back(entry);
    }
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.colour < b.colour; });
    legend->setEntries(std::move(entries));
}

CurvesPanel::CurvesPanel(QWidget* parent) : QWidget(parent), m_impl(std::make_unique<Impl>(*this)) {}

CurvesPanel::~CurvesPanel() = default;

void CurvesPanel::setMetrics(const QStringList& available) {
    m_impl->picker->setAvailable(available);
}

void CurvesPanel::setShownMetrics(const QStringList& metrics) {
    if (metrics == m_impl->shown) {
        return;
    }
    m_impl->picker->setChosen(metrics);
    m_impl->showMetrics(metrics);
    Q_EMIT metricsRequested(metrics);
}

QStringList CurvesPanel::shownMetrics() const {
    return m_impl->shown;
}

void CurvesPanel::setSeries(Curve curve) {
    if (!m_impl->plots.contains(curve.metric)) {
        return;
    }
    Curve& kept = m_impl->curves[{curve.metric, curve.runId}];
    kept = std::move(curve);
    m_impl->drawCurve(kept);
    m_impl->refreshLegend();
}

void CurvesPanel::removeRun(const QString& runId) {
    std::erase_if(m_impl->curves, [&](const auto& entry) {
        if (entry.second.runId != runId) {
            return false;
        }
        m_impl->undraw(entry.second);
        return true;
    });
    m_impl->refreshLegend();
}

void CurvesPanel::clear() {
    m_impl->curves.clear();
    for (const auto& [metric, plot] : m_impl->plots) {
        plot->clearSeries();
    }
    m_impl->refreshLegend();
}

void CurvesPanel::setMarks(std::vector<PlotMark> marks) {
    m_impl->marks = std::move(marks);
    for (const auto& [metric, plot] : m_impl->plots) {
        plot->setMarks(m_impl->marks);
    }
}

XClock CurvesPanel::xClock() const {
    return m_impl->clock;
}

void CurvesPanel::setXClock(XClock clock) {
    if (clock != m_impl->clock) {
        m_impl->setClock(clock);
        Q_EMIT xClockChanged(clock);
    }
}

double CurvesPanel::smoothing() const {
    const auto found = m_impl->smoothing.find(m_impl->clock);
    return found != m_impl->smoothing.end() ? found->second : 0.0;
}

void CurvesPanel::setSmoothing(double span) {
    m_impl->smoothBox->setValue(span);
}

void CurvesPanel::setCursor(std::optional<double> x) {
    m_impl->group->setCursor(x);
}

PlotView* CurvesPanel::plot(const QString& metric) const {
    const auto found = m_impl->plots.find(metric);
    return found != m_impl->plots.end() ? found->second : nullptr;
}

bool CurvesPanel::eventFilter(QObject* watched, QEvent* event) {
    if (event->type() == QEvent::Resize && watched == m_impl->scroll->viewport()) {
        m_impl->arrange();
    }
    return QWidget::eventFilter(watched, event);
}

} // namespace knife
