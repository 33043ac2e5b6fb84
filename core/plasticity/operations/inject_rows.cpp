// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/operations/inject_rows.h"

#include <algorithm>

#include <ATen/ATen.h>

namespace knife {

namespace {

// The live rows of all units but these; of all units if that leaves none.
std::vector<InjectedLinear::Row> healthyRows(const InjectedLinear& layer, const std::vector<int>& units) {
    const bool none = units.empty() || static_cast<std::int64_t>(units.size()) == layer.units();
    std::vector<InjectedLinear::Row> rows;
    for (int unit = 0; unit < static_cast<int>(layer.units()); ++unit) {
        if (none || !std::ranges::binary_search(units, unit)) {
            rows.push_back(layer.rowsOf(unit).back());
        }
    }
    return rows;
}

// How far gradients have reached so far in these rows.
float meanMoment(const std::vector<InjectedLinear::Row>& rows, Parameter* InjectedLinear::Row::*part) {
    std::vector<at::Tensor> means;
    for (const InjectedLinear::Row& live : rows) {
        means.push_back((live.*part)->moment2.select(0, live.row).mean());
    }
    return at::stack(means).mean().item<float>();
}

double medianNorm(const std::vector<InjectedLinear::Row>& rows) {
    std::vector<at::Tensor> norms;
    for (const InjectedLinear::Row& live : rows) {
        norms.push_back(live.weight->value.detach().select(0, live.row).norm());
    }
    return at::stack(norms).median().item<double>();
}

} // namespace

void injectRows(InjectedLinear& layer, const std::vector<int>& units, const NeuronBirth& birth,
                ParameterSet& parameters) {
    const std::int64_t rows = units.empty() ? layer.units() : static_cast<std::int64_t>(units.size());
    const std::int64_t in = layer.weight()->value.size(1);
    const bool fills = parameters.use() == ParameterUse::Trained && birth.optimiser == OptimiserPolicy::MeanFill;
    const std::vector<InjectedLinear::Row> healthy = healthyRows(layer, units);
    const float weightMoment = fills ? meanMoment(healthy, &InjectedLinear::Row::weight) : 0.F; // freezing clears them
    const float biasMoment = fills ? meanMoment(healthy, &InjectedLinear::Row::bias) : 0.F;
    const SurgeryDraws::Stream weights = birth.draws.stream(layer.name() + "/weight");
    const SurgeryDraws::Stream biases = birth.draws.stream(layer.name() + "/bias");
    const auto median = [&] {
        return medianNorm(healthy);
    };
    layer.inject(
        parameters, birth.draws.event, units,
        {drawRows(birth.settings, rows, in, median, weights).cpu(), drawBiases(birth.settings, rows, in, biases)});
    if (fills) {
        layer.branches().back().activeWeight->moment2.fill_(weightMoment);
        layer.branches().back().activeBias->moment2.fill_(biasMoment);
    }
}

} // namespace knife
