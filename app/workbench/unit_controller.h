// SPDX-License-Identifier: GPL-3.0-or-later
// Units over time: the waterfall of one site and the inspector of one unit, out of the stored frames of the run in
// focus.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <QObject>

#include "app/workbench/neuron_history.h"
#include "core/types/ids.h"
#include "core/types/surgery_plan.h"
#include "widgets/curves_panel.h"
#include "widgets/plot/colour_map.h"
#include "widgets/unit_inspector.h"

class QComboBox;

namespace knife {

class MomentController;
class NeuronHeatmap;
class RunController;
class StoreReader;
class TimeCursor;
class WaterfallView;

/// Everything about one unit at the moment of `frame`, with its history; nothing when the frame does not have the unit.
[[nodiscard]] std::optional<UnitReport> unitReport(const NeuronFrame& frame, const NeuronRef& unit,
                                                   const std::vector<FrameDigest>& history,
                                                   const std::vector<SurgeryReceipt>& surgeries, XClock clock);

/// A colour scale that suits the values of a diagnostic over the whole history.
[[nodiscard]] ColourScale historyScale(const NeuronHistory& history, const std::string& site,
                                       const NeuronFrame& thresholds);

/// One sentence on what a diagnostic measures; empty for an unknown one.
[[nodiscard]] QString explainDiagnostic(const QString& name);

class UnitController final : public QObject {
    Q_OBJECT

  public:
    struct Views {
        NeuronHeatmap& heatmap;
        WaterfallView& waterfall;
        QComboBox& site; ///< chooses the site of the waterfall
        UnitInspector& inspector;
    };

    /// All outlive the controller.
    UnitController(StoreReader& store, RunController& runs, MomentController& moment, TimeCursor& cursor, Views views,
                   QObject* parent = nullptr);

    /// Shows a unit in the inspector and its site in the waterfall.
    void inspect(const NeuronRef& unit);
    [[nodiscard]] const std::optional<NeuronRef>& unit() const { return m_unit; }

  Q_SIGNALS:
    void troubled(const QString& text);

  private:
    void onFocusChanged();
    void onFrameChanged();
    void restartWaterfall();
    void growWaterfall(std::size_t first);
    void refreshInspector();

    StoreReader& m_store;
    RunController& m_runs;
    MomentController& m_moment;
    TimeCursor& m_cursor;
    Views m_views;
    std::unique_ptr<NeuronHistory> m_history;
    std::optional<NeuronRef> m_unit;
};

} // namespace knife
