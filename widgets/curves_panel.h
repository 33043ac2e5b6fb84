// SPDX-License-Identifier: GPL-3.0-or-later
// Learning curves: one small plot per chosen metric, all over the same x axis, each with the curves of several runs.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include <QStringList>
#include <QWidget>

#include "widgets/plot/plot_view.h"

namespace knife {

/// The clock that the x axis shows.
enum class XClock { EnvSteps, Updates, Episodes, Wall };

/// Axis title with unit: "environment steps", "wall time / s", …
[[nodiscard]] QString axisTitle(XClock clock);

/// One metric of one run.
struct Curve {
    QString runId;
    QString metric;        ///< "test/return", …; the part before the slash groups the picker
    QString label;         ///< name of the run in the legend
    int colour = 0;        ///< series colour index of the run, the same in all panels
    std::vector<double> x; ///< in units of the clock that the panel shows
    std::vector<double> y;
};

class CurvesPanel final : public QWidget {
    Q_OBJECT

  public:
    explicit CurvesPanel(QWidget* parent = nullptr);
    ~CurvesPanel() override;

    /// All metrics that could be shown. Metrics that are shown and no longer offered stay until unticked.
    void setMetrics(const QStringList& available);
    /// The metrics that are shown, one plot each, in this order. Emits metricsRequested when it changes.
    void setShownMetrics(const QStringList& metrics);
    [[nodiscard]] QStringList shownMetrics() const;

    /// Replaces the curve of (runId, metric). Curves of metrics that are not shown are ignored.
    void setSeries(Curve curve);
    void removeRun(const QString& runId);
    void clear();
    /// Task switches, surgeries and so on, on every plot.
    void setMarks(std::vector<PlotMark> marks);

    [[nodiscard]] XClock xClock() const;
    /// Does not convert curves: drops them; whoever supplies them answers xClockChanged with new ones.
    void setXClock(XClock clock);
    /// Width of the exponential smoothing in units of the x axis; 0: none. Raw curves stay visible, pale.
    [[nodiscard]] double smoothing() const;
    void setSmoothing(double span);
    void setCursor(std::optional<double> x);

    /// The plot of a shown metric, or nullptr. Owned by the panel.
    [[nodiscard]] PlotView* plot(const QString& metric) const;

  Q_SIGNALS:
    /// The set of shown metrics changed: these are the curves that are wanted now.
    void metricsRequested(const QStringList& metrics);
    void xClockChanged(knife::XClock clock);
    void smoothingChanged(double span);
    /// The user moved the cursor in time, in units of the x axis.
    void cursorMoved(double x);
    /// "Export…" of one plot.
    void exportRequested(const QString& metric);

  protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

  private:
    class Impl;
    std::unique_ptr<Impl> m_impl;
};

} // namespace knife
