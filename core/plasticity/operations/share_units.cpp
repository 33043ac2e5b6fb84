// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/operations/share_units.h"

#include <algorithm>
#include <cstdint>
#include <map>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "core/nets/initialise.h"
#include "core/nets/live_unit.h"
#include "core/plasticity/operations/moments.h"

namespace knife {

namespace {

at::Tensor column(const LiveUnit::Outgoing& outgoing) {
    return outgoing.weight->value.detach().select(1, outgoing.column);
}

at::Tensor row(const LiveUnit& unit) {
    return unit.weight->value.detach().select(0, unit.row);
}

at::Tensor biasEntry(const LiveUnit& unit) {
    return unit.bias->value.detach().select(0, unit.row);
}

// Sets a unit back: fresh incoming weights, no outgoing ones.
void refresh(const LiveUnit& unit, CounterRng& rng) {
    const double bound = linearBound(unit.weight->value.size(1));
    at::Tensor incoming = at::empty({unit.weight->value.size(1)});
    float* values = incoming.data_ptr<float>();
    for (std::int64_t i = 0; i < incoming.numel(); ++i) {
        values[i] = static_cast<float>(rng.uniform(-bound, bound));
    }
    row(unit).copy_(incoming);
    biasEntry(unit).fill_(rng.uniform(-bound, bound));
    for (const LiveUnit::Outgoing& outgoing : unit.outgoing) {
        column(outgoing).zero_();
    }
}

// [outputs, count] shares that sum to one in every row.
at::Tensor drawShares(std::int64_t outputs, std::int64_t count, CounterRng& rng) {
    at::Tensor normals = at::empty({outputs, count}, at::kDouble);
    double* values = normals.data_ptr<double>();
    for (std::int64_t i = 0; i < normals.numel(); ++i) {
        values[i] = rng.normal();
    }
    return at::softmax(normals, 1);
}

// The donor's incoming weights times r go to every partner, its outgoing ones are divided between all of them.
void share(const LiveUnit& donor, const std::vector<LiveUnit>& partners, const ShareUnitsSettings& settings,
           CounterRng& rng) {
    std::vector<double> factors;
    for (const LiveUnit& partner : partners) {
        factors.push_back(rng.uniform(settings.low, settings.high));
        row(partner).copy_(row(donor) * factors.back());
        biasEntry(partner).copy_(biasEntry(donor) * factors.back());
    }
    for (std::size_t k = 0; k < donor.outgoing.size(); ++k) {
        const at::Tensor whole = column(donor.outgoing[k]).to(at::kDouble);
        const at::Tensor shares =
            drawShares(whole.numel(), static_cast<std::int64_t>(partners.size()) + 1, rng).to(whole.device());
        for (std::size_t m = 0; m < partners.size(); ++m) {
            const at::Tensor part = whole * shares.select(1, static_cast<std::int64_t>(m) + 1) / factors[m];
            column(partners[m].outgoing[k]).copy_(part);
        }
        column(donor.outgoing[k]).copy_(whole * shares.select(1, 0));
    }
}

// Moments of every row and column that was written, parameter by parameter: mean_fill must not average over entries
// that it is about to replace.
void settle(const std::vector<LiveUnit>& written, OptimiserPolicy policy) {
    std::map<std::pair<const Parameter*, std::int64_t>, std::vector<std::int64_t>> touched;
    for (const LiveUnit& unit : written) {
        touched[{unit.weight, 0}].push_back(unit.row);
        touched[{unit.bias, 0}].push_back(unit.row);
        for (const LiveUnit::Outgoing& outgoing : unit.outgoing) {
            touched[{outgoing.weight, 1}].push_back(outgoing.column);
        }
    }
    for (const auto& [place, indices] : touched) {
        settleMoments(*place.first, place.second, indices, policy);
    }
}

void shareAt(const Site& site, const SiteOperation& operation, const ShareUnitsSettings& settings,
             OptimiserPolicy policy, const SurgeryDraws& draws) {
    const SurgeryDraws::Stream stream = draws.stream(site.name + "/share");
    CounterRng rng(stream);
    std::map<int, std::vector<LiveUnit>> partnersOf;
    std::vector<LiveUnit> written;
    for (std::size_t i = 0; i < operation.units.size(); ++i) {
        const LiveUnit unit = liveUnit(site, operation.units[i]);
        refresh(unit, rng);
        written.push_back(unit);
        if (const int donor = operation.partners.empty() ? -1 : operation.partners[i]; donor >= 0) {
            partnersOf[donor].push_back(unit);
        }
    }
    for (const auto& [donor, partners] : partnersOf) {
        const LiveUnit unit = liveUnit(site, donor);
        share(unit, partners, settings, rng);
        written.push_back(unit);
    }
    settle(written, policy);
}

Result<void> checkDonors(const SiteOperation& operation, const Site& site) {
    for (const int donor : operation.partners) {
        if (donor < -1 || donor >= site.units || std::ranges::binary_search(operation.units, donor)) {
            return fail(ErrorCode::Usage, fmt::format("unit {} of site \"{}\" cannot be a donor: it must be one of the "
                                                      "site's that is not replaced itself",
                                                      donor, site.name));
        }
    }
    return {};
}

// A unit of the plan that has clones; -1: none.
int firstSplit(const SiteOperation& operation, const Site& site) {
    for (const std::vector<int>* units : {&operation.units, &operation.partners}) {
        const auto found = std::ranges::find_if(*units, [&](int unit) { return isSplit(site, unit); });
        if (found != units->end()) {
            return *found;
        }
    }
    return -1;
}

} // namespace

bool isSplit(const Site& site, int unit) {
    return site.composite != nullptr && site.composite->clones().has(unit);
}

void describe(FieldVisitor& visitor, ShareUnitsSettings& settings) {
    visitor.field("low", settings.low, {"smallest factor on incoming weights"}, {0.01, 1});
    visitor.field("high", settings.high, {"largest factor on incoming weights"}, {0.01, 1});
}

std::string refuseSharing(const Site& site) {
    if (site.weight == nullptr || site.consumers.empty()) {
        return site.name + " has no weights of its own on one of its sides, so there is nothing to share";
    }
    if (!site.scales) {
        return site.name + " is not homogeneous: a unit with scaled weights does not give scaled values";
    }
    return besideComposites(site);
}

Result<void> ShareUnits::check(const SurgeryPlan& plan, const FactorizedNet& net) const {
    if (!plan.modules.empty()) {
        return fail(ErrorCode::Usage, "units share their weights with units; the plan names whole modules");
    }
    if (m_settings.low > m_settings.high) {
        return fail(ErrorCode::Usage, "the smallest factor on incoming weights is above the largest");
    }
    for (const SiteOperation& operation : plan.operations) {
        const Site& site = *net.sites().find(operation.site);
        if (std::string refusal = refuseSharing(site); !refusal.empty()) {
            return fail(ErrorCode::Unsupported, std::move(refusal));
        }
        if (auto sound = checkDonors(operation, site); !sound) {
            return sound;
        }
        if (const int split = firstSplit(operation, site); split >= 0) {
            return fail(ErrorCode::Unsupported, fmt::format("unit {} of site \"{}\" is split between agents, so that "
                                                            "no one share of it can be given or taken",
                                                            split, site.name));
        }
    }
    return {};
}

void ShareUnits::apply(FactorizedNet& net, const SurgeryPlan& plan, const SurgeryDraws& draws) const {
    for (const SiteOperation& operation : plan.operations) {
        shareAt(*net.sites().find(operation.site), operation, m_settings, plan.optimiser, draws);
    }
}

std::vector<SiteReceipt> ShareUnits::receipts(const FactorizedNet&, const SurgeryPlan& plan) const {
    std::vector<SiteReceipt> receipts;
    for (const SiteOperation& operation : plan.operations) {
        receipts.push_back({.site = operation.site, .units = operation.units, .kind = "reborn", .ruaBefore = {}});
    }
    return receipts;
}

} // namespace knife
