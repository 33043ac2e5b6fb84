// SPDX-License-Identifier: GPL-3.0-or-later
// Where a run is operated on: applies plans, measures what they changed, tells everybody whose statistics they void,
// writes the receipts, and takes the newest surgery back. Training thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/learning/batch.h"
#include "core/learning/learner.h"
#include "core/plasticity/diagnostics.h"
#include "core/plasticity/interventions/intervention.h"
#include "core/plasticity/surgeon.h"
#include "core/session/training_state.h"
#include "core/store/run_writer.h"

namespace knife {

class SurgeryDesk {
  public:
    /// What a surgery works on and whom it concerns; all must outlive the desk.
    struct Ward {
        Learner& learner;
        Diagnostics& diagnostics;
        const std::vector<std::unique_ptr<Intervention>>& interventions;
        TrainingCounters& counters;
        RunWriter& store;
    };
    /// `held`: episodes to measure changes on; nullopt: there are none yet. `inputs`: for operations that fit to data.
    using HeldBatch = std::function<std::optional<Batch>()>;
    SurgeryDesk(Ward ward, std::uint64_t seed, HeldBatch held, SiteInputsOf inputs);

    /// Applies a plan and stores its receipt; nullopt, with nothing stored, when it left everything as it was. Errors
    /// as Surgeon::check().
    [[nodiscard]] Result<std::optional<SurgeryReceipt>> operate(const SurgeryPlan& plan);
    /// Takes the newest surgery back, bit for bit, and stores a receipt of that. ErrorCode::IllegalTransition: an
    /// update has followed it, or there was none.
    [[nodiscard]] Result<SurgeryReceipt> undo();
    /// Weights have changed since the newest surgery: it can no longer be undone.
    void forgetUndo() { m_surgeon.forgetUndo(); }

  private:
    /// Everything that undo() brings back beside the networks.
    struct Before {
        Diagnostics::State diagnostics;
        std::vector<std::string> gathered; ///< by the interventions
    };
    [[nodiscard]] Before remember() const;
    [[nodiscard]] std::optional<Probe> measure(const std::optional<Batch>& batch) const;
    void noteRua(SiteReceipt& touched) const;
    /// Statistics of what a surgery has touched start anew.
    void touch(const SiteReceipt& touched);

    Ward m_ward;
    HeldBatch m_held;
    Surgeon m_surgeon;
    SurgeryReceipt m_lastReceipt; ///< of the newest surgery, for its undo
    Before m_before;
};

} // namespace knife
