// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stats/continual.h"

#include <algorithm>
#include <cassert>
#include <cmath>
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

double meanTransfer(std::span<const double> perTask) {
    std::vector<double> defined;
    for (std::size_t k = 1; k < perTask.size(); ++k) {
        if (!std::isnan(perTask[k])) {
            defined.push_back(perTask[k]);
        }
    }
    return mean(defined);
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
