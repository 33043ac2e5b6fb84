// SPDX-License-Identifier: GPL-3.0-or-later
// Brings the stored metrics of the chosen runs onto the curves panel, with the events of the run in focus as marks.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include <QObject>
#include <QStringList>

#include "app/workbench/run_history.h"
#include "widgets/curves_panel.h"

namespace knife {

class RunTableModel;
class StoreReader;
class TimeCursor;

/// What is drawn as a mark over the curves: task switches, surgeries, resumes. Ascending in x.
[[nodiscard]] std::vector<PlotMark> marksOf(const RunHistory& history, XClock clock);

/// The metrics that say most at first sight, out of those there are; at most two.
[[nodiscard]] QStringList defaultMetrics(const QStringList& available);

class CurveController final : public QObject {
    Q_OBJECT

  public:
    /// More curves than this in one plot cannot be told apart.
    static constexpr int kMaxRuns = 24;

    /// All outlive the controller.
    CurveController(StoreReader& store, RunTableModel& runs, TimeCursor& cursor, CurvesPanel& panel,
                    QObject* parent = nullptr);

    /// The runs whose curves are shown; the one in focus comes first and gives the marks. Empty: none.
    void setRuns(const QStringList& runIds);
    [[nodiscard]] QStringList runs() const;
    /// The user has not chosen any metrics: those that say most are shown.
    [[nodiscard]] bool choosesMetrics() const { return m_chooses; }

  private:
    struct Shown {
        std::unique_ptr<RunHistory> history;
        int colour = 0;
    };

    void add(const QString& runId);
    void remove(const QString& runId);
    [[nodiscard]] int freeColour() const;
    [[nodiscard]] QString labelOf(const RunHistory& history) const;
    void refreshMetrics();
    void refreshMarks();
    void draw(const QString& runId, const QStringList& metrics);
    void drawAll();

    StoreReader& m_store;
    RunTableModel& m_runs;
    TimeCursor& m_cursor;
    CurvesPanel& m_panel;
    std::map<QString, Shown> m_shown;
    QString m_focus;
    bool m_chooses = true;
    bool m_choosing = false;
};

} // namespace knife
