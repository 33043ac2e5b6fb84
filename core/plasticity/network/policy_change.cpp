// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/network/policy_change.h"

#include <ATen/ATen.h>

namespace knife {

namespace {

double meanWhere(const at::Tensor& values, const at::Tensor& where) {
    return values.masked_select(where).to(at::kDouble).mean().item<double>();
}

} // namespace

PolicyChange changeBetween(const NetReading& a, const NetReading& b, const ProbeBatch& probe) {
    const at::NoGradGuard noGrad;
    const auto acting = [&](const at::Tensor& inTime) {
        return inTime.slice(0, 0, probe.steps);
    };
    const at::Tensor unavailable = acting(probe.unavailable);
    const at::Tensor alive = probe.alive();
    const at::Tensor differs =
        greedyActions(acting(a.values), unavailable).ne(greedyActions(acting(b.values), unavailable));
    const at::Tensor valued = alive.unsqueeze(3).logical_and(unavailable.logical_not());
    const at::Tensor valid = probe.valid.reshape({-1}).gt(0.5);
    return {.policy = meanWhere(differs, alive),
            .joint = meanWhere(differs.logical_and(alive).any(2), alive.any(2)),
            .q = meanWhere((acting(a.values) - acting(b.values)).abs(), valued),
            .qTot = meanWhere((a.qTot - b.qTot).abs().reshape({-1}), valid)};
}

void putChange(const PolicyChange& change, const std::string& against, std::vector<NetworkValue>& out) {
    out.push_back({"churn/policy/" + against, change.policy});
    out.push_back({"churn/joint/" + against, change.joint});
    out.push_back({"churn/q/" + against, change.q});
    out.push_back({"churn/q_tot/" + against, change.qTot});
}

} // namespace knife
