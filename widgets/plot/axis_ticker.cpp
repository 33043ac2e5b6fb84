// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plot/axis_ticker.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "widgets/format.h"
#include "widgets/plot/qcp.h"

namespace knife {

namespace {

constexpr int kMaxDecimals = 6;

class LinearTicker final : public QCPAxisTicker {
  protected:
    QVector<QString> createLabelVector(const QVector<double>& ticks, const QLocale& /*locale*/, QChar /*format*/,
                                       int /*precision*/) override {
        const std::vector<QString> labels =
            tickLabels(std::span(ticks.constData(), static_cast<std::size_t>(ticks.size())));
        return {labels.begin(), labels.end()};
    }
};

class LogTicker final : public QCPAxisTickerLog {
  protected:
    QString getTickLabel(double tick, const QLocale& /*locale*/, QChar /*format*/, int /*precision*/) override {
        return tick >= 1000.0 && tick < 1e15 ? formatCount(tick) : formatValue(tick);
    }
};

} // namespace

QSharedPointer<QCPAxisTicker> makeAxisTicker(AxisScale scale) {
    if (scale == AxisScale::Log) {
        return QSharedPointer<LogTicker>::create();
    }
    auto ticker = QSharedPointer<LinearTicker>::create();
    ticker->setTickStepStrategy(QCPAxisTicker::tssReadability);
    return ticker;
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
    const int decimals = step > 0.0 ? static_cast<int>(std::ceil(-std::log10(step / unit) - 1e-9)) : 0;
    std::vector<QString> labels;
    labels.reserve(ticks.size());
    for (const double tick : ticks) {
        // A tick next to zero is zero: the spacing is what its digits are made for.
        const double value = std::abs(tick) < 1e-6 * step ? 0.0 : tick;
        if (decimals > kMaxDecimals || largest / unit >= 1e6) {
            labels.push_back(formatValue(value));
            continue;
        }
        QString text =
            QString::number(value / unit, 'f', std::max(decimals, 0)).replace(QLatin1Char('-'), QChar(0x2212));
        labels.push_back(value == 0.0 ? QStringLiteral("0") : text + QLatin1String(kSuffixes[suffix]));
    }
    return labels;
}

QString widestTickLabel() {
    return QStringLiteral("−0.000M");
}

} // namespace knife
