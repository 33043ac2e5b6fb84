// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/curve_controller.h"

#include <algorithm>
#include <optional>

#include "app/workbench/clock_axis.h"
#include "app/workbench/models/run_table_model.h"
#include "app/workbench/text.h"
#include "app/workbench/time_cursor.h"

namespace knife {

namespace {

std::optional<MarkKind> markKind(const std::string& event) {
    if (event == "task_switch") {
        return MarkKind::TaskSwitch;
    }
    if (event == "surgery") {
        return MarkKind::Surgery;
    }
    if (event == "parameter") {
        return MarkKind::Parameter;
    }
    return std::nullopt; // pauses and checkpoints are in the log; as marks they would hide the rest
}

/// What is written along a mark: the shortest text that names the thing.
QString markLabel(const EventRecord& event) {
    if (event.kind == "surgery") {
        return CurveController::tr("surgery");
    }
    return toQString(event.text).section(QStringLiteral("→ "), -1); // of "from → to" the task that begins
}

} // namespace

std::vector<PlotMark> marksOf(const RunHistory& history, XClock clock) {
    std::vector<PlotMark> marks;
    for (const EventRecord& event : history.events()) {
        if (const auto kind = markKind(event.kind)) {
            marks.push_back({clockValue(event.clocks, clock), *kind, markLabel(event)});
        }
    }
    for (const SegmentRecord& segment : history.segments()) {
        if (segment.reason != "start") {
            marks.push_back({clockValue(segment.begin, clock), MarkKind::Segment, toQString(segment.reason)});
        }
    }
    std::stable_sort(marks.begin(), marks.end(), [](const PlotMark& a, const PlotMark& b) { return a.x < b.x; });
    return marks;
}

QStringList defaultMetrics(const QStringList& available) {
    QStringList chosen;
    for (const char* metric : {"test/win_rate", "test/return", "plasticity/all/stagnant", "train/return"}) {
        if (available.contains(QLatin1String(metric)) && chosen.size() < 2) {
            chosen << QLatin1String(metric);
        }
    }
    return chosen;
}

CurveController::CurveController(StoreReader& store, RunTableModel& runs, TimeCursor& cursor, CurvesPanel& panel,
                                 QObject* parent)
    : QObject(parent), m_store(store), m_runs(runs), m_cursor(cursor), m_panel(panel) {
    m_chooses = panel.shownMetrics().isEmpty();
    connect(&panel, &CurvesPanel::metricsRequested, this, [this](const QStringList& metrics) {
        m_chooses = m_chooses && m_choosing;
        for (const auto& [runId, shown] : m_shown) {
            shown.history->setWantedMetrics(metrics);
            draw(runId, metrics);
        }
    });
    connect(&panel, &CurvesPanel::xClockChanged, this, [this](XClock clock) {
        m_cursor.setClock(clock);
        drawAll();
        refreshMarks();
    });
    connect(&panel, &CurvesPanel::cursorMoved, &cursor, &TimeCursor::moveToX);
    connect(&cursor, &TimeCursor::moved, this, [this] { m_panel.setCursor(m_cursor.x()); });
    m_cursor.setClock(panel.xClock());
}

void CurveController::setRuns(const QStringList& runIds) {
    const QStringList wanted = runIds.mid(0, kMaxRuns);
    for (const QString& runId : runs()) {
        if (!wanted.contains(runId)) {
            remove(runId);
        }
    }
    m_focus = wanted.value(0);
    for (const QString& runId : wanted) {
        if (!m_shown.contains(runId)) {
            add(runId);
        }
    }
    refreshMetrics();
    refreshMarks();
}

QStringList CurveController::runs() const {
    QStringList result;
    for (const auto& [runId, shown] : m_shown) {
        result << runId;
    }
    return result;
}

void CurveController::add(const QString& runId) {
    auto history = std::make_unique<RunHistory>(m_store, toRunId(runId), ReadDepth::Curves);
    history->setWantedMetrics(m_panel.shownMetrics());
    connect(history.get(), &RunHistory::metricNamesChanged, this, &CurveController::refreshMetrics);
    connect(history.get(), &RunHistory::seriesGrew, this,
            [this, runId](const QStringList& metrics) { draw(runId, metrics); });
    connect(history.get(), &RunHistory::restarted, this, [this, runId] { m_panel.removeRun(runId); });
    for (const auto signal : {&RunHistory::runChanged, &RunHistory::restarted}) {
        connect(history.get(), signal, this, &CurveController::refreshMarks);
    }
    connect(history.get(), &RunHistory::eventsAdded, this, &CurveController::refreshMarks);
    const int colour = freeColour();
    m_shown.emplace(runId, Shown{std::move(history), colour});
    m_runs.setColour(runId, colour);
}

void CurveController::remove(const QString& runId) {
    m_shown.erase(runId);
    m_panel.removeRun(runId);
    m_runs.setColour(runId, std::nullopt);
}

int CurveController::freeColour() const {
    for (int colour = 0;; ++colour) {
        if (std::none_of(m_shown.begin(), m_shown.end(),
                         [colour](const auto& entry) { return entry.second.colour == colour; })) {
            return colour;
        }
    }
}

QString CurveController::labelOf(const RunHistory& history) const {
    if (!history.run()) {
        return toQString(history.id());
    }
    const QString title = runTitle(*history.run());
    const auto sameTitle = std::count_if(m_shown.begin(), m_shown.end(), [&title](const auto& entry) {
        return entry.second.history->run() && runTitle(*entry.second.history->run()) == title;
    });
    return sameTitle > 1 ? QStringLiteral("%1 · %2").arg(title, toQString(history.id()).left(4)) : title;
}

void CurveController::refreshMetrics() {
    QStringList available;
    for (const auto& [runId, shown] : m_shown) {
        available += shown.history->metricNames();
    }
    available.removeDuplicates();
    available.sort();
    m_panel.setMetrics(available);
    if (m_chooses) {
        m_choosing = true;
        // Without a run, the plot that is to come is a better picture than none.
        m_panel.setShownMetrics(available.isEmpty() ? QStringList{QStringLiteral("test/return")}
                                                    : defaultMetrics(available));
        m_choosing = false;
    }
}

void CurveController::refreshMarks() {
    const auto focus = m_shown.find(m_focus);
    m_panel.setMarks(focus == m_shown.end() ? std::vector<PlotMark>()
                                            : marksOf(*focus->second.history, m_panel.xClock()));
}

void CurveController::draw(const QString& runId, const QStringList& metrics) {
    const auto found = m_shown.find(runId);
    if (found == m_shown.end()) {
        return;
    }
    const RunHistory& history = *found->second.history;
    const QStringList shownMetrics = m_panel.shownMetrics();
    for (const QString& metric : metrics) {
        const Series* series = history.series(metric);
        if (series != nullptr && shownMetrics.contains(metric)) {
            m_panel.setSeries({runId, metric, labelOf(history), found->second.colour,
                               clockValues(*series, m_panel.xClock()), series->value});
        }
    }
}

void CurveController::drawAll() {
    for (const auto& [runId, shown] : m_shown) {
        draw(runId, m_panel.shownMetrics());
    }
}

} // namespace knife
