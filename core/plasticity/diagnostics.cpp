// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/diagnostics.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <utility>

#include "core/plasticity/composite_breakdown.h"

namespace knife {

namespace {

constexpr std::int64_t kTellingUpdates = 20; // an open window shorter than this is mostly noise
constexpr int kNeverTouched = 1;

std::vector<UnitDiagnostic> valuesOf(const std::vector<UnitStatistic>& statistics) {
    std::vector<UnitDiagnostic> columns;
    for (const UnitStatistic& statistic : statistics) {
        columns.push_back({statistic.name(), statistic.values()});
    }
    return columns;
}

const std::vector<float>& columnOf(const std::vector<UnitDiagnostic>& columns, const std::string& name) {
    static const std::vector<float> kNone;
    const auto found = std::ranges::find(columns, name, &UnitDiagnostic::name);
    return found != columns.end() ? found->values : kNone;
}

// Counts finite values that satisfy a predicate.
template <typename Predicate>
double countWhere(const std::vector<float>& values, Predicate predicate) {
    return static_cast<double>(
        std::ranges::count_if(values, [&](float v) { return !std::isnan(v) && predicate(static_cast<double>(v)); }));
}

double tenthPercentile(std::vector<float> values) {
    std::erase_if(values, [](float v) { return std::isnan(v); });
    if (values.empty()) {
        return std::numeric_limits<double>::quiet_NaN();
    }
    const auto rank = static_cast<std::ptrdiff_t>(values.size() / 10);
    std::ranges::nth_element(values, values.begin() + rank);
    return static_cast<double>(values[static_cast<std::size_t>(rank)]);
}

bool anyMeasured(const std::vector<float>& values) {
    return std::ranges::any_of(values, [](float v) { return !std::isnan(v); });
}

// Unit counts behind the shares of one or many sites.
struct Tally {
    double units = 0.0;
    double stagnant = 0.0;
    double volatileUnits = 0.0;
    double activationUnits = 0.0;
    double dormant = 0.0;
    double dead = 0.0;
    std::vector<float> rua;

    Tally& operator+=(const Tally& other) {
        units += other.units;
        stagnant += other.stagnant;
        volatileUnits += other.volatileUnits;
        activationUnits += other.activationUnits;
        dormant += other.dormant;
        dead += other.dead;
        rua.insert(rua.end(), other.rua.begin(), other.rua.end());
        return *this;
    }

    [[nodiscard]] StagnationSummary summary(std::string site) const {
        const auto share = [](double count, double of) {
            return of > 0.0 ? count / of : std::numeric_limits<double>::quiet_NaN();
        };
        return {.site = std::move(site),
                .stagnant = share(stagnant, units),
                .volatileShare = share(volatileUnits, units),
                .dormant = share(dormant, activationUnits),
                .dead = share(dead, activationUnits),
                .ruaP10 = tenthPercentile(rua)};
    }
};

Tally tallySite(const DiagnosticsConfig& config, const SiteSnapshot& site) {
    Tally tally;
    const auto& rua = columnOf(site.diagnostics, "rua");
    const auto& dormancy = columnOf(site.diagnostics, "dormancy");
    const auto& firing = columnOf(site.diagnostics, "firing_share");
    if (anyMeasured(rua)) {
        tally.units = countWhere(rua, [](double) { return true; });
        tally.stagnant = countWhere(rua, [&](double v) { return v < config.stagnantBelow; });
        tally.volatileUnits = countWhere(rua, [&](double v) { return v > config.volatileAbove; });
        tally.rua = rua;
    }
    if (anyMeasured(dormancy)) {
        tally.activationUnits = countWhere(dormancy, [](double) { return true; });
        tally.dormant = countWhere(dormancy, [&](double v) { return v <= config.dormantBelow; });
        tally.dead = countWhere(firing, [&](double v) { return v < config.deadBelow; });
    }
    return tally;
}

} // namespace

Diagnostics::Diagnostics(const DiagnosticsConfig& config, const SiteList& sites) : m_config(config), m_list(sites) {
    for (const Site& site : sites.all()) {
        const auto units = static_cast<std::size_t>(site.units);
        m_state.sites.push_back({.statistics = makeUnitStatistics(site.units),
                                 .lastWindow = {},
                                 .lastRua = {},
                                 .streak = std::vector<std::int32_t>(units, 0),
                                 .windowsSinceTouch = std::vector<std::int32_t>(units, kNeverTouched)});
    }
}

UpdateListener::Wishes Diagnostics::wishes(std::int64_t update) const {
    return {.activations = update % m_config.activationInterval == 0};
}

void Diagnostics::differentiated(const UpdateMoment& moment) {
    const auto began = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < m_state.sites.size(); ++i) {
        const SiteTap* tap = moment.taps != nullptr ? &(*moment.taps)[i] : nullptr;
        const SiteMeasurement& measurement = m_meter.measure(m_list.all()[i], tap, *moment.rows);
        for (UnitStatistic& statistic : m_state.sites[i].statistics) {
            statistic.observe(measurement);
        }
    }
    if (moment.taps != nullptr) {
        sample(*moment.taps, *moment.rows);
    }
    ++m_state.windowUpdates;
    m_seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

void Diagnostics::sample(const SiteTaps& taps, const RowValidity& validity) {
    RowValidity chosen; // indices; sites of one scope have the same rows
    m_samples.resize(taps.size());
    for (std::size_t i = 0; i < taps.size(); ++i) {
        const Site& site = m_list.all()[i];
        if (site.composite == nullptr || site.composite->branches().empty() || !taps[i].hidden.defined()) {
            m_samples[i] = {};
            continue;
        }
        at::Tensor& rows = site.scope == SiteScope::Agent ? chosen.agent : chosen.mixer;
        if (!rows.defined()) {
            rows = chooseRows(validity.of(site.scope));
        }
        m_samples[i] = copyRows(taps[i], rows);
    }
}

void Diagnostics::closeWindow() {
    for (SiteState& site : m_state.sites) {
        site.lastWindow = valuesOf(site.statistics);
        site.lastRua = columnOf(site.lastWindow, "rua");
        for (std::size_t unit = 0; unit < site.streak.size(); ++unit) {
            site.windowsSinceTouch[unit] += 1;
            const bool inGrace = site.windowsSinceTouch[unit] < 1;
            const bool stagnant = static_cast<double>(site.lastRua[unit]) < m_config.stagnantBelow;
            site.streak[unit] = !inGrace && stagnant ? site.streak[unit] + 1 : 0;
        }
        for (UnitStatistic& statistic : site.statistics) {
            statistic.restart();
        }
    }
    m_state.windowUpdates = 0;
}

int Diagnostics::stagnantWindows(std::size_t site, int unit) const {
    return m_state.sites[site].streak[static_cast<std::size_t>(unit)];
}

void Diagnostics::touch(std::size_t site, const std::vector<int>& units) {
    SiteState& state = m_state.sites[site];
    for (const int unit : units) {
        const auto index = static_cast<std::size_t>(unit);
        state.streak[index] = 0;
        state.windowsSinceTouch[index] = m_state.windowUpdates == 0 ? 0 : -1;
        for (UnitStatistic& statistic : state.statistics) {
            statistic.forget(unit);
        }
    }
}

NeuronFrame Diagnostics::frame(const Clocks& clocks) const {
    NeuronFrame frame = picture(clocks);
    static const SiteTap kNone;
    for (std::size_t i = 0; i < frame.sites.size(); ++i) {
        frame.sites[i].composites = breakDownComposites(m_list.all()[i], i < m_samples.size() ? m_samples[i] : kNone);
    }
    return frame;
}

NeuronFrame Diagnostics::picture(const Clocks& clocks) const {
    NeuronFrame frame{.clocks = clocks,
                      .staleBelow = static_cast<float>(m_config.stagnantBelow),
                      .volatileAbove = static_cast<float>(m_config.volatileAbove),
                      .sites = {}};
    for (std::size_t i = 0; i < m_state.sites.size(); ++i) {
        const Site& site = m_list.all()[i];
        const bool useOpen = m_state.sites[i].lastWindow.empty() || m_state.windowUpdates >= kTellingUpdates;
        frame.sites.push_back(
            {.name = site.name,
             .units = site.units,
             .acceptsComposites = site.composite != nullptr,
             .refusal = site.refusal,
             .diagnostics = useOpen ? valuesOf(m_state.sites[i].statistics) : m_state.sites[i].lastWindow,
             .composites = {}});
    }
    return frame;
}

std::vector<StagnationSummary> Diagnostics::summarise(const NeuronFrame& frame) const {
    std::vector<StagnationSummary> summaries;
    Tally pooled;
    for (const SiteSnapshot& site : frame.sites) {
        const Tally tally = tallySite(m_config, site);
        pooled += tally;
        summaries.push_back(tally.summary(site.name));
    }
    summaries.push_back(pooled.summary({}));
    return summaries;
}

void Diagnostics::restore(State state) {
    m_state = std::move(state);
    m_samples.clear();
}

} // namespace knife
