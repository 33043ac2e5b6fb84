// SPDX-License-Identifier: GPL-3.0-or-later
// Every unit of every site at one moment, coloured by one diagnostic. Composites carry a corner, stagnant units a
// hatch, volatile units a dot. Units are selected by click, Ctrl, Shift, rubber band, keyboard, or threshold.
#pragma once

#include <memory>
#include <vector>

#include <QWidget>

#include "core/types/ids.h"
#include "core/types/snapshot.h"

namespace knife {

class NeuronHeatmap final : public QWidget {
    Q_OBJECT

  public:
    explicit NeuronHeatmap(QWidget* parent = nullptr);
    ~NeuronHeatmap() override;

    /// nullptr: nothing to show. The selection survives by site name and unit.
    void setFrame(std::shared_ptr<const NeuronFrame> frame);
    /// Text shown while there is no frame: what to do next.
    void setEmptyText(const QString& text);
    /// Where the frame comes from, for the header: "live", "stored, update 1200", …
    void setSource(const QString& text);

    /// Name as in UnitDiagnostic::name. "rua" unless set otherwise.
    void setDiagnostic(const QString& name);
    [[nodiscard]] QString diagnostic() const;

    [[nodiscard]] std::vector<NeuronRef> selection() const; ///< ascending
    void setSelection(const std::vector<NeuronRef>& units); ///< unknown ones are dropped; does not emit
    /// Selects every unit whose RUA lies below the threshold, at sites that accept composites. Emits.
    void selectBelow(double threshold);

  Q_SIGNALS:
    /// Clicked without modifiers, or Enter on the cell cursor.
    void unitActivated(const knife::NeuronRef& unit);
    void selectionChanged(const std::vector<knife::NeuronRef>& units);
    void diagnosticChanged(const QString& name);

  protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

  private:
    class Impl;
    std::unique_ptr<Impl> m_impl;
};

} // namespace knife
