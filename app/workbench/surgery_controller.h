// SPDX-License-Identifier: GPL-3.0-or-later
// Surgery by hand: selection, plan, command, receipt, undo.
#pragma once

#include <optional>
#include <vector>

#include <QObject>

#include "core/types/ids.h"
#include "core/types/surgery_plan.h"

namespace knife {

class MomentController;
class NeuronHeatmap;
class RunController;
class SurgeryPanel;
class TimeCursor;
struct CommandContext;
struct CommandResult;

class SurgeryController final : public QObject {
    Q_OBJECT

  public:
    struct Views {
        NeuronHeatmap& heatmap;
        SurgeryPanel& panel;
    };

    /// All outlive the controller.
    SurgeryController(RunController& runs, MomentController& moment, TimeCursor& cursor, Views views,
                      QObject* parent = nullptr);

    /// Fills in what the rules of surgery commands look at.
    void describe(CommandContext& context) const;
    void operate(); ///< on what is selected
    void undo();
    void selectStagnant();
    void clearSelection();

  Q_SIGNALS:
    /// describe() would say something else.
    void changed();

  private:
    void send(const SurgeryPlan& plan);
    void onFocusChanged();
    void onCommandDone(const CommandResult& result);
    void refreshReceipts();
    /// Stored or just answered; nullptr: none yet.
    [[nodiscard]] const SurgeryReceipt* newestReceipt() const;
    [[nodiscard]] bool isUndoable() const;

    RunController& m_runs;
    MomentController& m_moment;
    Views m_views;
    std::optional<CommandId> m_operating;
    std::optional<CommandId> m_undoing;
    bool m_wasUndoable = false;
    std::optional<SurgeryReceipt> m_fresh; ///< answered, and not in the store's list yet
};

} // namespace knife
