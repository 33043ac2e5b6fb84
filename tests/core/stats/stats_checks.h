// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cmath>
#include <vector>

#include <QString>
#include <QTest>

namespace knife::test {

/// Equal up to rounding, relative to the larger of them and 1.
inline bool close(double a, double b, double tolerance = 1e-12) {
    return std::abs(a - b) <= tolerance * std::max({1.0, std::abs(a), std::abs(b)});
}

#define VERIFY_CLOSE(actual, expected)                                                                                 \
    QVERIFY2(knife::test::close((actual), (expected)),                                                                 \
             qPrintable(QString("%1, not %2").arg((actual), 0, 'g', 17).arg((expected), 0, 'g', 17)))

} // namespace knife::test
