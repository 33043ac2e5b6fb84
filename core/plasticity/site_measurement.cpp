// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/site_measurement.h"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

#include "core/plasticity/diagnostics/activation_gradients.h"
#include "core/plasticity/diagnostics/host_values.h"

namespace knife {

namespace {

constexpr double kEpsilon = 1e-8;

// Base neurons, then the active neurons of one event after another; the newest one of a unit, the live one, is last.
template <typename Visit>
void eachNeuronSet(const Site& site, const SiteTap& tap, const Visit& visit) {
    visit(tap.hidden, tap.gradient, nullptr);
    if (site.composite == nullptr) {
        return;
    }
    for (std::size_t e = 0; e < tap.branches.size(); ++e) {
        visit(tap.branches[e].active, tap.branches[e].gradient, &site.composite->branches()[e]);
    }
}

// The rows of neurons: those of a site or of an event's active neurons.
const Parameter& rowsOf(const Site& site, const CompositeBranch* branch) {
    return branch != nullptr ? *branch->activeIn : *site.weight;
}

std::size_t unitOf(const CompositeBranch* branch, std::size_t column) {
    return branch != nullptr ? static_cast<std::size_t>(branch->units[column]) : column;
}

} // namespace

void relateNorms(SiteMeasurement& measurement) {
    measurement.activity.resize(measurement.gradNorm.size());
    for (std::size_t i = 0; i < measurement.activity.size(); ++i) {
        measurement.activity[i] = measurement.gradNorm[i] / (measurement.weightNorm[i] + kEpsilon);
    }
}

// Vectors keep their memory.
void SiteMeter::clear() {
    SiteMeasurement& out = m_measurement;
    for (std::vector<double>* values :
         {&out.gradNorm, &out.weightNorm, &out.saliency, &out.activity, &out.direction, &out.distance,
          &out.meanActivation, &out.meanAbsActivation, &out.firingShare, &out.saturatedShare, &out.contribution,
          &out.adaptable, &out.meanAbsGradient, &out.efficiency, &out.attribution, &out.centredAttribution}) {
        values->clear();
    }
    out.agentActivity.clear();
}

const SiteMeasurement& SiteMeter::measure(const Site& site, const SiteTap* tap, const RowValidity& validity,
                                          double clip, const at::Tensor& born) {
    const at::NoGradGuard noGrad;
    clear();
    if (site.hasRows()) {
        measureRows(site, clip);
    }
    if (tap == nullptr || !tap->hidden.defined()) {
        return m_measurement;
    }
    measureActivations(site, *tap, validity.of(site.scope));
    if (m_settings.saturation && site.activation == SiteActivation::Elu) {
        measureSaturation(*tap, validity.of(site.scope));
    }
    if (m_settings.utility && site.weight != nullptr && !site.consumers.empty()) {
        measureUtility(site);
    }
    if (m_settings.distance && born.defined()) {
        m_measurement.distance = distancesFromBirth(site, born);
    }
    if (m_settings.gradients && tap->gradient.defined()) {
        measureGradients(site, *tap, validity);
    }
    if (m_settings.perAgent && tap->gradient.defined() && tap->input.defined() && site.scope == SiteScope::Agent) {
        measureAgents(site, *tap, validity);
    }
    return m_measurement;
}

const SiteMeasurement& SiteMeter::measureStep(const Site& site, const RowSource& step) {
    const at::NoGradGuard noGrad;
    clear();
    sumLiveRows(site, step, rowParts(), m_sums);
    measureActivity(site, step, 1.0);
    return m_measurement;
}

LiveRowParts SiteMeter::rowParts() const {
    return {.bias = m_settings.rule.includeBias, .products = m_settings.products, .masks = m_anyFrozen};
}

void SiteMeter::measureRows(const Site& site, double clip) {
    SiteMeasurement& out = m_measurement;
    const RowSource source = gradientSource();
    sumLiveRows(site, source, rowParts(), m_sums);
    const auto units = static_cast<std::size_t>(site.units);
    out.gradNorm.resize(units);
    out.weightNorm.resize(units);
    for (std::size_t unit = 0; unit < units; ++unit) {
        out.gradNorm[unit] = std::sqrt(m_sums.signal[unit]);
        out.weightNorm[unit] = std::sqrt(m_sums.weight[unit]);
    }
    if (m_settings.products) {
        out.saliency.resize(units);
        for (std::size_t unit = 0; unit < units; ++unit) {
            out.saliency[unit] = std::abs(m_sums.product[unit]);
        }
    }
    if (m_settings.rule.signal != RuaRule::Signal::Step) {
        measureActivity(site, source, clip);
    }
}

void SiteMeter::measureActivity(const Site& site, const RowSource& source, double clip) {
    const RuaRule& rule = m_settings.rule;
    if (rule.signal == RuaRule::Signal::GradPreclip && rule.average == RuaRule::Average::MeanOfNorms &&
        !rule.includeBias) {
        relateNorms(m_measurement); // what is measured of every update by default, without another root
        return;
    }
    const auto units = static_cast<std::size_t>(site.units);
    const auto weightNorm = [&](std::size_t unit) {
        return std::sqrt(m_sums.weight[unit] + m_sums.biasWeight[unit]);
    };
    const auto product = [&](std::size_t unit) {
        return m_sums.product[unit] + m_sums.biasProduct[unit];
    };
    std::vector<double>& activity = m_measurement.activity;
    activity.resize(units);
    for (std::size_t unit = 0; unit < units; ++unit) {
        const double signal = std::sqrt(m_sums.signal[unit] + m_sums.biasSignal[unit]);
        activity[unit] = activityOf(rule, signal, weightNorm(unit), product(unit), clip);
    }
    if (rule.average != RuaRule::Average::NormOfMean) {
        return;
    }
    std::vector<double>& direction = m_measurement.direction;
    if (rule.signal == RuaRule::Signal::Saliency) {
        for (std::size_t unit = 0; unit < units; ++unit) {
            direction.push_back(product(unit)); // with its sign
        }
        return;
    }
    direction = liveVectors(site, source, rule.includeBias);
    const std::size_t width = direction.size() / units;
    for (std::size_t i = 0; i < direction.size(); ++i) {
        direction[i] *= vectorFactor(rule, weightNorm(i / width), clip);
    }
}

ColumnTotals SiteMeter::columnMeans(const at::Tensor& activations, const at::Tensor& validRows) {
    const at::Tensor dense = activations.contiguous();
    const std::int64_t n = dense.size(1);
    m_columns.assign(static_cast<std::size_t>(3 * n), 0.0);
    const ColumnTotals totals{m_columns.data(), m_columns.data() + n, m_columns.data() + 2 * n};
    // Mixers with a row per agent do not see the observation after the last step, which the rows end with.
    const std::int64_t rows = std::min(dense.size(0), validRows.size(0));
    const std::int64_t counted =
        addColumnTotals({HostValues(dense).data(), n}, HostValues(validRows).data(), rows, n, totals);
    for (double& value : m_columns) {
        value /= static_cast<double>(std::max<std::int64_t>(counted, 1));
    }
    return totals;
}

void SiteMeter::measureActivations(const Site& site, const SiteTap& tap, const at::Tensor& validRows) {
    SiteMeasurement& out = m_measurement;
    const auto units = static_cast<std::size_t>(site.units);
    for (std::vector<double>* values : {&out.meanActivation, &out.meanAbsActivation, &out.firingShare}) {
        values->resize(units);
    }
    eachNeuronSet(site, tap, [&](const at::Tensor& hidden, const at::Tensor&, const CompositeBranch* branch) {
        const ColumnTotals means = columnMeans(hidden, validRows);
        for (std::size_t k = 0; k < static_cast<std::size_t>(hidden.size(1)); ++k) {
            const std::size_t unit = unitOf(branch, k);
            out.meanActivation[unit] = means.sum[k];
            out.meanAbsActivation[unit] = means.magnitude[k];
            out.firingShare[unit] = means.positive[k];
        }
    });
}

void SiteMeter::measureSaturation(const SiteTap& tap, const at::Tensor& validRows) {
    constexpr double kFlat = 0.01; // slope h + 1
    // Turned around and shifted, so that saturated activations are the positive ones.
    const ColumnTotals means = columnMeans(kFlat - 1.0 - tap.hidden, validRows);
    m_measurement.saturatedShare.assign(means.positive, means.positive + tap.hidden.size(1));
}

void SiteMeter::measureUtility(const Site& site) {
    SiteMeasurement& out = m_measurement;
    const MeanWeights weights = meanLiveWeights(site);
    for (std::size_t unit = 0; unit < static_cast<std::size_t>(site.units); ++unit) {
        out.contribution.push_back(weights.outgoing[unit] * out.meanAbsActivation[unit]);
        out.adaptable.push_back(out.contribution.back() / (weights.incoming[unit] + kEpsilon));
    }
}

void SiteMeter::measureGradients(const Site& site, const SiteTap& tap, const RowValidity& validity) {
    SiteMeasurement& out = m_measurement;
    const bool ofAgents = site.scope == SiteScope::Agent;
    const auto units = static_cast<std::size_t>(site.units);
    out.meanAbsGradient.resize(units);
    out.efficiency.resize(ofAgents ? units : 0);
    out.attribution.resize(units);
    out.centredAttribution.resize(units);
    eachNeuronSet(site, tap, [&](const at::Tensor& hidden, const at::Tensor& gradient, const CompositeBranch* branch) {
        const GradientTotals totals = gradientTotals({.hidden = hidden,
                                                      .gradient = gradient,
                                                      .include = validity.of(site.scope),
                                                      .activation = site.activation,
                                                      .agents = ofAgents ? validity.agents : 1});
        const std::vector<double> efficiency = efficiencies(totals.byAgent, totals.magnitude.size());
        std::vector<double> references(totals.gradient.size(), 0.0);
        const std::vector<double> fromZero = attributions(totals, references);
        for (std::size_t k = 0; k < references.size(); ++k) {
            references[k] = out.meanActivation[unitOf(branch, k)];
        }
        const std::vector<double> fromMean = attributions(totals, references);
        for (std::size_t k = 0; k < totals.magnitude.size(); ++k) {
            out.meanAbsGradient[unitOf(branch, k)] = totals.magnitude[k];
            out.attribution[unitOf(branch, k)] = fromZero[k];
            out.centredAttribution[unitOf(branch, k)] = fromMean[k];
            if (ofAgents) {
                out.efficiency[unitOf(branch, k)] = efficiency[k];
            }
        }
    });
}

void SiteMeter::measureAgents(const Site& site, const SiteTap& tap, const RowValidity& validity) {
    SiteMeasurement& out = m_measurement;
    out.agentActivity.assign(static_cast<std::size_t>(validity.agents),
                             std::vector<double>(static_cast<std::size_t>(site.units), 0.0));
    eachNeuronSet(site, tap, [&](const at::Tensor& hidden, const at::Tensor& gradient, const CompositeBranch* branch) {
        const GradientRows rows{.hidden = hidden,
                                .gradient = gradient,
                                .include = validity.agent,
                                .activation = site.activation,
                                .agents = validity.agents};
        for (std::int64_t agent = 0; agent < validity.agents; ++agent) {
            const at::Tensor ofAgent = rowGradientOfAgent(rows, tap.input, agent) * rowsOf(site, branch).mask;
            const at::Tensor norms = ofAgent.norm(2, {1}).cpu();
            std::vector<double>& activity = out.agentActivity[static_cast<std::size_t>(agent)];
            for (std::size_t k = 0; k < static_cast<std::size_t>(norms.size(0)); ++k) {
                const std::size_t unit = unitOf(branch, k);
                activity[unit] = static_cast<double>(norms.data_ptr<float>()[k]) / (out.weightNorm[unit] + kEpsilon);
            }
        }
    });
}

} // namespace knife
