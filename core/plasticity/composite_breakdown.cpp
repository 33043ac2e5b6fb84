// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/composite_breakdown.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include <ATen/ATen.h>

namespace knife {

namespace {

constexpr std::int64_t kMaxRows = 512;

// One neuron's contribution to the consumers: activation column times outgoing column, with a sign.
struct Term {
    at::Tensor activation; ///< [rows]
    at::Tensor outgoing;   ///< [d_out]
    double sign = 1.0;
};

// Root mean square over rows and consumer outputs of a signed sum of terms, through their Gram matrices.
float rms(const std::vector<Term>& terms) {
    double sum = 0.0;
    for (const Term& left : terms) {
        for (const Term& right : terms) {
            const double activations = at::dot(left.activation, right.activation).item<double>();
            const double weights = at::dot(left.outgoing, right.outgoing).item<double>();
            sum += left.sign * right.sign * activations * weights;
        }
    }
    if (terms.empty()) {
        return 0.F;
    }
    const auto cells = static_cast<double>(terms.front().activation.numel() * terms.front().outgoing.numel());
    return static_cast<float>(std::sqrt(std::max(sum, 0.0) / cells));
}

Term makeTerm(const at::Tensor& activations, const Parameter& outgoing, std::int64_t column, double sign) {
    return {activations.select(1, column).contiguous(), outgoing.value.detach().select(1, column).contiguous(), sign};
}

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

} // namespace

std::vector<CompositeInfo> breakDownComposites(const Site& site, const SiteTap& tap, const at::Tensor& validRows) {
    std::vector<CompositeInfo> infos;
    if (site.composite == nullptr || site.composite->branches().empty()) {
        return infos;
    }
    const at::NoGradGuard noGrad;
    const auto& branches = site.composite->branches();
    std::map<int, Parts> units;
    const bool fresh = tap.hidden.defined() && tap.branches.size() == branches.size();
    at::Tensor rows;
    if (fresh) {
        rows = validRows.nonzero().squeeze(1);
        const std::int64_t stride = std::max<std::int64_t>(1, (rows.numel() + kMaxRows - 1) / kMaxRows);
        rows = rows.slice(0, 0, rows.numel(), stride);
    }
    for (std::size_t e = 0; e < branches.size(); ++e) {
        const CompositeBranch& branch = branches[e];
        const at::Tensor active = fresh ? tap.branches[e].active.index_select(0, rows) : at::Tensor();
        const at::Tensor compensation = fresh ? tap.branches[e].compensation.index_select(0, rows) : at::Tensor();
        for (std::size_t k = 0; k < branch.units.size(); ++k) {
            Parts& parts = units[branch.units[k]];
            ++parts.events;
            if (!fresh) {
                continue;
            }
            const auto column = static_cast<std::int64_t>(k);
            const bool superseded = branch.superseded[k] != 0;
            (superseded ? parts.knowledge : parts.active).push_back(makeTerm(active, *branch.activeOut, column, 1.0));
            (superseded ? parts.knowledge : parts.compensation)
                .push_back(makeTerm(compensation, *branch.compensationOut, column, -1.0));
        }
    }
    const at::Tensor hidden = fresh ? tap.hidden.index_select(0, rows) : at::Tensor();
    for (auto& [unit, parts] : units) {
        if (fresh) {
            parts.knowledge.push_back(makeTerm(hidden, *site.composite->out(), unit, 1.0));
            infos.push_back(summarise(unit, parts));
        } else {
            constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();
            infos.push_back({unit, parts.events, kUnknown, kUnknown, kUnknown, kUnknown});
        }
    }
    return infos;
}

} // namespace knife
