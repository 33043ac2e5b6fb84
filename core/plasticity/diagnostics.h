// SPDX-License-Identifier: GPL-3.0-or-later
// Watches all sites of one network through training: windows of updates, per-unit diagnostics, stagnation history.
// Not thread-safe; lives on the training thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/config/experiment.h"
#include "core/nets/site.h"
#include "core/plasticity/diagnostics/summary.h"
#include "core/plasticity/unit_statistic.h"
#include "core/plasticity/update_listener.h"
#include "core/types/snapshot.h"

namespace knife {

class Diagnostics final : public UpdateListener {
  public:
    /// The units of `sites` are as new: distances are measured from here. `agents`: how many a row of agents stands
    /// for in turn, for what is measured of each; 0: nothing is.
    Diagnostics(const DiagnosticsConfig& config, const SiteList& sites, int agents = 0);

    /// Activations and their gradients every now and then, steps if the rule of activity looks at them.
    [[nodiscard]] Wishes wishes(std::int64_t update) const override;
    /// Measures all sites.
    void differentiated(const UpdateMoment& moment) override;
    /// Measures steps.
    void stepped(const UpdateMoment& moment) override;
    /// Wall seconds that measuring took so far.
    [[nodiscard]] double secondsSpent() const { return m_seconds; }
    /// Updates seen in the open window.
    [[nodiscard]] std::int64_t windowUpdates() const { return m_state.windowUpdates; }
    [[nodiscard]] bool windowIsFull() const { return m_state.windowUpdates >= m_config.window; }
    /// Ends the open window: its values become the last window's, and stagnation histories advance.
    void closeWindow();
    /// A new task begins: averages over tasks start anew.
    void beginTask();

    /// RUA of the last closed window, one per unit; empty before the first.
    [[nodiscard]] const std::vector<float>& lastRua(std::size_t site) const { return m_state.sites[site].lastRua; }
    /// For how many closed windows in a row the unit has been stagnant; 0 while it is in its grace after a surgery.
    [[nodiscard]] int stagnantWindows(std::size_t site, int unit) const;
    /// Units whose RUA of the last closed window is above volatile_above; those in their grace are left out. Ascending.
    [[nodiscard]] std::vector<int> volatileUnits(std::size_t site) const;
    /// Units were operated on: their statistics start anew and a full window passes before they can be stagnant. Where
    /// activity is averaged since the last surgery, a new window begins for all units of all sites.
    void touch(std::size_t site, const std::vector<int>& units);
    /// Frozen neurons have changed: what was recorded of composites is void until the next recorded pass.
    void forgetComposites() { m_samples.clear(); }

    /// The present picture: the open window if it says enough, otherwise the last closed one.
    [[nodiscard]] NeuronFrame frame(const Clocks& clocks) const;
    /// Shares over the same values that `frame` shows; the last entry is pooled.
    [[nodiscard]] std::vector<StagnationSummary> summarise(const NeuronFrame& frame) const {
        return knife::summarise(frame, m_config);
    }
    /// Of the present picture, with what became of the flags of the window before; spares what a frame says about
    /// composites.
    [[nodiscard]] std::vector<StagnationSummary> summarise() const;

    /// State for checkpoints: everything but the activations of the last recorded pass.
    struct SiteState {
        std::vector<UnitStatistic> statistics;
        std::vector<UnitDiagnostic> lastWindow;
        std::vector<float> lastRua;
        std::vector<std::int32_t> streak;
        std::vector<std::int32_t> windowsSinceTouch; ///< -1: the window in which the unit was touched is still open
        std::vector<std::uint8_t> lastFlags;         ///< UnitMarks::raised of the last window; empty before the first
    };
    struct State {
        std::vector<SiteState> sites;
        std::int64_t windowUpdates = 0;
    };
    [[nodiscard]] const State& state() const { return m_state; }
    void restore(State state);
    /// A site's state before the first update.
    [[nodiscard]] SiteState untouched(const Site& site) const;

  private:
    void beginWindow();
    void sample(const SiteTaps& taps, const RowValidity& validity);
    /// A frame without its composites.
    [[nodiscard]] NeuronFrame picture(const Clocks& clocks) const;

    DiagnosticsConfig m_config;
    const SiteList& m_list;
    State m_state;
    int m_agents;
    SiteMeter m_meter;
    std::vector<at::Tensor> m_born;        ///< rows of all sites as they were at first; undefined if nobody asks
    std::vector<FlagTurnover> m_turnovers; ///< of all sites, between the last two windows
    double m_seconds = 0.0;
    SiteTaps m_samples; ///< some rows of the last recorded pass, of sites that hold composites
};

} // namespace knife
