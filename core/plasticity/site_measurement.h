// SPDX-License-Identifier: GPL-3.0-or-later
// What one update says about the units of one site, read from the gradients and activations of the training pass.
// A composite unit is measured on its live, trainable neuron.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/nets/kernels/unit_sums.h"
#include "core/nets/site.h"
#include "core/plasticity/diagnostics/live_rows.h"
#include "core/plasticity/diagnostics/rua_rule.h"

namespace knife {

/// Which activation rows are real, as column weights 0 or 1.
struct RowValidity {
    at::Tensor agent;        ///< [rows of agent sites]
    at::Tensor mixer;        ///< [rows of mixer sites]
    std::int64_t agents = 1; ///< row r of an agent site is agent r % agents's
    [[nodiscard]] const at::Tensor& of(SiteScope scope) const { return scope == SiteScope::Agent ? agent : mixer; }
};

/// One value per unit. Empty vectors: not measured in this update.
struct SiteMeasurement {
    std::vector<double> gradNorm;   ///< L2 of the incoming row's gradient, before clipping; bias excluded
    std::vector<double> weightNorm; ///< L2 of the incoming row's trainable entries; bias excluded
    std::vector<double> saliency;   ///< |gradient . row|; bias excluded
    std::vector<double> activity;   ///< by the rule, see activityOf()
    std::vector<double> direction;  ///< the same number of values per unit: by the rule, what is averaged as a vector
    std::vector<double> distance;   ///< see distancesFromBirth()
    std::vector<double> meanActivation;             ///< over valid rows
    std::vector<double> meanAbsActivation;          ///< over valid rows
    std::vector<double> firingShare;                ///< share of valid rows with a positive activation
    std::vector<double> saturatedShare;             ///< share of valid rows where the slope of an ELU is below 0.01
    std::vector<double> contribution;               ///< mean_o |v_oj| E|h_j|
    std::vector<double> adaptable;                  ///< contribution / mean_i |w_ji|
    std::vector<double> meanAbsGradient;            ///< E|dL/dz_j| over valid rows
    std::vector<double> efficiency;                 ///< see efficiencies()
    std::vector<double> attribution;                ///< see attributions(), of reference 0
    std::vector<double> centredAttribution;         ///< the same, of the mean activation
    std::vector<std::vector<double>> agentActivity; ///< [agents], see makeAgentRua()
};

/// Fills `activity` from the norms: gradNorm / (weightNorm + 1e-8).
void relateNorms(SiteMeasurement& measurement);

/// What a meter measures beside norms, activity and activations.
struct MeterSettings {
    RuaRule rule;
    bool products = true;  ///< of gradients and rows: the saliency
    bool distance = false; ///< this and what follows: in updates that record activations
    bool saturation = false;
    bool utility = false;
    bool gradients = false; ///< of activations
    bool perAgent = false;
};

/// Measures one site after another into the same memory, so that no update allocates.
class SiteMeter {
  public:
    explicit SiteMeter(MeterSettings settings = {}) : m_settings(settings) {}
    [[nodiscard]] const MeterSettings& settings() const { return m_settings; }

    /// Requires that the backward pass has just filled the gradients. `tap` may be nullptr; `clip` as in UpdateMoment;
    /// `born` are the rows that the site's units began with, undefined if nobody asks for distances. The result stands
    /// until the next call. A rule that looks at steps leaves the activity to measureStep().
    const SiteMeasurement& measure(const Site& site, const SiteTap* tap, const RowValidity& validity, double clip = 1.0,
                                   const at::Tensor& born = {});
    /// Whether any entry of any mask is 0; as long as none is, masks are not read. They are at first.
    void expectFrozen(bool anyFrozen) { m_anyFrozen = anyFrozen; }
    /// The activity alone, from the step that the optimiser took; the site has rows.
    const SiteMeasurement& measureStep(const Site& site, const RowSource& step);

  private:
    void clear();
    [[nodiscard]] LiveRowParts rowParts() const;
    void measureRows(const Site& site, double clip);
    /// Fills activity or direction by the rule from m_sums.
    void measureActivity(const Site& site, const RowSource& source, double clip);
    void measureActivations(const Site& site, const SiteTap& tap, const at::Tensor& validRows);
    void measureSaturation(const SiteTap& tap, const at::Tensor& validRows);
    void measureUtility(const Site& site);
    void measureGradients(const Site& site, const SiteTap& tap, const RowValidity& validity);
    void measureAgents(const Site& site, const SiteTap& tap, const RowValidity& validity);
    /// Means over the valid rows of each column, into m_columns: mean, mean magnitude, share of positives.
    ColumnTotals columnMeans(const at::Tensor& activations, const at::Tensor& validRows);

    MeterSettings m_settings;
    bool m_anyFrozen = true;
    SiteMeasurement m_measurement;
    LiveRowSums m_sums;
    std::vector<double> m_columns; ///< three values per column of one activation matrix
};

} // namespace knife
