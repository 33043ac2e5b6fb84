// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plot/colour_map.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include <QPalette>

#include "widgets/theme.h"

namespace knife {

namespace {

/// A colour in Oklab (Ottosson 2020), where equal steps look equally large.
struct Lab {
    double l = 0.0;
    double a = 0.0;
    double b = 0.0;
};

double toLinear(double channel) {
    return channel <= 0.04045 ? channel / 12.92 : std::pow((channel + 0.055) / 1.055, 2.4);
}

double fromLinear(double channel) {
    const double value = std::clamp(channel, 0.0, 1.0);
    return value <= 0.0031308 ? 12.92 * value : 1.055 * std::pow(value, 1.0 / 2.4) - 0.055;
}

Lab labOf(QRgb colour) {
    const double r = toLinear(qRed(colour) / 255.0);
    const double g = toLinear(qGreen(colour) / 255.0);
    const double b = toLinear(qBlue(colour) / 255.0);
    const double l = std::cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
    const double m = std::cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
    const double s = std::cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
    return {0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
            1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
            0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s};
}

QRgb rgbOf(const Lab& lab) {
    const double l = std::pow(lab.l + 0.3963377774 * lab.a + 0.2158037573 * lab.b, 3.0);
    const double m = std::pow(lab.l - 0.1055613458 * lab.a - 0.0638541728 * lab.b, 3.0);
    const double s = std::pow(lab.l - 0.0894841775 * lab.a - 1.2914855480 * lab.b, 3.0);
    const auto channel = [](double linear) {
        return static_cast<int>(std::lround(255.0 * fromLinear(linear)));
    };
    return qRgb(channel(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
                channel(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
                channel(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s));
}

/// Hues come from the anchors, lightness from a straight line between the two ends of each half: that is what makes
/// equal differences of value look equal.
ColourTable tableThrough(std::span<const QRgb> anchors, bool twoSided) {
    std::vector<Lab> labs;
    std::transform(anchors.begin(), anchors.end(), std::back_inserter(labs), labOf);
    const double first = labs.front().l;
    const double last = labs.back().l;
    const double middle = twoSided ? labs[labs.size() / 2].l : 0.5 * (first + last);
    ColourTable table{};
    for (std::size_t i = 0; i < table.size(); ++i) {
        const double t = static_cast<double>(i) / static_cast<double>(table.size() - 1);
        const double place = t * static_cast<double>(labs.size() - 1);
        const auto left = std::min(static_cast<std::size_t>(place), labs.size() - 2);
        const double share = place - static_cast<double>(left);
        const double light = t < 0.5 ? std::lerp(first, middle, 2.0 * t) : std::lerp(middle, last, 2.0 * t - 1.0);
        table[i] = rgbOf({light, std::lerp(labs[left].a, labs[left + 1].a, share),
                          std::lerp(labs[left].b, labs[left + 1].b, share)});
    }
    return table;
}

constexpr QRgb kSequential[] = {0xff2a1a5e, 0xff2b4a8c, 0xff23768f, 0xff2a9d7f, 0xff86bf4b, 0xfff4e04d};
constexpr QRgb kDivergingLight[] = {0xff143c78, 0xff3c86c2, 0xfff2f1ee, 0xffd8705a, 0xff78141e};
constexpr QRgb kDivergingDark[] = {0xff9ad4ff, 0xff3d7cb8, 0xff232427, 0xffb8503c, 0xffffb49a};

constexpr int kSeries = 8;
constexpr QRgb kSeriesLight[kSeries] = {0xff0b5fa5, 0xffc8500a, 0xff0a7d5a, 0xffb0337f,
                                        0xff6a4fb3, 0xff8a6a00, 0xff2b8fb8, 0xff5c5c5c};
constexpr QRgb kSeriesDark[kSeries] = {0xff62b5f5, 0xffff9a52, 0xff3fd0a0, 0xfff08cc8,
                                       0xffb7a3f5, 0xffe6c84b, 0xff7fe0f0, 0xffc0c0c0};

} // namespace

const ColourTable& colourTable(ColourMap map) {
    static const ColourTable sequential = tableThrough(kSequential, false);
    static const ColourTable light = tableThrough(kDivergingLight, true);
    static const ColourTable dark = tableThrough(kDivergingDark, true);
    switch (map) {
    case ColourMap::DivergingLight:
        return light;
    case ColourMap::DivergingDark:
        return dark;
    case ColourMap::Sequential:
        break;
    }
    return sequential;
}

ColourMap divergingMap(const QPalette& palette) {
    return isDark(palette) ? ColourMap::DivergingDark : ColourMap::DivergingLight;
}

std::optional<double> ColourScale::position(double value) const {
    if (std::isnan(value)) {
        return std::nullopt;
    }
    double low = lower;
    double high = upper;
    double at = value;
    if (kind == Kind::Log || kind == Kind::LogAroundOne) {
        low = std::log(std::max(lower, 1e-300));
        high = std::log(std::max(upper, 1e-300));
        at = value > 0.0 ? std::log(value) : low;
    }
    if (!(high > low)) {
        return 0.5;
    }
    return std::clamp((at - low) / (high - low), 0.0, 1.0);
}

double ColourScale::value(double position) const {
    if (kind == Kind::Log || kind == Kind::LogAroundOne) {
        return lower * std::pow(upper / lower, position);
    }
    return std::lerp(lower, upper, position);
}

ColourMap ColourScale::map(const QPalette& palette) const {
    return diverging() ? divergingMap(palette) : ColourMap::Sequential;
}

QRgb missingColour(const QPalette& palette) {
    const QColor base = palette.color(QPalette::Base);
    const QColor text = palette.color(QPalette::Text);
    const auto blend = [](int one, int other) {
        return (4 * one + other) / 5;
    };
    return qRgb(blend(base.red(), text.red()), blend(base.green(), text.green()), blend(base.blue(), text.blue()));
}

QColor readableOn(const QColor& background) {
    return contrast(Qt::white, background) > contrast(Qt::black, background) ? Qt::white : Qt::black;
}

QColor seriesColour(int index, const QPalette& palette) {
    const int place = ((index % kSeries) + kSeries) % kSeries;
    return isDark(palette) ? kSeriesDark[place] : kSeriesLight[place];
}

int dashIndex(int series) {
    return std::max(series, 0) / kSeries;
}

} // namespace knife
