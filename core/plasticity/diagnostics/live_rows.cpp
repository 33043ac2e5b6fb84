// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/diagnostics/live_rows.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <stdexcept>

#include <ATen/ATen.h>

#include "core/nets/kernels/unit_sums.h"
#include "core/plasticity/diagnostics/host_values.h"

namespace knife {

namespace {

// Some incoming rows of a site, `count` of one parameter from row `first` on. Those that begin a neuron come before
// those that only add columns to it, and those of a newer neuron of the same unit come last.
struct LiveRows {
    const Parameter& rows;
    const Parameter* bias = nullptr;
    const Parameter* born = nullptr;         ///< the rows as they began; nullptr: the site's own
    const std::vector<int>* units = nullptr; ///< whose row each is; nullptr: row j is unit j's
    bool begins = true;
    std::int64_t first = 0;
    std::int64_t count = rows.value.size(0);
    [[nodiscard]] std::size_t unitOf(std::int64_t row) const {
        return static_cast<std::size_t>(units != nullptr ? (*units)[static_cast<std::size_t>(row)] : row);
    }
};

// The rows of some neurons of a GRU cell, gate by gate; of those in the cell itself, with what composites before it
// add.
template <typename Visit>
void eachGateRows(const GruUnits& cell, const GruRows& rows, const std::vector<int>* units, const Visit& visit) {
    for (std::int64_t gate = 0; gate < kGruGates; ++gate) {
        const auto add = [&](const Parameter& weight, const Parameter* bias, bool begins) {
            visit(LiveRows{.rows = weight,
                           .bias = bias,
                           .units = units,
                           .begins = begins,
                           .first = gate * rows.count,
                           .count = rows.count});
        };
        add(*rows.input, rows.inputBias, gate == 0);
        add(*rows.recurrent, rows.recurrentBias, false);
        if (units == nullptr && cell.feeder() != nullptr) {
            for (const CompositeBranch& branch : cell.feeder()->branches()) {
                add(*branch.activeOut, nullptr, false);
            }
        }
    }
}

template <typename Visit>
void eachLiveRows(const GruUnits& cell, const Visit& visit) {
    eachGateRows(cell, cell.cell(), nullptr, visit);
    for (const GruBranch& branch : cell.branches()) {
        eachGateRows(cell, branch.active, &branch.units, visit);
    }
}

template <typename Visit>
void eachLiveRows(const InjectedLinear& layer, const Visit& visit) {
    for (const InjectedLinear::Branch& branch : layer.branches()) {
        visit(LiveRows{.rows = *branch.activeWeight,
                       .bias = branch.activeBias,
                       .born = branch.compensationWeight,
                       .units = branch.units.empty() ? nullptr : &branch.units});
    }
}

template <typename Visit>
void eachLiveRows(const Site& site, const Visit& visit) {
    if (site.gru != nullptr) {
        eachLiveRows(*site.gru, visit);
        return;
    }
    visit(LiveRows{.rows = *site.weight, .bias = site.bias});
    if (site.linear != nullptr) {
        eachLiveRows(*site.linear, visit);
    }
    if (site.feeder != nullptr) {
        for (const CompositeBranch& branch : site.feeder->branches()) {
            visit(LiveRows{.rows = *branch.activeOut, .begins = false});
        }
    }
    if (site.composite != nullptr) {
        for (const CompositeBranch& branch : site.composite->branches()) {
            visit(LiveRows{.rows = *branch.activeIn,
                           .bias = branch.activeBias,
                           .born = branch.compensationIn,
                           .units = &branch.units});
        }
    }
}

// Begins six sums anew, for all units or for one.
void clear(LiveRowSums& sums, std::size_t first, std::size_t count) {
    for (std::vector<double>* values :
         {&sums.signal, &sums.weight, &sums.product, &sums.biasSignal, &sums.biasWeight, &sums.biasProduct}) {
        values->resize(std::max(values->size(), first + count));
        std::fill_n(values->begin() + static_cast<std::ptrdiff_t>(first), count, 0.0);
    }
}

void addBias(const LiveRows& live, const RowSource& source, LiveRowSums& out) {
    const RowValues values = source(*live.bias);
    const HostValues signal(values.signal);
    const HostValues weight(values.weight);
    const HostValues mask(live.bias->mask);
    for (std::int64_t row = 0; row < live.count; ++row) {
        const std::int64_t at = live.first + row;
        const auto s = static_cast<double>(signal.data()[at]);
        const double w = mask.data()[at] != 0.F ? static_cast<double>(weight.data()[at]) : 0.0;
        const std::size_t unit = live.unitOf(row);
        out.biasSignal[unit] += s * s;
        out.biasWeight[unit] += w * w;
        out.biasProduct[unit] += s * w;
    }
}

} // namespace

RowSource gradientSource() {
    return [](const Parameter& parameter) {
        return RowValues{parameter.grad, parameter.value};
    };
}

RowSource stepSource(const ParameterSet& parameters, const std::vector<at::Tensor>& before) {
    return [&parameters, &before](const Parameter& parameter) {
        for (std::size_t i = 0; i < before.size(); ++i) {
            const ParameterBlock& block = parameters.blocks()[i];
            if (!before[i].defined() || std::ranges::find(block.parameters, &parameter) == block.parameters.end()) {
                continue;
            }
            const std::int64_t first = parameter.value.data_ptr<float>() - block.value.data_ptr<float>();
            const at::Tensor old =
                before[i].slice(0, first, first + parameter.value.numel()).view(parameter.value.sizes());
            return RowValues{parameter.value - old, old};
        }
        throw std::logic_error("a live row is not trainable: " + parameter.name);
    };
}

void sumLiveRows(const Site& site, const RowSource& source, LiveRowParts parts, LiveRowSums& out) {
    const auto units = static_cast<std::size_t>(site.units);
    eachLiveRows(site, [&](const LiveRows& live) {
        const RowValues values = source(live.rows);
        const HostValues signal(values.signal);
        const HostValues weight(values.weight);
        const std::optional<HostValues> mask = parts.masks ? std::optional<HostValues>(live.rows.mask) : std::nullopt;
        const IncomingRows rows =
            IncomingRows{signal.data(), weight.data(), mask ? mask->data() : nullptr, live.rows.value.size(1)}.from(
                live.first);
        if (live.units == nullptr) {
            if (live.begins) {
                clear(out, 0, units);
            }
            double* product = parts.products ? out.product.data() : nullptr;
            addRowTotals(rows, site.units, {out.signal.data(), out.weight.data(), product});
        } else {
            for (std::size_t k = 0; k < live.units->size(); ++k) {
                const std::size_t unit = live.unitOf(static_cast<std::int64_t>(k));
                if (live.begins) {
                    clear(out, unit, 1);
                }
                addRowTotals(rows.from(static_cast<std::int64_t>(k)), 1,
                             {&out.signal[unit], &out.weight[unit], parts.products ? &out.product[unit] : nullptr});
            }
        }
        if (parts.bias && live.bias != nullptr) {
            addBias(live, source, out);
        }
    });
}

std::vector<double> liveVectors(const Site& site, const RowSource& source, bool withBias) {
    const auto widthOf = [&](const LiveRows& live) {
        return live.rows.value.size(1) + (withBias && live.bias != nullptr ? 1 : 0);
    };
    std::int64_t width = 0; // of the neurons that a site was built with; later ones have no more
    std::int64_t next = 0;  // where the next rows go
    const auto place = [&](const LiveRows& live) {
        const std::int64_t at = live.begins ? 0 : next;
        next = at + widthOf(live);
        return at;
    };
    eachLiveRows(site, [&](const LiveRows& live) {
        place(live);
        width = std::max(width, next);
    });
    std::vector<double> all(static_cast<std::size_t>(site.units * width), 0.0);
    eachLiveRows(site, [&](const LiveRows& live) {
        const RowValues values = source(live.rows);
        const HostValues signal(values.signal);
        const HostValues mask(live.rows.mask);
        const std::int64_t columns = live.rows.value.size(1);
        const std::int64_t at = place(live);
        const at::Tensor biasSignal =
            withBias && live.bias != nullptr ? source(*live.bias).signal.cpu().contiguous() : at::Tensor();
        for (std::int64_t row = 0; row < live.count; ++row) {
            double* unit = all.data() + static_cast<std::int64_t>(live.unitOf(row)) * width;
            if (live.begins) {
                std::fill_n(unit, width, 0.0);
            }
            double* to = unit + at;
            if (biasSignal.defined()) {
                *to++ = static_cast<double>(biasSignal.data_ptr<float>()[live.first + row]);
            }
            const std::int64_t from = (live.first + row) * columns;
            for (std::int64_t i = 0; i < columns; ++i) {
                to[i] = mask.data()[from + i] != 0.F ? static_cast<double>(signal.data()[from + i]) : 0.0;
            }
        }
    });
    return all;
}

std::vector<double> distancesFromBirth(const Site& site, const at::Tensor& born) {
    std::vector<double> distances(static_cast<std::size_t>(site.units), 0.0);
    eachLiveRows(site, [&](const LiveRows& live) {
        if (!live.begins) {
            return;
        }
        const at::Tensor start = live.born != nullptr ? live.born->value.detach() : born;
        const at::Tensor moved = (live.rows.value.detach() - start).norm(2, {1}).cpu();
        const at::Tensor size = start.norm(2, {1}).cpu();
        for (std::int64_t row = 0; row < moved.size(0); ++row) {
            constexpr double kEpsilon = 1e-12;
            distances[live.unitOf(row)] = static_cast<double>(moved.data_ptr<float>()[row]) /
                                          (static_cast<double>(size.data_ptr<float>()[row]) + kEpsilon);
        }
    });
    return distances;
}

MeanWeights meanLiveWeights(const Site& site) {
    const auto units = static_cast<std::size_t>(site.units);
    MeanWeights means{std::vector<double>(units, 0.0), std::vector<double>(units, 0.0)};
    std::vector<double> entries(units, 0.0);
    eachLiveRows(site, [&](const LiveRows& live) {
        const at::Tensor sums = (live.rows.value.detach() * live.rows.mask).abs().sum(1).cpu();
        const at::Tensor counts = live.rows.mask.sum(1).cpu();
        for (std::int64_t row = 0; row < sums.size(0); ++row) {
            const std::size_t unit = live.unitOf(row);
            const double keep = live.begins ? 0.0 : 1.0;
            means.incoming[unit] = keep * means.incoming[unit] + static_cast<double>(sums.data_ptr<float>()[row]);
            entries[unit] = keep * entries[unit] + static_cast<double>(counts.data_ptr<float>()[row]);
        }
    });
    for (std::size_t unit = 0; unit < units; ++unit) {
        means.incoming[unit] /= std::max(entries[unit], 1.0);
    }
    const auto meanColumn = [](const Parameter& weight) {
        return weight.value.detach().abs().mean(0).reshape({-1}).cpu();
    };
    double outputs = 0.0;
    for (const Consumer& consumer : site.consumers) {
        const at::Tensor column = meanColumn(*consumer.weight);
        const auto rows = static_cast<double>(consumer.weight->value.size(0));
        for (std::size_t unit = 0; unit < units; ++unit) {
            const auto at = static_cast<std::size_t>(consumer.column) + unit;
            means.outgoing[unit] += rows * static_cast<double>(column.data_ptr<float>()[at]);
        }
        outputs += rows;
    }
    for (double& value : means.outgoing) {
        value /= std::max(outputs, 1.0);
    }
    if (site.composite != nullptr) {
        for (const CompositeBranch& branch : site.composite->branches()) {
            const at::Tensor column = meanColumn(*branch.activeOut);
            for (std::size_t k = 0; k < branch.units.size(); ++k) {
                means.outgoing[static_cast<std::size_t>(branch.units[k])] =
                    static_cast<double>(column.data_ptr<float>()[k]);
            }
        }
    }
    return means;
}

} // namespace knife
