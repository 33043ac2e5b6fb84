// SPDX-License-Identifier: GPL-3.0-or-later
#include <cmath>

#include <QTest>

#include "core/stats/wilson.h"

using namespace knife;

class TestWilson : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    // The ends are the probabilities p under which the observed share is just z standard errors away:
    // |k/n - p| = z sqrt(p (1 - p) / n).
    void endsSolveTheirEquation_data() {
        QTest::addColumn<int>("successes");
        QTest::addColumn<int>("trials");
        for (const auto& [successes, trials] : {std::pair(1, 10), {5, 10}, {9, 10}, {81, 263}, {1, 1000}, {500, 512}}) {
            QTest::addRow("%d of %d", successes, trials) << successes << trials;
        }
    }
    void endsSolveTheirEquation() {
        QFETCH(int, successes);
        QFETCH(int, trials);
        constexpr double kZ = 1.959963984540054;
        const ShareInterval interval = wilsonInterval(successes, trials);
        const double share = static_cast<double>(successes) / trials;
        QVERIFY(interval.low < share && share < interval.high);
        for (const double p : {interval.low, interval.high}) {
            QVERIFY(std::abs(std::abs(share - p) - kZ * std::sqrt(p * (1.0 - p) / trials)) < 1e-12);
        }
    }

    // Wilson of 0 of n: [0, z^2 / (n + z^2)].
    void noneAndAllHaveOneOpenEnd() {
        constexpr double kSquare = 1.959963984540054 * 1.959963984540054;
        const ShareInterval none = wilsonInterval(0, 200);
        QCOMPARE(none.low, 0.0);
        QVERIFY(std::abs(none.high - kSquare / (200.0 + kSquare)) < 1e-12);
        const ShareInterval all = wilsonInterval(200, 200);
        QCOMPARE(all.high, 1.0);
        QVERIFY(std::abs(all.low - 200.0 / (200.0 + kSquare)) < 1e-12);
        const ShareInterval nothing = wilsonInterval(0, 0);
        QVERIFY(nothing.low == 0.0 && nothing.high == 1.0);
    }

    void surerIsWider() {
        const ShareInterval likely = wilsonInterval(30, 100, 0.5);
        const ShareInterval sure = wilsonInterval(30, 100, 0.99);
        QVERIFY(sure.low < likely.low && likely.high < sure.high);
    }
};

QTEST_APPLESS_MAIN(TestWilson)
#include "tst_wilson.moc"
