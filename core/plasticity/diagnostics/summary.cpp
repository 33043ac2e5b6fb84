// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/diagnostics/summary.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <utility>

namespace knife {

namespace {

double tenthPercentile(std::vector<float> values) {
    if (values.empty()) {
        return std::numeric_limits<double>::quiet_NaN();
    }
    const auto rank = static_cast<std::ptrdiff_t>(values.size() / 10);
    std::ranges::nth_element(values, values.begin() + rank);
    return static_cast<double>(values[static_cast<std::size_t>(rank)]);
}

// Unit counts behind the shares of one or many sites.
struct Tally {
    std::vector<float> rua; ///< measured ones
    double volatileUnits = 0.0;
    FlagOverlap overlap;

    Tally& operator+=(const Tally& other) {
        rua.insert(rua.end(), other.rua.begin(), other.rua.end());
        volatileUnits += other.volatileUnits;
        overlap += other.overlap;
        return *this;
    }

    [[nodiscard]] StagnationSummary summary(std::string site) const {
        return {.site = std::move(site),
                .stagnant = overlap.share(UnitFlag::Stagnant),
                .volatileShare = rua.empty() ? std::numeric_limits<double>::quiet_NaN()
                                             : volatileUnits / static_cast<double>(rua.size()),
                .dormant = overlap.share(UnitFlag::Dormant),
                .dead = overlap.share(UnitFlag::Dead),
                .ruaP10 = tenthPercentile(rua),
                .lowGrama = overlap.share(UnitFlag::LowGrama),
                .futile = overlap.share(UnitFlag::Futile),
                .overActive = overlap.share(UnitFlag::OverActive),
                .overlap = overlap,
                .turnover = {}};
    }
};

Tally tallySite(const SiteSnapshot& site, const DiagnosticsConfig& config) {
    Tally tally;
    tally.overlap = countOverlap(markUnits(site, unitLimits(config)));
    if (const UnitDiagnostic* rua = site.find("rua")) {
        std::ranges::copy_if(rua->values, std::back_inserter(tally.rua), [](float v) { return !std::isnan(v); });
        tally.volatileUnits = static_cast<double>(
            std::ranges::count_if(tally.rua, [&](float v) { return static_cast<double>(v) > config.volatileAbove; }));
    }
    return tally;
}

} // namespace

std::vector<StagnationSummary> summarise(const NeuronFrame& frame, const DiagnosticsConfig& config) {
    std::vector<StagnationSummary> summaries;
    Tally pooled;
    for (const SiteSnapshot& site : frame.sites) {
        const Tally tally = tallySite(site, config);
        pooled += tally;
        summaries.push_back(tally.summary(site.name));
    }
    summaries.push_back(pooled.summary({}));
    return summaries;
}

} // namespace knife
