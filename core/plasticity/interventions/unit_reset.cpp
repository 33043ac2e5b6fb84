// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/interventions/unit_reset.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/plasticity/interventions/unit_tables.h"

namespace knife {

namespace {

constexpr double kUnmeasured = std::numeric_limits<double>::quiet_NaN();

} // namespace

SurgeryPlan resetPlan(const char* intervention, const SurgeryPolicy& policy, const ResetSettings& settings) {
    SurgeryPlan plan;
    plan.intervention = intervention;
    plan.operation = "reset_units";
    plan.settings = writeSection("", settings).toToml();
    plan.optimiser = optimiserPolicy(policy);
    plan.target = targetPolicy(policy);
    return plan;
}

std::vector<int> lowestUnits(const std::vector<double>& scores, double threshold, double share) {
    std::vector<int> units;
    for (std::size_t unit = 0; unit < scores.size(); ++unit) {
        if (scores[unit] <= threshold) { // never true of NaN
            units.push_back(static_cast<int>(unit));
        }
    }
    const auto cap = static_cast<std::size_t>(share * static_cast<double>(scores.size()));
    if (units.size() > cap) {
        std::ranges::stable_sort(units, {}, [&](int unit) { return scores[static_cast<std::size_t>(unit)]; });
        units.resize(cap);
        std::ranges::sort(units);
    }
    return units;
}

void divideByMean(std::vector<double>& scores, double epsilon) {
    double sum = 0.0;
    double count = 0.0;
    for (const double score : scores) {
        if (!std::isnan(score)) {
            sum += score;
            count += 1.0;
        }
    }
    if (sum <= 0.0) {
        std::ranges::replace_if(
            scores, [](double score) { return !std::isnan(score); }, 0.0);
        return;
    }
    const double mean = sum / count + epsilon;
    for (double& score : scores) {
        score /= mean;
    }
}

std::vector<int> touchedUnits(const Site& site, const SiteReceipt& receipt) {
    if (receipt.site == site.name && !receipt.units.empty()) {
        return receipt.units;
    }
    std::vector<int> all;
    if (receipt.units.empty() && (site.name + ".").starts_with(receipt.site + ".")) {
        all.resize(static_cast<std::size_t>(site.units));
        std::iota(all.begin(), all.end(), 0);
    }
    return all;
}

BatchScores::BatchScores(Of of, std::int64_t every, const SiteList& sites, const std::vector<std::size_t>& watched)
    : m_of(of), m_every(every), m_sites(sites), m_scores(sites.all().size()) {
    for (const std::size_t i : watched) {
        m_scores[i].assign(static_cast<std::size_t>(sites.all()[i].units), kUnmeasured);
    }
}

UpdateListener::Wishes BatchScores::wishes(std::int64_t update) const {
    const bool looks = (update + 1) % m_every == 0;
    return {.activations = looks, .valuesBefore = false, .activationGradients = looks && m_of == Of::Gradient};
}

void BatchScores::stepped(const UpdateMoment& moment) {
    if (moment.taps == nullptr || !wishes(moment.update).activations) {
        return;
    }
    for (std::size_t i = 0; i < m_scores.size(); ++i) {
        if (m_scores[i].empty()) {
            continue;
        }
        const Site& site = m_sites.all()[i];
        const SiteTap& tap = (*moment.taps)[i];
        const bool reached = m_of == Of::Gradient ? m_rows.gatherGradients(site, tap, *moment.rows)
                                                  : m_rows.gather(site, tap, *moment.rows);
        if (!reached || m_rows.rows() == 0) {
            continue;
        }
        const std::vector<double> means = m_rows.means();
        m_scores[i] = m_of == Of::Gradient ? means : m_rows.meanDistances(means);
    }
}

void BatchScores::touched(const std::vector<SiteReceipt>& receipts) {
    for (std::size_t i = 0; i < m_scores.size(); ++i) {
        for (const SiteReceipt& receipt : receipts) {
            for (const int unit : touchedUnits(m_sites.all()[i], receipt)) {
                if (!m_scores[i].empty()) {
                    m_scores[i][static_cast<std::size_t>(unit)] = kUnmeasured;
                }
            }
        }
    }
}

std::string BatchScores::save() const {
    return packTables({m_scores.begin(), m_scores.end()});
}

bool BatchScores::restore(std::string_view saved) {
    return unpackTables(saved, {m_scores.begin(), m_scores.end()});
}

} // namespace knife
