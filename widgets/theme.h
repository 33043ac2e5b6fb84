// SPDX-License-Identifier: GPL-3.0-or-later
// Light and dark, and the few colours that carry a meaning. Everything else takes its colour from QPalette.
#pragma once

#include <optional>

#include <QColor>
#include <QPalette>
#include <QString>

namespace knife {

enum class Theme { System, Light, Dark };

[[nodiscard]] QString toString(Theme theme);              ///< "system", "light", "dark"
[[nodiscard]] Theme themeFromString(const QString& text); ///< System for anything unknown

/// The palette for Fusion; nothing for System: keep what the platform gave.
[[nodiscard]] std::optional<QPalette> themePalette(Theme theme);

/// Whether text is lighter than the window.
[[nodiscard]] bool isDark(const QPalette& palette);

enum class Tone { Neutral, Info, Good, Warning, Bad };

/// A foreground colour for states and messages, readable (4.5 : 1) on the palette's base and window.
[[nodiscard]] QColor toneColour(Tone tone, const QPalette& palette);

/// Text that steps back: between text and base, still readable.
[[nodiscard]] QColor quietText(const QPalette& palette);

/// WCAG contrast ratio of two opaque colours, 1 to 21.
[[nodiscard]] double contrast(const QColor& one, const QColor& other);

} // namespace knife
