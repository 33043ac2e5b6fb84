// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plot/plot_data.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace knife {

namespace {

/// Enough for stable 5 % and 95 % quantiles; more would only cost time at every repaint.
constexpr std::size_t kQuantileSamples = 20'000;
constexpr double kOutlierFence = 2.0;
constexpr double kMargin = 0.06;

bool drawable(double value, AxisScale scale) {
    return std::isfinite(value) && (scale == AxisScale::Linear || value > 0.0);
}

class Extent {
  public:
    explicit Extent(AxisScale scale) : m_scale(scale) {}

    void add(std::span<const double> values) {
        for (const double value : values) {
            if (drawable(value, m_scale)) {
                m_lower = m_any ? std::min(m_lower, value) : value;
                m_upper = m_any ? std::max(m_upper, value) : value;
                m_any = true;
            }
        }
    }
    [[nodiscard]] std::optional<PlotRange> range() const {
        return m_any ? std::optional<PlotRange>({m_lower, m_upper}) : std::nullopt;
    }

  private:
    AxisScale m_scale;
    bool m_any = false;
    double m_lower = 0.0;
    double m_upper = 0.0;
};

/// The values of those points whose x lies in the range.
std::span<const double> within(const std::vector<double>& x, const std::vector<double>& y, PlotRange range) {
    const auto first = std::lower_bound(x.begin(), x.end(), range.lower);
    const auto last = std::upper_bound(first, x.end(), range.upper);
    return {y.data() + (first - x.begin()), static_cast<std::size_t>(last - first)};
}

double quantile(std::vector<double>& values, double share) {
    const auto place = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), values.begin() + place, values.end());
    return values[static_cast<std::size_t>(place)];
}

} // namespace

std::optional<PlotRange> xExtentOf(const std::vector<PlotSeries>& series, AxisScale scale) {
    Extent extent(scale);
    for (const PlotSeries& one : series) {
        for (const std::vector<double>* x : {&one.x, &one.bandX}) {
            if (x->empty()) {
                continue;
            }
            const auto first = scale == AxisScale::Log ? std::upper_bound(x->begin(), x->end(), 0.0) : x->begin();
            if (first != x->end()) {
                extent.add(std::span(&*first, 1));
                extent.add(std::span(&x->back(), 1));
            }
        }
    }
    return extent.range();
}

std::optional<PlotRange> yExtentOf(const std::vector<PlotSeries>& series, PlotRange x, AxisScale scale,
                                   OutlierRule rule) {
    Extent extent(scale);
    std::size_t points = 0;
    for (const PlotSeries& one : series) {
        const auto values = within(one.x, one.y, x);
        extent.add(values);
        extent.add(within(one.bandX, one.bandLower, x));
        extent.add(within(one.bandX, one.bandUpper, x));
        points += values.size();
    }
    std::optional<PlotRange> range = extent.range();
    if (!range) {
        return range;
    }
    if (rule == OutlierRule::SetAside && points >= 20) {
        std::vector<double> sample;
        const std::size_t stride = points / kQuantileSamples + 1;
        for (const PlotSeries& one : series) {
            const auto values = within(one.x, one.y, x);
            for (std::size_t i = 0; i < values.size(); i += stride) {
                if (drawable(values[i], scale)) {
                    sample.push_back(scale == AxisScale::Log ? std::log(values[i]) : values[i]);
                }
            }
        }
        const double low = sample.empty() ? 0.0 : quantile(sample, 0.05);
        const double high = sample.empty() ? 0.0 : quantile(sample, 0.95);
        const double fence = kOutlierFence * (high - low);
        if (fence > 0.0) {
            const auto back = [scale](double value) {
                return scale == AxisScale::Log ? std::exp(value) : value;
            };
            range = {std::max(range->lower, back(low - fence)), std::min(range->upper, back(high + fence))};
        }
    }
    return withMargin(*range, kMargin, scale);
}

PlotRange withMargin(PlotRange range, double share, AxisScale scale) {
    if (scale == AxisScale::Log) {
        const double factor = range.upper > range.lower ? std::pow(range.upper / range.lower, share) : 2.0;
        return {range.lower / factor, range.upper * factor};
    }
    double margin = share * range.size();
    if (!(margin > 0.0)) {
        margin = range.lower != 0.0 ? 0.1 * std::abs(range.lower) : 1.0;
    }
    return {range.lower - margin, range.upper + margin};
}

std::optional<std::size_t> pointBefore(const PlotSeries& series, double x) {
    auto place = std::upper_bound(series.x.begin(), series.x.end(), x) - series.x.begin();
    while (place > 0) {
        --place;
        if (std::isfinite(series.y[static_cast<std::size_t>(place)])) {
            return static_cast<std::size_t>(place);
        }
    }
    return std::nullopt;
}

QString tableOf(const std::vector<PlotSeries>& series, PlotRange x, const QString& xTitle) {
    QStringList header(xTitle);
    std::vector<double> places;
    for (const PlotSeries& one : series) {
        header.append(one.style.label.isEmpty() ? one.id : one.style.label);
        const auto inside = within(one.x, one.x, x);
        places.insert(places.end(), inside.begin(), inside.end());
    }
    std::sort(places.begin(), places.end());
    places.erase(std::unique(places.begin(), places.end()), places.end());

    QString text = header.join(QLatin1Char('\t')) + QLatin1Char('\n');
    std::vector<std::size_t> next(series.size(), 0);
    for (const double place : places) {
        text += QString::number(place, 'g', 17);
        for (std::size_t i = 0; i < series.size(); ++i) {
            const PlotSeries& one = series[i];
            while (next[i] < one.x.size() && one.x[next[i]] < place) {
                ++next[i];
            }
            text += QLatin1Char('\t');
            if (next[i] < one.x.size() && one.x[next[i]] == place) {
                text += QString::number(one.y[next[i]], 'g', 17);
            }
        }
        text += QLatin1Char('\n');
    }
    return text;
}

} // namespace knife
