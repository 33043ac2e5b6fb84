// SPDX-License-Identifier: GPL-3.0-or-later
// Continual backprop (Dohare et al., shibhansh/loss-of-plasticity, "generate and test"): a small share of the mature
// units, those of lowest utility, starts anew all the time. Per observed update, with eta = decay and k observations:
//
//   hbar = eta hbar + (1 - eta) E h,   U = eta U + (1 - eta) u,   both divided by 1 - eta^k when they are read
//   u = mean_o |v_o| E|h|                                          "contribution"
//   u = mean_o |v_o| E|h - hbar|                                   "zero_mean"
//   u = mean_o |v_o| E|h - hbar| / mean_i |w_i|                    "adaptable"
//   u = |E[(h - r) dL/dh]|                                         "first_order"
//   u = E|(h - r) dL/dh|                                           "first_order_abs"
//
// The last two are GXD's measure (arXiv 2605.06834): to first order, what the loss changes by when the unit is
// replaced. r is what its consumers keep of it, hbar where the mean is folded into their biases and 0 where it is not.
//
// Where a site has several consumers, o runs over the outputs of all. The mean of a replaced unit goes into its
// consumers' biases. The released code sets hbar to 0 before it does so, so that nothing is added: `as_released`.
#pragma once

#include "core/plasticity/interventions/unit_reset.h"

namespace knife {

struct ContinualBackpropConfig {
    const char* method = "continual_backprop"; ///< what its surgeries are called
    TriggerConfig when{.trigger = "periodic", .every = 1, .at = {}};
    SurgeryPolicy policy = resetPolicy();
    ResetSettings reset{.incoming = "kaiming", .foldMean = true};
    std::string utility = "contribution";
    double decay = 0.99;
    std::int64_t maturity = 1000;         ///< updates that a unit must have lived for, exclusive
    double replacementRate = 1e-4;        ///< share of a site's mature units per update
    std::string fractions = "accumulate"; ///< of units: "accumulate" or "chance"
    std::int64_t observeEvery = 1;        ///< updates; more is cheaper, and not what was published
    bool asReleased = false;
};
void describe(FieldVisitor& visitor, ContinualBackpropConfig& config);

/// The same machinery with GXD's measure. What is known of the paper here is its abstract: its normalisation, schedule
/// and constants are not, so those of continual backprop stand in.
struct GxdConfig : ContinualBackpropConfig {
    GxdConfig() {
        method = "gxd";
        utility = "first_order";
    }
};

class ContinualBackprop final : public Intervention, private UpdateListener {
  public:
    ContinualBackprop(ContinualBackpropConfig config, const SiteList& sites);
    [[nodiscard]] const TriggerConfig& trigger() const override { return m_config.when; }
    [[nodiscard]] SurgeryPlan propose(const InterventionView& view) const override;
    void touched(const std::vector<SiteReceipt>& sites) override;
    [[nodiscard]] UpdateListener* listener() override { return this; }
    [[nodiscard]] std::string save() const override;
    [[nodiscard]] bool restore(std::string_view saved) override;

    /// Bias-corrected utility and mean activation of each unit; NaN before the first observation.
    [[nodiscard]] std::vector<double> utilities(std::size_t site) const;
    [[nodiscard]] std::vector<double> means(std::size_t site) const;

  private:
    struct SiteState {
        bool watched = false;             ///< else the tables are empty
        std::vector<double> age;          ///< updates since the unit was touched
        std::vector<double> observations; ///< that the next two have
        std::vector<double> utility;      ///< not corrected
        std::vector<double> mean;         ///< not corrected
        std::vector<double> due;          ///< one entry: units to replace, for "accumulate"
    };
    [[nodiscard]] Wishes wishes(std::int64_t update) const override;
    void stepped(const UpdateMoment& moment) override;
    [[nodiscard]] bool isFirstOrder() const;
    void observe(const Site& site, SiteState& state, const SiteTap& tap, const RowValidity& rows);
    /// u of this update, by the centres that the method's utility compares activations with.
    [[nodiscard]] std::vector<double> worthNow(const Site& site, const std::vector<double>& centres, const SiteTap& tap,
                                               const RowValidity& rows);
    [[nodiscard]] std::vector<int> mature(const SiteState& state) const;
    /// The units of lowest utility among the mature ones, ascending.
    [[nodiscard]] std::vector<int> lowest(std::size_t site, std::size_t count) const;
    [[nodiscard]] std::size_t dueNow(std::size_t site, const InterventionView& view) const;

    ContinualBackpropConfig m_config;
    const SiteList& m_sites;
    std::vector<SiteState> m_states;
    UnitRows m_rows;
};

[[nodiscard]] Result<std::unique_ptr<Intervention>> makeContinualBackprop(const Section& section,
                                                                          const FactorizedNet& net);
[[nodiscard]] Result<std::unique_ptr<Intervention>> makeGxd(const Section& section, const FactorizedNet& net);

} // namespace knife
