// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stats/continual.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <iterator>
#include <limits>

#include "core/stats/aggregate.h"

namespace knife {

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

} // namespace

double adaptationGap(double area, double freshArea) {
    return freshArea - area;
}

double forwardTransfer(double area, double freshArea) {
    return freshArea < 1.0 ? (area - freshArea) / (1.0 - freshArea) : kNone;
}

double relativeTransfer(double area, double freshArea) {
    return freshArea < kSmallestArea ? kNone : (area - freshArea) / freshArea;
}

double relativePlasticity(double area, double freshArea) {
    return freshArea < kSmallestArea ? kNone : area / freshArea;
}

double meanOfDefined(std::span<const double> perTask) {
    std::vector<double> defined;
    std::ranges::copy_if(perTask, std::back_inserter(defined), [](double value) { return !std::isnan(value); });
    return mean(defined);
}

double meanTransfer(std::span<const double> perTask) {
    return meanOfDefined(perTask.subspan(std::min<std::size_t>(1, perTask.size())));
}

std::vector<Recurrence> recurrences(std::span<const std::string> identities) {
    std::vector<Recurrence> found;
    for (std::size_t k = 0; k < identities.size(); ++k) {
        Recurrence again{.task = k, .first = k, .previous = k, .visit = 1};
        for (std::size_t before = 0; before < k; ++before) {
            if (identities[before] == identities[k]) {
                again.first = std::min(again.first, before);
                again.previous = before;
                ++again.visit;
            }
        }
        if (again.visit > 1) {
            found.push_back(again);
        }
    }
    return found;
}

RestrictedMean restrictedMean(std::span<const std::optional<double>> steps, double horizon) {
    std::vector<double> restricted;
    std::vector<double> reached;
    for (const std::optional<double>& needed : steps) {
        restricted.push_back(std::min(needed.value_or(horizon), horizon));
        reached.push_back(needed && *needed <= horizon ? 1.0 : 0.0);
    }
    return {mean(restricted), mean(reached)};
}

Retention retention(std::span<const double> ownEnds, std::span<const double> atEnd) {
    assert(ownEnds.size() == atEnd.size());
    std::vector<double> lost;
    for (std::size_t task = 0; task + 1 < atEnd.size(); ++task) {
        lost.push_back(ownEnds[task] - atEnd[task]);
    }
    const double forgetting = mean(lost);
    return {mean(atEnd), forgetting, -forgetting};
}

} // namespace knife
