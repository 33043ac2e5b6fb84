// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/diagnostics.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "core/plasticity/composite_breakdown.h"

namespace knife {

namespace {

constexpr std::int64_t kTellingUpdates = 20; // an open window shorter than this is mostly noise
constexpr int kNeverTouched = 1;

std::vector<UnitDiagnostic> valuesOf(const std::vector<UnitStatistic>& statistics) {
    std::vector<UnitDiagnostic> columns;
    for (const UnitStatistic& statistic : statistics) {
        std::ranges::move(statistic.read(), std::back_inserter(columns));
    }
    return columns;
}

const std::vector<float>& columnOf(const std::vector<UnitDiagnostic>& columns, const std::string& name) {
    static const std::vector<float> kNone;
    const auto found = std::ranges::find(columns, name, &UnitDiagnostic::name);
    return found != columns.end() ? found->values : kNone;
}

bool asks(const DiagnosticsConfig& config, const char* diagnostic) {
    return std::ranges::find(config.perUnit, diagnostic) != config.perUnit.end();
}

MeterSettings meterSettings(const DiagnosticsConfig& config, int agents) {
    const RuaRule rule = ruaRule(config);
    return {.rule = rule,
            .products = asks(config, "saliency") || rule.signal == RuaRule::Signal::Saliency,
            .distance = asks(config, "distance"),
            .saturation = asks(config, "saturation"),
            .utility = asks(config, "utility"),
            .gradients = asks(config, "grama") || asks(config, "efficiency") || asks(config, "gxd"),
            .perAgent = config.perAgent && agents > 0};
}

} // namespace

Diagnostics::Diagnostics(const DiagnosticsConfig& config, const SiteList& sites, int agents)
    : m_config(config), m_list(sites), m_agents(agents), m_meter(meterSettings(config, agents)) {
    for (const Site& site : sites.all()) {
        m_state.sites.push_back(untouched(site));
        const bool bornHere = m_meter.settings().distance && site.weight != nullptr;
        m_born.push_back(bornHere ? site.weight->value.detach().clone() : at::Tensor());
    }
}

Diagnostics::SiteState Diagnostics::untouched(const Site& site) const {
    const auto units = static_cast<std::size_t>(site.units);
    return {.statistics = makeUnitStatistics({.site = site, .config = m_config, .agents = m_agents}),
            .lastWindow = {},
            .lastRua = {},
            .streak = std::vector<std::int32_t>(units, 0),
            .windowsSinceTouch = std::vector<std::int32_t>(units, kNeverTouched),
            .lastFlags = {}};
}

UpdateListener::Wishes Diagnostics::wishes(std::int64_t update) const {
    const bool recorded = update % m_config.activationInterval == 0;
    const MeterSettings& settings = m_meter.settings();
    return {.activations = recorded,
            .valuesBefore = settings.rule.signal == RuaRule::Signal::Step,
            .activationGradients = recorded && (settings.gradients || settings.perAgent)};
}

void Diagnostics::differentiated(const UpdateMoment& moment) {
    const auto began = std::chrono::steady_clock::now();
    m_meter.expectFrozen(std::ranges::any_of(moment.parameters.blocks(), &ParameterBlock::anyFrozen));
    for (std::size_t i = 0; i < m_state.sites.size(); ++i) {
        const SiteTap* tap = moment.taps != nullptr ? &(*moment.taps)[i] : nullptr;
        const SiteMeasurement& measurement =
            m_meter.measure(m_list.all()[i], tap, *moment.rows, moment.clip, m_born[i]);
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

void Diagnostics::stepped(const UpdateMoment& moment) {
    if (m_meter.settings().rule.signal != RuaRule::Signal::Step || moment.before == nullptr) {
        return;
    }
    const auto began = std::chrono::steady_clock::now();
    const RowSource step = stepSource(moment.parameters, *moment.before);
    for (std::size_t i = 0; i < m_state.sites.size(); ++i) {
        if (!m_list.all()[i].hasRows()) {
            continue;
        }
        const SiteMeasurement& measurement = m_meter.measureStep(m_list.all()[i], step);
        for (UnitStatistic& statistic : m_state.sites[i].statistics) {
            statistic.observe(measurement);
        }
    }
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
    m_turnovers.clear();
    for (std::size_t i = 0; i < m_state.sites.size(); ++i) {
        SiteState& site = m_state.sites[i];
        site.lastWindow = valuesOf(site.statistics);
        site.lastRua = columnOf(site.lastWindow, "rua");
        const UnitMarks marks = markUnits({.name = {},
                                           .units = m_list.all()[i].units,
                                           .acceptsComposites = false,
                                           .refusal = {},
                                           .diagnostics = site.lastWindow,
                                           .composites = {}},
                                          unitLimits(m_config));
        m_turnovers.push_back(countTurnover(site.lastFlags, marks));
        site.lastFlags = marks.raised;
        for (std::size_t unit = 0; unit < site.streak.size(); ++unit) {
            site.windowsSinceTouch[unit] += 1;
            const bool inGrace = site.windowsSinceTouch[unit] < 1;
            const bool stagnant = static_cast<double>(site.lastRua[unit]) < m_config.stagnantBelow;
            site.streak[unit] = !inGrace && stagnant ? site.streak[unit] + 1 : 0;
        }
    }
    beginWindow();
}

void Diagnostics::beginWindow() {
    for (SiteState& site : m_state.sites) {
        for (UnitStatistic& statistic : site.statistics) {
            statistic.restart(UnitStatistic::Boundary::Window);
        }
    }
    m_state.windowUpdates = 0;
}

void Diagnostics::beginTask() {
    for (SiteState& site : m_state.sites) {
        for (UnitStatistic& statistic : site.statistics) {
            statistic.restart(UnitStatistic::Boundary::Task);
        }
    }
}

int Diagnostics::stagnantWindows(std::size_t site, int unit) const {
    return m_state.sites[site].streak[static_cast<std::size_t>(unit)];
}

std::vector<int> Diagnostics::volatileUnits(std::size_t site) const {
    const SiteState& state = m_state.sites[site];
    std::vector<int> units;
    for (std::size_t unit = 0; unit < state.lastRua.size(); ++unit) {
        if (state.windowsSinceTouch[unit] >= 1 && static_cast<double>(state.lastRua[unit]) > m_config.volatileAbove) {
            units.push_back(static_cast<int>(unit));
        }
    }
    return units;
}

void Diagnostics::touch(std::size_t site, const std::vector<int>& units) {
    if (m_meter.settings().rule.window == RuaRule::Window::SinceSurgery) {
        beginWindow();
    }
    SiteState& state = m_state.sites[site];
    for (const int unit : units) {
        const auto index = static_cast<std::size_t>(unit);
        state.streak[index] = 0;
        state.windowsSinceTouch[index] = m_state.windowUpdates == 0 ? 0 : -1;
        if (!state.lastFlags.empty()) {
            state.lastFlags[index] = 0; // the neuron that carried them is gone
        }
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
             .acceptsComposites = site.acceptsComposites(),
             .refusal = site.refusal,
             .diagnostics = useOpen ? valuesOf(m_state.sites[i].statistics) : m_state.sites[i].lastWindow,
             .composites = {}});
    }
    return frame;
}

std::vector<StagnationSummary> Diagnostics::summarise() const {
    std::vector<StagnationSummary> summaries = summarise(picture({}));
    for (std::size_t i = 0; i < m_turnovers.size(); ++i) {
        summaries[i].turnover = m_turnovers[i];
        summaries.back().turnover += m_turnovers[i];
    }
    return summaries;
}

void Diagnostics::restore(State state) {
    m_state = std::move(state);
    m_samples.clear();
    m_turnovers.clear();
}

} // namespace knife
