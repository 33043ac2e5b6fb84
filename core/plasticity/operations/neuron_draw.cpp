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

at::Tensor drawRows(const NeuronDrawSettings& settings, std::int64_t count, std::int64_t in,
                    const std::function<double()>& scale, const StreamKey& key) {
    if (settings.in == "orthogonal") {
        return drawOrthogonal(count, in, 1.0, key);
    }
    const at::Tensor rows = drawUniform({count, in}, linearBound(in), key);
    return settings.in == "rms_matched" ? rows * (scale() / rows.norm(2, 1, /*keepdim=*/true).clamp_min(1e-12)) : rows;
}

at::Tensor drawBiases(const NeuronDrawSettings& settings, std::int64_t count, std::int64_t in, const StreamKey& key) {
    return settings.in == "orthogonal" ? at::zeros({count}) : drawUniform({count}, linearBound(in), key);
}

Neurons drawNeurons(const Site& site, const std::vector<int>& units, const NeuronDrawSettings& settings,
                    const SurgeryDraws& draws) {
    const auto count = static_cast<std::int64_t>(units.size());
    const std::int64_t in = site.composite->shape().in;
    const SurgeryDraws::Stream rowStream = draws.stream(site.name + "/in");
    const SurgeryDraws::Stream biasStream = draws.stream(site.name + "/bias");
    const at::Tensor rows = drawRows(
        settings, count, in, [&] { return medianRowNorm(site, units); }, rowStream);
    return {rows.cpu().contiguous(), drawBiases(settings, count, in, biasStream),
            outgoing(site, units, settings, draws)};
}

} // namespace knife
