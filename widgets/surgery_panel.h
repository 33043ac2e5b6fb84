// SPDX-License-Identifier: GPL-3.0-or-later
// Where a plan is put together and sent, and where receipts arrive.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <QString>
#include <QWidget>

#include "core/types/ids.h"
#include "core/types/run_state.h"
#include "core/types/snapshot.h"
#include "core/types/surgery_plan.h"

namespace knife {

/// A method that the run can apply.
struct SurgeryMethod {
    QString id;                                    ///< goes into the plan as the method that asks
    QString label;                                 ///< "KNIFE"
    QString about;                                 ///< one or two sentences
    QString operation = QStringLiteral("compose"); ///< registered name of what is done
    QString settings;                              ///< of the operation, as TOML; empty: its defaults
};

class SurgeryPanel final : public QWidget {
    Q_OBJECT

  public:
    explicit SurgeryPanel(QWidget* parent = nullptr);
    ~SurgeryPanel() override;

    void setMethods(const std::vector<SurgeryMethod>& methods);
    /// Sites, refusals and the counts of stagnant units come from here; nullptr when there is no run.
    void setFrame(std::shared_ptr<const NeuronFrame> frame);
    void setSelection(const std::vector<NeuronRef>& units);
    /// Nothing: no run is attached. Units can be operated on while the run is running or paused.
    void setRunState(std::optional<RunState> state);
    /// Between a request and its receipt the button waits and says so.
    void setBusy(bool busy);
    /// All receipts of the run, oldest first.
    void setReceipts(const std::vector<SurgeryReceipt>& receipts);

    /// What Operate would send: the selected units of sites that accept composites. Empty when there are none.
    [[nodiscard]] SurgeryPlan plan() const;
    [[nodiscard]] double threshold() const;

  Q_SIGNALS:
    /// "Select stagnant": every unit below the threshold is wanted in the selection.
    void selectBelowRequested(double threshold);
    void clearSelectionRequested();
    void operateRequested(const knife::SurgeryPlan& plan);
    /// A receipt was activated: show its moment.
    void receiptActivated(const knife::SurgeryReceipt& receipt);

  private:
    class Impl;
    std::unique_ptr<Impl> m_impl;
};

} // namespace knife
