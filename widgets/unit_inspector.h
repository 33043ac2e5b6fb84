// SPDX-License-Identifier: GPL-3.0-or-later
// Everything known about one unit: diagnostics now, RUA over time, and for a composite what its parts contribute.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <QString>
#include <QWidget>

#include "core/types/ids.h"
#include "core/types/snapshot.h"

namespace knife {

/// One figure of the table.
struct UnitFigure {
    QString name;        ///< as in UnitDiagnostic::name
    double value = 0.0;  ///< NaN: not measured
    QString explanation; ///< formula and window, shown as tooltip; may be empty
};

/// The parts of a composite over time; all vectors are as long as x.
struct CompositeHistory {
    std::vector<double> x;
    std::vector<double> knowledge;
    std::vector<double> active;
    std::vector<double> compensation;
    std::vector<double> drift;
};

/// Something that happened to the unit.
struct UnitEvent {
    double x = 0.0;
    QString text; ///< "operated: knife, by hand"
};

struct UnitReport {
    NeuronRef unit;
    QString xLabel; ///< clock of all x below
    double staleBelow = 0.25;
    double volatileAbove = 4.0;
    std::vector<UnitFigure> figures;
    std::vector<double> ruaX;
    std::vector<double> rua;
    std::optional<CompositeInfo> composite; ///< nothing: an ordinary unit
    CompositeHistory parts;
    std::vector<UnitEvent> events; ///< ascending in x
};

/// The figures of a unit out of a frame; histories stay empty. Nothing when the frame does not have the unit.
[[nodiscard]] std::optional<UnitReport> reportFromFrame(const NeuronFrame& frame, const NeuronRef& unit);

class UnitInspector final : public QWidget {
    Q_OBJECT

  public:
    explicit UnitInspector(QWidget* parent = nullptr);
    ~UnitInspector() override;

    void setReport(const UnitReport& report);
    /// Back to the empty state.
    void clear();
    [[nodiscard]] std::optional<NeuronRef> unit() const;
    void setCursor(std::optional<double> x);

  Q_SIGNALS:
    void cursorMoved(double x);

  private:
    class Impl;
    std::unique_ptr<Impl> m_impl;
};

} // namespace knife
