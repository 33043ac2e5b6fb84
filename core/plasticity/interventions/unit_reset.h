// SPDX-License-Identifier: GPL-3.0-or-later
// What the methods that reset units share: their plans, and scores that are read from the newest observed minibatch.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/plasticity/interventions/intervention.h"
#include "core/plasticity/interventions/surgery_policy.h"
#include "core/plasticity/interventions/unit_rows.h"
#include "core/plasticity/operations/reset_units.h"

namespace knife {

/// As the published methods do: the target network is left alone and follows at its next copy. Their cleared moments
/// would make the first RMSprop step ten times the learning rate, so second moments are filled with their mean.
[[nodiscard]] inline SurgeryPolicy resetPolicy() {
    return {.sites = {}, .optimiser = "mean_fill", .target = "none"};
}

/// A plan without operations.
[[nodiscard]] SurgeryPlan resetPlan(const char* intervention, const SurgeryPolicy& policy,
                                    const ResetSettings& settings);

/// Of the units whose score is a number, those at or below `threshold`, at most `share` of all, lowest first; in
/// ascending order of units.
[[nodiscard]] std::vector<int> lowestUnits(const std::vector<double>& scores, double threshold, double share);

/// Divides by the mean over the units that were measured plus `epsilon`; 0 everywhere where that is 0.
void divideByMean(std::vector<double>& scores, double epsilon);

/// Indices of the units of one receipt, of all units when it is of a module that the site is below.
[[nodiscard]] std::vector<int> touchedUnits(const Site& site, const SiteReceipt& receipt);

/// One score per unit from the newest minibatch that was looked at.
class BatchScores final : public UpdateListener {
  public:
    enum class Of : std::uint8_t { CentredActivation, Gradient };
    /// `watched`: indices of the sites that have scores.
    BatchScores(Of of, std::int64_t every, const SiteList& sites, const std::vector<std::size_t>& watched);
    /// Every so many updates, so that a periodic trigger with a multiple of that finds scores of this very update.
    [[nodiscard]] Wishes wishes(std::int64_t update) const override;
    void stepped(const UpdateMoment& moment) override;
    /// NaN: not measured since the unit was touched. Empty for a site that is not watched.
    [[nodiscard]] const std::vector<double>& scores(std::size_t site) const { return m_scores[site]; }
    void touched(const std::vector<SiteReceipt>& receipts);
    [[nodiscard]] std::string save() const;
    [[nodiscard]] bool restore(std::string_view saved);

  private:
    Of m_of;
    std::int64_t m_every;
    const SiteList& m_sites;
    UnitRows m_rows;
    std::vector<std::vector<double>> m_scores;
};

} // namespace knife
