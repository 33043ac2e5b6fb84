// SPDX-License-Identifier: GPL-3.0-or-later
// ReDo (Sokar et al. 2023, google/dopamine): units whose score s_j = E|h_j| / mean_k E|h_k| is small start anew. Scores
// of all sites are taken before any weight is changed. Output layers are no sites, so they are never recycled.
//
// Activations come from the diagnostics of training minibatches, valid steps only; the released code draws 256 samples
// from the buffer for them.
#pragma once

#include <optional>

#include "core/plasticity/interventions/unit_reset.h"

namespace knife {

struct RedoConfig {
    TriggerConfig when{.trigger = "periodic", .every = 1000, .at = {}};
    SurgeryPolicy policy = resetPolicy();
    ResetSettings reset{.incoming = "xavier"};
    double tau = 0.1; ///< inclusive
    /// "last_window": E|h| over the last closed diagnostics window. "open_window": over the one that is open.
    /// "centred_batch": E|h - E h| over the newest minibatch seen, every `observeEvery` updates.
    std::string statistics = "last_window";
    std::int64_t observeEvery = 10;
    /// "threshold": all units up to tau. "annealed": the lowest share of all units of a site, falling from `share` to
    /// 0 along a cosine over the first `annealUpdates` updates.
    std::string selection = "threshold";
    double share = 0.3;
    std::int64_t annealUpdates = 100000;
};
void describe(FieldVisitor& visitor, RedoConfig& config);

class Redo final : public Intervention {
  public:
    Redo(RedoConfig config, const SiteList& sites);
    [[nodiscard]] const TriggerConfig& trigger() const override { return m_config.when; }
    [[nodiscard]] SurgeryPlan propose(const InterventionView& view) const override;
    void touched(const std::vector<SiteReceipt>& sites) override;
    [[nodiscard]] UpdateListener* listener() override { return m_batch ? &*m_batch : nullptr; }
    [[nodiscard]] std::string save() const override { return m_batch ? m_batch->save() : std::string(); }
    [[nodiscard]] bool restore(std::string_view saved) override {
        return m_batch ? m_batch->restore(saved) : saved.empty();
    }

    /// Relative scores s_j; NaN where nothing was measured since the unit was operated on.
    [[nodiscard]] std::vector<double> scores(const Diagnostics& diagnostics, std::size_t site) const;

  private:
    RedoConfig m_config;
    std::optional<BatchScores> m_batch; ///< for "centred_batch"
};

[[nodiscard]] Result<std::unique_ptr<Intervention>> makeRedo(const Section& section, const FactorizedNet& net);

} // namespace knife
