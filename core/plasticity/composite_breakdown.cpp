// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/composite_breakdown.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include <ATen/ATen.h>

#include "core/nets/kernels/unit_sums.h"

namespace knife {

namespace {

constexpr std::int64_t kMaxRows = 512;

// One neuron's contribution to the consumers: activation column times outgoing column, with a sign.
struct Term {
    at::Tensor activation; ///< [rows]
    at::Tensor outgoing;   ///< [d_out]
    double sign = 1.0;
};

// Root mean square over rows and consumer outputs of a signed sum of terms.
float rms(const std::vector<Term>& terms) {
    if (terms.empty()) {
        return 0.F;
    }
    const std::int64_t rows = terms.front().activation.numel();
    const std::int64_t outputs = terms.front().outgoing.numel();
    const auto count = static_cast<std::int64_t>(terms.size());
    std::vector<double> activations(static_cast<std::size_t>(rows * count));
    std::vector<double> outgoing(static_cast<std::size_t>(count * outputs));
    for (std::int64_t t = 0; t < count; ++t) {
        const Term& term = terms[static_cast<std::size_t>(t)];
        const auto activation = term.activation.accessor<float, 1>();
        for (std::int64_t row = 0; row < rows; ++row) {
            activations[static_cast<std::size_t>(row * count + t)] = term.sign * static_cast<double>(activation[row]);
        }
        const auto weights = term.outgoing.accessor<float, 1>();
        for (std::int64_t j = 0; j < outputs; ++j) {
            outgoing[static_cast<std::size_t>(t * outputs + j)] = static_cast<double>(weights[j]);
        }
    }
    const double squares = productSquares(activations.data(), outgoing.data(), rows, count, outputs);
    return static_cast<float>(std::sqrt(squares / static_cast<double>(rows * outputs)));
}

// A hidden layer and where it goes, in the CPU's memory.
struct Layer {
    at::Tensor activations; ///< [rows, n]
    at::Tensor outgoing;    ///< [d_out, n]
    Layer(const at::Tensor& sampled, const Parameter& out)
        : activations(sampled.cpu()), outgoing(out.value.detach().cpu()) {}
    [[nodiscard]] Term term(std::int64_t column, double sign) const {
        return {activations.select(1, column), outgoing.select(1, column), sign};
    }
};

struct Parts {
    std::vector<Term> knowledge;
    std::vector<Term> active;
    std::vector<Term> compensation;
    int events = 0;
};

CompositeInfo summarise(int unit, const Parts& parts) {
    std::vector<Term> drift = parts.active;
    drift.insert(drift.end(), parts.compensation.begin(), parts.compensation.end());
    return {.unit = unit,
            .events = parts.events,
            .knowledgeRms = rms(parts.knowledge),
            .activeRms = rms(parts.active),
            .compensationRms = rms(parts.compensation),
            .driftRms = rms(drift)};
}

std::vector<CompositeInfo> countEvents(const Site& site) {
    std::map<int, int> events;
    visitHolder(site, [&](const auto& holder) {
        for (const auto& branch : holder.branches()) {
            for (const int unit : branch.units) {
                ++events[unit];
            }
        }
    });
    constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();
    std::vector<CompositeInfo> infos;
    for (const auto& [unit, count] : events) {
        infos.push_back({unit, count, kUnknown, kUnknown, kUnknown, kUnknown});
    }
    return infos;
}

} // namespace

at::Tensor chooseRows(const at::Tensor& validRows) {
    const at::Tensor rows = validRows.nonzero().squeeze(1);
    const std::int64_t stride = std::max<std::int64_t>(1, (rows.numel() + kMaxRows - 1) / kMaxRows);
    return rows.slice(0, 0, rows.numel(), stride).contiguous();
}

SiteTap copyRows(const SiteTap& tap, const at::Tensor& rows) {
    const at::NoGradGuard noGrad;
    SiteTap copy{.hidden = tap.hidden.index_select(0, rows), .branches = {}};
    for (const SiteTap::Branch& branch : tap.branches) {
        copy.branches.push_back({branch.active.index_select(0, rows), branch.compensation.index_select(0, rows)});
    }
    return copy;
}

std::vector<CompositeInfo> breakDownComposites(const Site& site, const SiteTap& sample) {
    if (site.composite == nullptr) {
        return countEvents(site);
    }
    if (site.composite->branches().empty()) {
        return {};
    }
    const at::NoGradGuard noGrad;
    const auto& branches = site.composite->branches();
    // A sample from before a surgery may have other branches.
    const bool fits =
        sample.hidden.defined() &&
        std::ranges::equal(sample.branches, branches, [](const SiteTap::Branch& seen, const CompositeBranch& branch) {
            return seen.active.size(1) == static_cast<std::int64_t>(branch.units.size());
        });
    if (!fits) {
        return countEvents(site);
    }
    std::map<int, Parts> units;
    for (std::size_t e = 0; e < branches.size(); ++e) {
        const CompositeBranch& branch = branches[e];
        const Layer active(sample.branches[e].active, *branch.activeOut);
        const Layer compensation(sample.branches[e].compensation, *branch.compensationOut);
        for (std::size_t k = 0; k < branch.units.size(); ++k) {
            Parts& parts = units[branch.units[k]];
            ++parts.events;
            const auto column = static_cast<std::int64_t>(k);
            const bool superseded = branch.superseded[k] != 0;
            (superseded ? parts.knowledge : parts.active).push_back(active.term(column, 1.0));
            (superseded ? parts.knowledge : parts.compensation).push_back(compensation.term(column, -1.0));
        }
    }
    const Layer base(sample.hidden, *site.composite->out());
    std::vector<CompositeInfo> infos;
    for (auto& [unit, parts] : units) {
        parts.knowledge.push_back(base.term(unit, 1.0));
        infos.push_back(summarise(unit, parts));
    }
    return infos;
}

} // namespace knife
