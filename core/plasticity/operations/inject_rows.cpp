// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/operations/inject_rows.h"

#include <ATen/ATen.h>

namespace knife {

namespace {

// How far the layer's gradients have reached so far, in all of its rows.
float meanMoment(const InjectedLinear& layer, Parameter* InjectedLinear::Row::*part) {
    std::vector<at::Tensor> means;
    for (int unit = 0; unit < static_cast<int>(layer.units()); ++unit) {
        const InjectedLinear::Row live = layer.rowsOf(unit).back();
        means.push_back((live.*part)->moment2.select(0, live.row).mean());
    }
    return at::stack(means).mean().item<float>();
}

double medianRowNorm(const InjectedLinear& layer) {
    std::vector<at::Tensor> norms;
    for (int unit = 0; unit < static_cast<int>(layer.units()); ++unit) {
        const InjectedLinear::Row live = layer.rowsOf(unit).back();
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
    const float weightMoment = fills ? meanMoment(layer, &InjectedLinear::Row::weight) : 0.F; // freezing clears them
    const float biasMoment = fills ? meanMoment(layer, &InjectedLinear::Row::bias) : 0.F;
    const SurgeryDraws::Stream weights = birth.draws.stream(layer.name() + "/weight");
    const SurgeryDraws::Stream biases = birth.draws.stream(layer.name() + "/bias");
    const auto median = [&] {
        return medianRowNorm(layer);
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
