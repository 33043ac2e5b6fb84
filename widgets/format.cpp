// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/format.h"

#include <array>
#include <cmath>

#include <QCoreApplication>

namespace knife {

namespace {

constexpr QChar kMinus(0x2212);

QString withTrueMinus(QString text) {
    return text.replace(QLatin1Char('-'), kMinus);
}

} // namespace

QString formatValue(double value) {
    if (std::isnan(value)) {
        return QCoreApplication::translate("Format", "n/a");
    }
    if (std::isinf(value)) {
        return value > 0 ? QStringLiteral("∞") : QStringLiteral("−∞");
    }
    return withTrueMinus(QString::number(value, 'g', 4));
}

QString formatCount(double value) {
    constexpr std::array<const char*, 5> kSuffixes = {"", "k", "M", "G", "T"};
    double scaled = value;
    std::size_t suffix = 0;
    while (std::abs(scaled) >= 999.95 && suffix + 1 < kSuffixes.size()) {
        scaled /= 1000.0;
        ++suffix;
    }
    return withTrueMinus(QString::number(scaled, 'g', 4)) + QLatin1String(kSuffixes[suffix]);
}

QString formatChange(double value) {
    if (value == 0.0) {
        return QCoreApplication::translate("Format", "0 (exact)");
    }
    return formatValue(value);
}

QString formatDuration(double seconds) {
    if (!std::isfinite(seconds) || seconds < 0.0) {
        return QCoreApplication::translate("Format", "n/a");
    }
    const auto whole = static_cast<long long>(std::llround(seconds));
    const QLatin1Char zero('0');
    if (whole < 60) {
        return QCoreApplication::translate("Format", "%1 s").arg(whole);
    }
    if (whole < 3600) {
        return QCoreApplication::translate("Format", "%1 min %2 s").arg(whole / 60).arg(whole % 60, 2, 10, zero);
    }
    return QCoreApplication::translate("Format", "%1 h %2 min").arg(whole / 3600).arg(whole / 60 % 60, 2, 10, zero);
}

QString displayName(const QString& identifier) {
    if (identifier == QLatin1String("rua")) {
        return QStringLiteral("RUA");
    }
    QString text = identifier;
    text.replace(QLatin1Char('_'), QLatin1Char(' '));
    if (!text.isEmpty()) {
        text[0] = text[0].toUpper();
    }
    return text;
}

} // namespace knife
