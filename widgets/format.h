// SPDX-License-Identifier: GPL-3.0-or-later
// How figures read on the screen. One rule for all views.
#pragma once

#include <QString>

namespace knife {

/// Four significant digits, with an exponent where needed; "n/a" for NaN; a true minus sign.
[[nodiscard]] QString formatValue(double value);
/// Short counts: 950, 12.5k, 3.2M, 1G.
[[nodiscard]] QString formatCount(double value);
/// A measured change. Exactly zero reads "0 (exact)", so that it cannot be mistaken for a small number.
[[nodiscard]] QString formatChange(double value);
/// "42 s", "3 min 20 s", "2 h 05 min".
[[nodiscard]] QString formatDuration(double seconds);
/// Human name of a diagnostic or metric: "rua" gives "RUA", "grad_norm" gives "Grad norm".
[[nodiscard]] QString displayName(const QString& identifier);

} // namespace knife
