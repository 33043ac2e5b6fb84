// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plot/ticks.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "widgets/format.h"

namespace knife {

namespace {

constexpr int kMaxDecimals = 6;

/// Whether this many decimals lose nothing of any tick, measured by the distance of the ticks.
bool allFit(std::span<const double> ticks, double step, double unit, int decimals) {
    const double scale = std::pow(10.0, decimals) / unit;
    return std::all_of(ticks.begin(), ticks.end(), [=](double tick) {
        return std::abs(tick * scale - std::round(tick * scale)) <= 1e-3 * step * scale;
    });
}

} // namespace

double niceAbove(double value) {
    const double power = std::pow(10.0, std::floor(std::log10(value)));
    for (const double factor : {1.0, 2.0, 5.0}) {
        if (factor * power >= value * (1.0 - 1e-12)) {
            return factor * power;
        }
    }
    return 10.0 * power;
}

std::vector<double> niceTicks(PlotRange range, int count) {
    std::vector<double> ticks;
    if (!(range.size() > 0.0) || count < 1) {
        return ticks;
    }
    const double step = niceAbove(range.size() / count);
    // Counted, not summed up: steps that are no binary fraction would drift.
    const auto first = static_cast<long long>(std::ceil(range.lower / step - 1e-9));
    const auto last = static_cast<long long>(std::floor(range.upper / step + 1e-9));
    for (long long i = first; i <= last; ++i) {
        ticks.push_back(static_cast<double>(i) * step);
    }
    return ticks;
}

std::vector<QString> tickLabels(std::span<const double> ticks) {
    double largest = 0.0;
    for (const double tick : ticks) {
        largest = std::max(largest, std::abs(tick));
    }
    const double step = ticks.size() > 1 ? std::abs(ticks[1] - ticks[0]) : largest;
    constexpr std::array<const char*, 5> kSuffixes = {"", "k", "M", "G", "T"};
    std::size_t suffix = 0;
    double unit = 1.0;
    while (largest / unit >= 1000.0 && suffix + 1 < kSuffixes.size()) {
        unit *= 1000.0;
        ++suffix;
    }
    int decimals = 0;
    while (decimals <= kMaxDecimals && !allFit(ticks, step, unit, decimals)) {
        ++decimals;
    }
    std::vector<QString> labels;
    labels.reserve(ticks.size());
    for (const double tick : ticks) {
        // A tick next to zero is zero: the spacing is what its digits are made for.
        const double value = std::abs(tick) < 1e-6 * step ? 0.0 : tick;
        if (decimals > kMaxDecimals || largest / unit >= 1e6) {
            labels.push_back(formatValue(value));
            continue;
        }
        QString text = QString::number(value / unit, 'f', decimals).replace(QLatin1Char('-'), QChar(0x2212));
        labels.push_back(value == 0.0 ? QStringLiteral("0") : text + QLatin1String(kSuffixes[suffix]));
    }
    return labels;
}

QString widestTickLabel() {
    return QStringLiteral("−0.000M");
}

} // namespace knife
