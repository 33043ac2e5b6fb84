// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plot/decimate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace knife {

namespace {

constexpr double kGap = std::numeric_limits<double>::quiet_NaN();

/// Half-open range of indices.
struct Slice {
    std::size_t begin = 0;
    std::size_t end = 0;
    [[nodiscard]] std::size_t size() const { return end - begin; }
};

/// The points inside the range, and one more on either side.
Slice visibleSlice(std::span<const double> x, PlotRange range) {
    const auto first = std::lower_bound(x.begin(), x.end(), range.lower);
    const auto last = std::upper_bound(first, x.end(), range.upper);
    const auto begin = static_cast<std::size_t>(first - x.begin());
    const auto end = static_cast<std::size_t>(last - x.begin());
    return {begin > 0 ? begin - 1 : 0, std::min(end + 1, x.size())};
}

/// Right edge of a pixel column, in x.
double columnEdge(PlotRange range, int column, int columns, AxisScale scale) {
    const double share = static_cast<double>(column + 1) / columns;
    if (scale == AxisScale::Log && range.lower > 0.0) {
        return range.lower * std::pow(range.upper / range.lower, share);
    }
    return range.lower + range.size() * share;
}

/// Calls visit(Slice) for the points of each column in turn; the outer neighbours come as columns of their own.
template <typename Visit>
void forEachColumn(std::span<const double> x, Slice all, PlotRange range, int columns, AxisScale scale, Visit visit) {
    std::size_t begin = all.begin;
    std::size_t end = all.end;
    if (begin < end && x[begin] < range.lower) {
        visit(Slice{begin, begin + 1});
        ++begin;
    }
    const bool after = begin < end && x[end - 1] > range.upper;
    if (after) {
        --end;
    }
    for (int column = 0; column < columns && begin < end; ++column) {
        const double edge = columnEdge(range, column, columns, scale);
        const auto next =
            column + 1 == columns
                ? end
                : static_cast<std::size_t>(std::upper_bound(x.begin() + static_cast<std::ptrdiff_t>(begin),
                                                            x.begin() + static_cast<std::ptrdiff_t>(end), edge) -
                                           x.begin());
        if (next > begin) {
            visit(Slice{begin, next});
        }
        begin = next;
    }
    if (after) {
        visit(Slice{end, end + 1});
    }
}

/// Collects envelope points and breaks the line where samples without a value lie between two columns.
class Envelope {
  public:
    Envelope(std::span<const double> x, std::span<const double> y, std::size_t capacity) : m_x(x), m_y(y) {
        m_line.x.reserve(capacity);
        m_line.y.reserve(capacity);
    }

    void add(Slice column) {
        std::size_t first = column.end;
        std::size_t last = column.end;
        std::size_t low = 0;
        std::size_t high = 0;
        for (std::size_t i = column.begin; i < column.end; ++i) {
            const double value = m_y[i];
            if (!std::isfinite(value)) {
                continue;
            }
            if (first == column.end) {
                first = low = high = i;
            }
            low = value < m_y[low] ? i : low;
            high = value > m_y[high] ? i : high;
            last = i;
        }
        if (first == column.end) {
            return;
        }
        if (m_anything && first != m_lastFinite + 1) {
            m_line.x.push_back(m_x[first]);
            m_line.y.push_back(kGap);
        }
        push(std::min(low, high));
        if (low != high) {
            push(std::max(low, high));
        }
        m_lastFinite = last;
        m_anything = true;
    }

    Polyline take() && { return std::move(m_line); }

  private:
    void push(std::size_t i) {
        m_line.x.push_back(m_x[i]);
        m_line.y.push_back(m_y[i]);
    }

    std::span<const double> m_x;
    std::span<const double> m_y;
    Polyline m_line;
    std::size_t m_lastFinite = 0;
    bool m_anything = false;
};

Polyline copied(std::span<const double> x, std::span<const double> y, Slice slice) {
    Polyline line;
    line.x.assign(x.begin() + static_cast<std::ptrdiff_t>(slice.begin),
                  x.begin() + static_cast<std::ptrdiff_t>(slice.end));
    line.y.reserve(slice.size());
    for (std::size_t i = slice.begin; i < slice.end; ++i) {
        line.y.push_back(std::isfinite(y[i]) ? y[i] : kGap);
    }
    return line;
}

} // namespace

Polyline decimate(std::span<const double> x, std::span<const double> y, PlotRange range, int columns,
                  AxisScale xScale) {
    const std::size_t count = std::min(x.size(), y.size());
    x = x.first(count);
    y = y.first(count);
    if (count == 0 || columns < 1 || !(range.upper > range.lower)) {
        return {};
    }
    const Slice slice = visibleSlice(x, range);
    const auto budget = 2 * static_cast<std::size_t>(columns);
    if (slice.size() <= budget) {
        return copied(x, y, slice);
    }
    Envelope envelope(x, y, budget + 2);
    forEachColumn(x, slice, range, columns, xScale, [&](Slice column) { envelope.add(column); });
    Polyline line = std::move(envelope).take();
    line.envelope = true;
    return line;
}

BandOutline decimateBand(std::span<const double> x, std::span<const double> lower, std::span<const double> upper,
                         PlotRange range, int columns, AxisScale xScale) {
    const std::size_t count = std::min({x.size(), lower.size(), upper.size()});
    x = x.first(count);
    BandOutline band;
    if (count == 0 || columns < 1 || !(range.upper > range.lower)) {
        return band;
    }
    const auto addColumn = [&](Slice column) {
        double low = kGap;
        double high = kGap;
        for (std::size_t i = column.begin; i < column.end; ++i) {
            low = std::fmin(low, lower[i]); // fmin and fmax pass over NaN
            high = std::fmax(high, upper[i]);
        }
        band.x.push_back(std::midpoint(x[column.begin], x[column.end - 1]));
        band.lower.push_back(low);
        band.upper.push_back(high);
    };
    const Slice slice = visibleSlice(x, range);
    if (slice.size() <= static_cast<std::size_t>(columns)) {
        for (std::size_t i = slice.begin; i < slice.end; ++i) {
            addColumn({i, i + 1});
        }
    } else {
        forEachColumn(x, slice, range, columns, xScale, addColumn);
    }
    return band;
}

} // namespace knife
