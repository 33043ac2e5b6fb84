// SPDX-License-Identifier: GPL-3.0-or-later
// Colours that mean something: maps for heatmaps, the fixed order of series colours, and how a value finds its colour.
#pragma once

#include <array>
#include <optional>

#include <QColor>

class QPalette;

namespace knife {

enum class ColourMap {
    Sequential,     ///< dark blue to bright yellow, lightness rises evenly
    DivergingLight, ///< blue, near white in the middle, red: for light windows
    DivergingDark,  ///< bright blue, near black in the middle, bright red: for dark windows
};

using ColourTable = std::array<QRgb, 256>;

/// 256 steps from the lowest to the highest value. Computed once per process.
[[nodiscard]] const ColourTable& colourTable(ColourMap map);

/// The diverging map that suits the window.
[[nodiscard]] ColourMap divergingMap(const QPalette& palette);

/// From a value to a colour. A range that is locked stays as it is while data change.
struct ColourScale {
    enum class Kind {
        Linear,       ///< lower at the first colour, upper at the last
        Log,          ///< the same in the logarithm; values at or below zero take the first colour
        LogAroundOne, ///< diverging, 1 in the middle: for relative activity
        AroundZero,   ///< diverging, 0 in the middle: for signed values
    };
    Kind kind = Kind::Linear;
    double lower = 0.0;
    double upper = 1.0;
    bool operator==(const ColourScale&) const = default;

    /// Position of a value on the scale, clamped to [0, 1]; nothing for NaN.
    [[nodiscard]] std::optional<double> position(double value) const;
    /// The value at a position in [0, 1].
    [[nodiscard]] double value(double position) const;
    [[nodiscard]] bool diverging() const { return kind == Kind::LogAroundOne || kind == Kind::AroundZero; }
    /// The map that this scale is drawn with.
    [[nodiscard]] ColourMap map(const QPalette& palette) const;
};

/// Colour of a cell that has no value; also drawn hatched where there is room.
[[nodiscard]] QRgb missingColour(const QPalette& palette);

/// Black or white, whichever reads better on the colour.
[[nodiscard]] QColor readableOn(const QColor& background);

/// Colour of the series with this index: eight colours that stay apart for colour-blind eyes, one set for light and one
/// for dark windows; after that they repeat and the dash tells them apart (dashIndex).
[[nodiscard]] QColor seriesColour(int index, const QPalette& palette);
/// 0 for the first eight series, 1 for the next eight, and so on.
[[nodiscard]] int dashIndex(int series);

} // namespace knife
