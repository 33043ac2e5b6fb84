// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plot/axis_ticker.h"

#include "widgets/format.h"
#include "widgets/plot/qcp.h"
#include "widgets/plot/ticks.h"

namespace knife {

namespace {

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

} // namespace knife
