// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/theme.h"

#include <algorithm>
#include <cmath>

namespace knife {

namespace {

double luminance(const QColor& colour) {
    const auto linear = [](double channel) {
        return channel <= 0.04045 ? channel / 12.92 : std::pow((channel + 0.055) / 1.055, 2.4);
    };
    return 0.2126 * linear(colour.redF()) + 0.7152 * linear(colour.greenF()) + 0.0722 * linear(colour.blueF());
}

QColor blended(const QColor& one, const QColor& other, double share) {
    const auto mix = [share](int a, int b) {
        return static_cast<int>(std::lround(std::lerp(a, b, share)));
    };
    return {mix(one.red(), other.red()), mix(one.green(), other.green()), mix(one.blue(), other.blue())};
}

struct Greys {
    QColor window, base, alternate, button, text, disabled, light, midlight, mid, dark, shadow, highlight, link;
};

QPalette paletteFrom(const Greys& greys) {
    QPalette palette;
    palette.setColor(QPalette::Window, greys.window);
    palette.setColor(QPalette::Base, greys.base);
    palette.setColor(QPalette::AlternateBase, greys.alternate);
    palette.setColor(QPalette::Button, greys.button);
    for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText, QPalette::ToolTipText}) {
        palette.setColor(role, greys.text);
        palette.setColor(QPalette::Disabled, role, greys.disabled);
    }
    palette.setColor(QPalette::PlaceholderText, blended(greys.text, greys.base, 0.4));
    palette.setColor(QPalette::BrightText, Qt::white);
    palette.setColor(QPalette::ToolTipBase, greys.alternate);
    palette.setColor(QPalette::Light, greys.light);
    palette.setColor(QPalette::Midlight, greys.midlight);
    palette.setColor(QPalette::Mid, greys.mid);
    palette.setColor(QPalette::Dark, greys.dark);
    palette.setColor(QPalette::Shadow, greys.shadow);
    palette.setColor(QPalette::Highlight, greys.highlight);
    palette.setColor(QPalette::HighlightedText, Qt::white);
    palette.setColor(QPalette::Disabled, QPalette::Highlight, greys.mid);
    palette.setColor(QPalette::Link, greys.link);
    palette.setColor(QPalette::LinkVisited, blended(greys.link, greys.text, 0.3));
    return palette;
}

} // namespace

QString toString(Theme theme) {
    switch (theme) {
    case Theme::Light:
        return QStringLiteral("light");
    case Theme::Dark:
        return QStringLiteral("dark");
    case Theme::System:
        break;
    }
    return QStringLiteral("system");
}

Theme themeFromString(const QString& text) {
    for (const Theme theme : {Theme::Light, Theme::Dark}) {
        if (text == toString(theme)) {
            return theme;
        }
    }
    return Theme::System;
}

std::optional<QPalette> themePalette(Theme theme) {
    switch (theme) {
    case Theme::Light:
        return paletteFrom({.window = QRgb(0xf2f3f5),
                            .base = QRgb(0xffffff),
                            .alternate = QRgb(0xf6f7f9),
                            .button = QRgb(0xeceef1),
                            .text = QRgb(0x1d2127),
                            .disabled = QRgb(0x8b929b),
                            .light = QRgb(0xffffff),
                            .midlight = QRgb(0xe2e5e9),
                            .mid = QRgb(0xc3c8cf),
                            .dark = QRgb(0x9aa1ab),
                            .shadow = QRgb(0x6b727c),
                            .highlight = QRgb(0x1f6fb8),
                            .link = QRgb(0x0b5fa5)});
    case Theme::Dark:
        return paletteFrom({.window = QRgb(0x26292e),
                            .base = QRgb(0x1b1d21),
                            .alternate = QRgb(0x212429),
                            .button = QRgb(0x31353b),
                            .text = QRgb(0xe4e7eb),
                            .disabled = QRgb(0x7b828c),
                            .light = QRgb(0x4a5058),
                            .midlight = QRgb(0x3d4249),
                            .mid = QRgb(0x4b515a),
                            .dark = QRgb(0x17191c),
                            .shadow = QRgb(0x0d0e10),
                            .highlight = QRgb(0x2f6ea8),
                            .link = QRgb(0x7fbcf5)});
    case Theme::System:
        break;
    }
    return std::nullopt;
}

bool isDark(const QPalette& palette) {
    return luminance(palette.color(QPalette::WindowText)) > luminance(palette.color(QPalette::Window));
}

QColor toneColour(Tone tone, const QPalette& palette) {
    const bool dark = isDark(palette);
    switch (tone) {
    case Tone::Info:
        return dark ? QColor(QRgb(0x7fbcf5)) : QColor(QRgb(0x0b5fa5));
    case Tone::Good:
        return dark ? QColor(QRgb(0x6fd39a)) : QColor(QRgb(0x12703f));
    case Tone::Warning:
        return dark ? QColor(QRgb(0xf0bd52)) : QColor(QRgb(0x855400));
    case Tone::Bad:
        return dark ? QColor(QRgb(0xff9086)) : QColor(QRgb(0xb3261e));
    case Tone::Neutral:
        break;
    }
    return quietText(palette);
}

QColor quietText(const QPalette& palette) {
    return blended(palette.color(QPalette::Text), palette.color(QPalette::Base), 0.35);
}

double contrast(const QColor& one, const QColor& other) {
    const double a = luminance(one);
    const double b = luminance(other);
    return (std::max(a, b) + 0.05) / (std::min(a, b) + 0.05);
}

} // namespace knife
