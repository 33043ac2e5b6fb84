// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/operations/neuron_draw.h"

#include <algorithm>

#include <ATen/ATen.h>

#include "core/nets/initialise.h"
#include "core/nets/live_unit.h"

namespace knife {

namespace {

// Median norm of the live incoming rows of the units that stay; of all when none does.
double medianRowNorm(const Site& site, const std::vector<int>& excluded) {
    const bool all = excluded.size() == static_cast<std::size_t>(site.units);
    std::vector<at::Tensor> norms;
    for (int unit = 0; unit < site.units; ++unit) {
        if (all || !std::ranges::binary_search(excluded, unit)) {
            const LiveUnit live = liveUnit(site, unit);
            norms.push_back(live.weight->value.detach().select(0, live.row).norm());
        }
    }
    return at::stack(norms).median().item<double>();
}

at::Tensor incoming(const Site& site, const std::vector<int>& units, const NeuronDrawSettings& settings,
                    const SurgeryDraws& draws) {
    const auto count = static_cast<std::int64_t>(units.size());
    const std::int64_t in = site.composite->shape().in;
    if (settings.in == "orthogonal") {
        return drawOrthogonal(count, in, 1.0, draws.stream(site.name + "/in"));
    }
    const at::Tensor rows = drawUniform({count, in}, linearBound(in), draws.stream(site.name + "/in"));
    if (settings.in == "rms_matched") {
        return rows * (medianRowNorm(site, units) / rows.norm(2, 1, /*keepdim=*/true).clamp_min(1e-12));
    }
    return rows;
}

at::Tensor outgoing(const Site& site, const std::vector<int>& units, const NeuronDrawSettings& settings,
                    const SurgeryDraws& draws) {
    const auto count = static_cast<std::int64_t>(units.size());
    const CompositeLinear::Shape& shape = site.composite->shape();
    if (settings.out == "zero") {
        return at::zeros({shape.out, count});
    }
    if (settings.out == "inherit") {
        std::vector<at::Tensor> columns;
        for (const int unit : units) {
            const LiveUnit::Outgoing live = liveUnit(site, unit).outgoing.front();
            columns.push_back(live.weight->value.detach().select(1, live.column).cpu());
        }
        return at::stack(columns, 1).contiguous();
    }
    return drawUniform({shape.out, count}, linearBound(shape.hidden), draws.stream(site.name + "/out"));
}

} // namespace

Neurons drawNeurons(const Site& site, const std::vector<int>& units, const NeuronDrawSettings& settings,
                    const SurgeryDraws& draws) {
    const auto count = static_cast<std::int64_t>(units.size());
    const double bound = linearBound(site.composite->shape().in);
    const at::Tensor bias = settings.in == "orthogonal"
                                ? at::zeros({count})
                                : drawUniform({count}, bound, draws.stream(site.name + "/bias"));
    return {incoming(site, units, settings, draws).cpu().contiguous(), bias, outgoing(site, units, settings, draws)};
}

} // namespace knife
