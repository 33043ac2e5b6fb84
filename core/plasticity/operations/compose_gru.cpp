// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/operations/compose_gru.h"

#include <algorithm>
#include <string>

#include <ATen/ATen.h>

namespace knife {

namespace {

// The units of a cell that are not among these; all of them if none is left.
std::vector<int> others(const GruUnits& cell, const std::vector<int>& units) {
    std::vector<int> left;
    std::vector<int> all;
    for (int unit = 0; unit < static_cast<int>(cell.cell().count); ++unit) {
        all.push_back(unit);
        if (!std::ranges::binary_search(units, unit)) {
            left.push_back(unit);
        }
    }
    return left.empty() ? all : left;
}

// A tensor of each live neuron's row of one gate in one of the cell's four parameters.
template <typename Tensor>
at::Tensor liveRows(const GruUnits& cell, const std::vector<int>& units, std::size_t part, std::int64_t gate,
                    const Tensor& tensorOf) {
    std::vector<at::Tensor> rows;
    for (const int unit : units) {
        const GruUnits::Live live = cell.live(unit);
        rows.push_back(tensorOf(*live.rows.all()[part]).select(0, gate * live.rows.count + live.neuron));
    }
    return at::stack(rows);
}

// Input's or recurrent weights of all gates, one block after the other.
at::Tensor drawWeights(const Site& site, std::size_t part, const std::vector<int>& units, const NeuronBirth& birth,
                       const std::string& name) {
    const GruUnits& cell = *site.gru;
    const auto values = [](const Parameter& parameter) {
        return parameter.value.detach();
    };
    std::vector<at::Tensor> blocks;
    for (std::int64_t gate = 0; gate < kGruGates; ++gate) {
        const auto median = [&] {
            return liveRows(cell, others(cell, units), part, gate, values).norm(2, 1).median().template item<double>();
        };
        const SurgeryDraws::Stream stream = birth.draws.stream(name + "/" + std::to_string(gate));
        blocks.push_back(drawRows(birth.settings, static_cast<std::int64_t>(units.size()),
                                  cell.cell().all()[part]->value.size(1), median, stream));
    }
    return at::cat(blocks).cpu();
}

GruUnits::Values drawValues(const Site& site, const std::vector<int>& units, const NeuronBirth& birth) {
    const GruRows& cell = site.gru->cell();
    const std::int64_t rows = kGruGates * static_cast<std::int64_t>(units.size());
    const SurgeryDraws::Stream inputBias = birth.draws.stream(site.name + "/input_bias");
    const SurgeryDraws::Stream recurrentBias = birth.draws.stream(site.name + "/recurrent_bias");
    return {drawWeights(site, 0, units, birth, site.name + "/input"),
            drawBiases(birth.settings, rows, cell.input->value.size(1), inputBias),
            drawWeights(site, 2, units, birth, site.name + "/recurrent"),
            drawBiases(birth.settings, rows, cell.recurrent->value.size(1), recurrentBias)};
}

// Second moments of the new neurons: gate by gate the mean over the other live ones.
GruUnits::Values healthyMoments(const GruUnits& cell, const std::vector<int>& units) {
    const auto second = [](const Parameter& parameter) {
        return parameter.moment2;
    };
    GruUnits::Values moments;
    for (std::size_t part = 0; part < moments.size(); ++part) {
        std::vector<at::Tensor> gates;
        for (std::int64_t gate = 0; gate < kGruGates; ++gate) {
            gates.push_back(liveRows(cell, others(cell, units), part, gate, second).mean(0));
        }
        moments[part] = at::stack(gates).repeat_interleave(static_cast<std::int64_t>(units.size()), 0);
    }
    return moments;
}

} // namespace

void composeGru(const Site& site, const std::vector<int>& units, const NeuronBirth& birth, ParameterSet& parameters) {
    GruUnits& cell = *site.gru;
    const GruUnits::Values born = drawValues(site, units, birth);
    const bool fills = parameters.use() == ParameterUse::Trained && birth.optimiser == OptimiserPolicy::MeanFill;
    const GruUnits::Values moments = fills ? healthyMoments(cell, units) : GruUnits::Values(); // freezing clears them
    cell.addComposites(parameters, birth.draws.event, units, born);
    for (std::size_t part = 0; fills && part < moments.size(); ++part) {
        cell.branches().back().active.all()[part]->moment2.copy_(moments[part]);
    }
}

} // namespace knife
