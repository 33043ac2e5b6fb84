// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/operations/reset_units.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>
#include <utility>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "core/nets/live_unit.h"
#include "core/plasticity/operations/moments.h"
#include "core/plasticity/operations/source_values.h"

namespace knife {

namespace {

constexpr double kSmall = 0.02; // AgileRL 2.13's ReGraMa: norm of new columns beside the median live one

// Networks whose values the new neurons are taken from.
struct Sources {
    std::unique_ptr<FactorizedNet> fresh;
    std::unique_ptr<FactorizedNet> initial;

    Sources(const ResetSettings& settings, const FactorizedNet& net, const SurgeryDraws& draws) {
        if (settings.incoming == "layer" || settings.bias == "layer" || settings.outgoing == "layer") {
            fresh = sourceNet(net, "fresh", draws);
        }
        if (settings.incoming == "initial") {
            initial = sourceNet(net, "initial", draws);
        }
    }
};

struct Neuron {
    at::Tensor in;               ///< [d_in]
    at::Tensor bias;             ///< scalar
    std::vector<at::Tensor> out; ///< one column per place that the unit is read at
};

at::Tensor rowOf(const Parameter& parameter, std::int64_t row) {
    return parameter.value.detach().select(0, row);
}

at::Tensor columnOf(const LiveUnit::Outgoing& outgoing) {
    return outgoing.weight->value.detach().select(1, outgoing.column);
}

// Entries that are frozen stay as they are.
void write(const at::Tensor& place, const at::Tensor& mask, const at::Tensor& values) {
    const at::Tensor there = values.to(place.device());
    place.copy_(mask.defined() ? at::where(mask != 0, there, place) : there);
}

at::Tensor maskOf(const Parameter& parameter, std::int64_t dimension, std::int64_t index) {
    return parameter.mask.defined() ? parameter.mask.select(dimension, index) : at::Tensor();
}

double columnNorm(const LiveUnit& live) {
    double squares = 0.0;
    for (const LiveUnit::Outgoing& outgoing : live.outgoing) {
        squares += columnOf(outgoing).square().sum().item<double>();
    }
    return std::sqrt(squares);
}

// The units of a site that are not operated on, or all if none is left.
std::vector<int> othersOf(const Site& site, const std::vector<int>& units) {
    std::vector<int> others;
    for (int unit = 0; unit < site.units; ++unit) {
        if (!std::ranges::binary_search(units, unit)) {
            others.push_back(unit);
        }
    }
    if (others.empty()) {
        others = units;
    }
    return others;
}

double meanRowNorm(const Site& site, const std::vector<int>& units) {
    double sum = 0.0;
    for (const int unit : units) {
        const LiveUnit live = liveUnit(site, unit);
        sum += rowOf(*live.weight, live.row).norm().item<double>();
    }
    return sum / static_cast<double>(units.size());
}

double medianColumnNorm(const Site& site, const std::vector<int>& units) {
    std::vector<double> norms;
    for (const int unit : units) {
        norms.push_back(columnNorm(liveUnit(site, unit)));
    }
    const auto middle = norms.begin() + static_cast<std::ptrdiff_t>(norms.size() / 2);
    std::ranges::nth_element(norms, middle);
    return *middle;
}

// Draws the new neurons of one site; a function of the draws and of the weights that stay.
class Forge {
  public:
    Forge(const Site& site, const std::vector<int>& units, const ResetSettings& settings, const Sources& sources,
          const SurgeryDraws& draws)
        : m_site(site),
          m_settings(settings),
          m_fresh(sources.fresh ? sources.fresh->sites().find(site.name) : nullptr),
          m_initial(sources.initial ? sources.initial->sites().find(site.name) : nullptr),
          m_in(draws.stream(site.name + "/in")),
          m_out(draws.stream(site.name + "/out")) {
        const std::vector<int> others = othersOf(site, units);
        m_rowNorm = settings.scaleIncoming ? meanRowNorm(site, others) : 0.0;
        m_columnNorm = settings.outgoing == "small" ? kSmall * medianColumnNorm(site, others) : 0.0;
    }

    Neuron next(int unit, const LiveUnit& live) {
        Neuron neuron{.in = incoming(unit, live), .bias = at::zeros({}), .out = outgoing(unit, live)};
        if (m_settings.bias == "layer") {
            neuron.bias = rowOf(*m_fresh->bias, unit);
        }
        const double norm = neuron.in.norm().item<double>();
        if (m_settings.scaleIncoming && norm > 0.0) {
            neuron.in = neuron.in * (m_rowNorm / norm);
        }
        return neuron;
    }

  private:
    at::Tensor incoming(int unit, const LiveUnit& live) {
        if (m_settings.incoming == "layer") {
            return rowOf(*m_fresh->weight, unit);
        }
        if (m_settings.incoming == "initial") {
            return initialRow(unit, live);
        }
        const std::int64_t fanIn = live.weight->value.size(1);
        const std::int64_t fan = m_settings.incoming == "xavier" ? fanIn + m_site.units : fanIn;
        const double bound = std::sqrt(6.0 / static_cast<double>(fan));
        return drawn(fanIn, [&] { return m_in.uniform(-bound, bound); });
    }
    at::Tensor initialRow(int unit, const LiveUnit& live) const {
        if (live.isComposite) {
            for (const CompositeBranch& branch : m_site.composite->branches()) {
                if (branch.activeIn == live.weight && branch.compensationIn != nullptr) {
                    return rowOf(*branch.compensationIn, live.row).cpu().clone(); // a copy of it at birth
                }
            }
        }
        return rowOf(*m_initial->weight, unit);
    }
    std::vector<at::Tensor> outgoing(int unit, const LiveUnit& live) {
        std::vector<at::Tensor> columns;
        double squares = 0.0;
        for (std::size_t i = 0; i < live.outgoing.size(); ++i) {
            const std::int64_t rows = live.outgoing[i].weight->value.size(0);
            if (m_settings.outgoing == "layer") {
                const Consumer& consumer = m_fresh->consumers[i];
                columns.push_back(consumer.weight->value.select(1, consumer.column + unit));
            } else if (m_settings.outgoing == "small") {
                columns.push_back(drawn(rows, [&] { return m_out.normal(); }));
            } else {
                columns.push_back(at::zeros({rows}));
            }
            squares += columns.back().square().sum().item<double>();
        }
        for (at::Tensor& column : columns) {
            column = m_settings.outgoing == "small" ? column * (m_columnNorm / std::sqrt(squares)) : column;
        }
        return columns;
    }
    template <typename Draw>
    static at::Tensor drawn(std::int64_t count, Draw draw) {
        at::Tensor values = at::empty({count}, at::kFloat);
        float* entries = values.data_ptr<float>();
        for (std::int64_t i = 0; i < count; ++i) {
            entries[i] = static_cast<float>(draw());
        }
        return values;
    }

    const Site& m_site;
    const ResetSettings& m_settings;
    const Site* m_fresh;
    const Site* m_initial;
    CounterRng m_in;
    CounterRng m_out;
    double m_rowNorm = 0.0;
    double m_columnNorm = 0.0;
};

// One entry of second moments per incoming weight, bias and outgoing weight, with the entries of the first ones.
std::vector<std::pair<at::Tensor, at::Tensor>> momentsOf(const LiveUnit& live) {
    std::vector<std::pair<at::Tensor, at::Tensor>> moments;
    for (const Parameter* parameter : {live.weight, live.bias}) {
        moments.emplace_back(parameter->moment1.select(0, live.row), parameter->moment2.select(0, live.row));
    }
    for (const LiveUnit::Outgoing& outgoing : live.outgoing) {
        moments.emplace_back(outgoing.weight->moment1.select(1, outgoing.column),
                             outgoing.weight->moment2.select(1, outgoing.column));
    }
    return moments;
}

// As settleMoments(), where live neurons are spread over the layer and its branches: the mean is that of all others.
void settleSpread(const Site& site, const std::vector<int>& units, OptimiserPolicy policy) {
    std::vector<at::Tensor> fills;
    const std::vector<int> others = othersOf(site, units);
    for (const int unit : others) {
        const auto moments = momentsOf(liveUnit(site, unit));
        for (std::size_t i = 0; i < moments.size(); ++i) {
            if (fills.size() == i) {
                fills.push_back(at::zeros_like(moments[i].second));
            }
            fills[i].add_(moments[i].second);
        }
    }
    const double share = policy == OptimiserPolicy::MeanFill ? 1.0 / static_cast<double>(others.size()) : 0.0;
    for (const int unit : units) {
        auto moments = momentsOf(liveUnit(site, unit));
        for (std::size_t i = 0; i < moments.size(); ++i) {
            moments[i].first.zero_();
            moments[i].second.copy_(fills[i] * share);
        }
    }
}

// Clones get the moments of the row that they begin as.
void settleClones(const Site& site, const std::vector<int>& units) {
    for (const int unit : units) {
        const LiveUnit live = liveUnit(site, unit);
        for (const UnitClones::Row& clone : live.clones) {
            for (const auto moment : {&Parameter::moment1, &Parameter::moment2}) {
                (clone.rows->*moment).select(0, clone.row).copy_((live.weight->*moment).select(0, live.row));
            }
        }
    }
}

void settleOwn(const Site& site, const std::vector<int>& units, OptimiserPolicy policy) {
    if (site.composite != nullptr && !site.composite->branches().empty()) {
        settleSpread(site, units, policy);
        return;
    }
    settleMoments(*site.weight, 0, {units.begin(), units.end()}, policy);
    settleMoments(*site.bias, 0, {units.begin(), units.end()}, policy);
    for (const Consumer& consumer : site.consumers) {
        std::vector<std::int64_t> columns;
        std::ranges::transform(units, std::back_inserter(columns), [&](int unit) { return consumer.column + unit; });
        settleMoments(*consumer.weight, 1, columns, policy);
    }
}

void settle(const Site& site, const std::vector<int>& units, OptimiserPolicy policy) {
    if (site.weight->moment1.defined() && policy != OptimiserPolicy::Keep) {
        settleOwn(site, units, policy);
        settleClones(site, units);
    }
}

// The consumers' biases take over v_j * mean.
void fold(const Site& site, const LiveUnit& live, float mean) {
    for (std::size_t i = 0; i < live.outgoing.size(); ++i) {
        site.consumers[i].bias->value.detach().add_(columnOf(live.outgoing[i]), mean);
    }
}

void rewrite(const LiveUnit& live, const Neuron& neuron) {
    write(rowOf(*live.weight, live.row), maskOf(*live.weight, 0, live.row), neuron.in);
    write(rowOf(*live.bias, live.row), maskOf(*live.bias, 0, live.row), neuron.bias);
    // A unit that is split between agents begins as one again; its clones go on learning apart.
    for (const UnitClones::Row& clone : live.clones) {
        write(rowOf(*clone.rows, clone.row), maskOf(*clone.rows, 0, clone.row), neuron.in);
    }
    for (std::size_t i = 0; i < live.outgoing.size(); ++i) {
        const LiveUnit::Outgoing& place = live.outgoing[i];
        write(columnOf(place), maskOf(*place.weight, 1, place.column), neuron.out[i]);
    }
}

} // namespace

void describeNeurons(FieldVisitor& visitor, ResetSettings& settings) {
    visitor.choice("incoming", settings.incoming, {"where new incoming weights come from"},
                   {"layer", "xavier", "kaiming", "initial"});
    visitor.choice("bias", settings.bias, {"the bias of reset units"}, {"zero", "layer"});
    visitor.choice("outgoing", settings.outgoing, {"new outgoing weights"}, {"zero", "layer", "small"});
    visitor.field("scale_incoming", settings.scaleIncoming,
                  {"scale new incoming weights to the mean norm of the other units'"});
}

void describe(FieldVisitor& visitor, ResetSettings& settings) {
    describeNeurons(visitor, settings);
    visitor.field("fold_mean", settings.foldMean,
                  {"add what the units gave on average to their consumers' biases; the plan must hold the means"});
}

std::string refuseResets(const Site& site) {
    if (site.gru != nullptr) {
        return site.name + " has units that carry a state of their own, which a reset of weights would leave behind";
    }
    if (site.weight == nullptr || site.bias == nullptr) {
        return site.name + " has no weights of its own that could be drawn again";
    }
    if (site.consumers.empty()) {
        return site.name + " is read by something that is not linear, so its units have no outgoing weights to reset";
    }
    return besideComposites(site);
}

std::string refuseFolding(const Site& site) {
    if (std::string refusal = refuseResets(site); !refusal.empty()) {
        return refusal;
    }
    std::set<const Parameter*> readers;
    for (const Consumer& consumer : site.consumers) {
        if (consumer.bias == nullptr) {
            return site.name + " is read by a layer without bias, which cannot take over a mean";
        }
        if (!readers.insert(consumer.weight).second) {
            return site.name + " gives each unit to two inputs of one layer; a unit has no one mean to fold there";
        }
    }
    return {};
}

Result<void> ResetUnits::check(const SurgeryPlan& plan, const FactorizedNet& net) const {
    if (!plan.modules.empty()) {
        return fail(ErrorCode::Usage, "\"reset_units\" works on units; the plan names whole modules");
    }
    for (const SiteOperation& operation : plan.operations) {
        const Site& site = *net.sites().find(operation.site);
        if (auto refusal = m_settings.foldMean ? refuseFolding(site) : refuseResets(site); !refusal.empty()) {
            return fail(ErrorCode::Unsupported, refusal);
        }
        if (m_settings.foldMean && operation.values.size() != operation.units.size()) {
            return fail(
                ErrorCode::Usage,
                fmt::format("folding needs the mean activation of each unit of \"{}\" as its value", site.name));
        }
        if (!std::ranges::all_of(operation.values, [](float value) { return std::isfinite(value); })) {
            return fail(ErrorCode::Usage, fmt::format("the values of site \"{}\" must be finite", site.name));
        }
    }
    return {};
}

void ResetUnits::apply(FactorizedNet& net, const SurgeryPlan& plan, const SurgeryDraws& draws) const {
    const Sources sources(m_settings, net, draws);
    visitOperated(net, plan, [&](const Site& site, const SiteOperation& operation) {
        Forge forge(site, operation.units, m_settings, sources, draws);
        for (std::size_t k = 0; k < operation.units.size(); ++k) {
            const LiveUnit live = liveUnit(site, operation.units[k]);
            const Neuron neuron = forge.next(operation.units[k], live);
            if (m_settings.foldMean) {
                fold(site, live, operation.values[k]);
            }
            rewrite(live, neuron);
        }
        settle(site, operation.units, plan.optimiser);
    });
}

std::vector<SiteReceipt> ResetUnits::receipts(const FactorizedNet& net, const SurgeryPlan& plan) const {
    std::vector<SiteReceipt> receipts;
    visitOperated(net, plan, [&](const Site& site, const SiteOperation& operation) {
        receipts.push_back({.site = site.name, .units = operation.units, .kind = "reset", .ruaBefore = {}});
    });
    return receipts;
}

} // namespace knife
