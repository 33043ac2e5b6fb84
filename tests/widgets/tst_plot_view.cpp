// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <QElapsedTimer>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <QWheelEvent>

#include "widgets/plot/colour_map.h"
#include "widgets/plot/plot_data.h"
#include "widgets/plot/plot_group.h"
#include "widgets/plot/plot_view.h"
#include "widgets/plot/ticks.h"
#include "widgets/theme.h"

using namespace knife;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::vector<double> ramp(int count) {
    std::vector<double> values(static_cast<std::size_t>(count));
    std::iota(values.begin(), values.end(), 0.0);
    return values;
}

QWidget* canvasOf(PlotView& plot) {
    return plot.findChild<QWidget*>("canvas");
}

void turnWheel(QWidget* widget, int steps, Qt::KeyboardModifiers modifiers = Qt::NoModifier) {
    const QPointF middle = widget->rect().center();
    QWheelEvent event(middle, widget->mapToGlobal(middle), {}, {0, 120 * steps}, Qt::NoButton, modifiers,
                      Qt::NoScrollPhase, false);
    QApplication::sendEvent(widget, &event);
}

/// Pixels of this colour, or very near to it.
int countPixels(const QImage& image, const QColor& wanted) {
    int count = 0;
    for (int y = 0; y < image.height(); ++y) {
        for (int x = 0; x < image.width(); ++x) {
            const QColor have = image.pixelColor(x, y);
            count += std::abs(have.red() - wanted.red()) + std::abs(have.green() - wanted.green()) +
                                 std::abs(have.blue() - wanted.blue()) <
                             12
                         ? 1
                         : 0;
        }
    }
    return count;
}

} // namespace

class TestPlotView final : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void followsDataUntilZoomed() {
        PlotView plot;
        plot.resize(400, 200);
        plot.show();
        plot.setSeries("a", {0, 10}, {1, 2});
        QCOMPARE(plot.xRange(), (PlotRange{0, 10}));
        plot.setSeries("a", {0, 20}, {1, 2});
        QCOMPARE(plot.xRange(), (PlotRange{0, 20}));

        QSignalSpy moved(&plot, &PlotView::xRangeChanged);
        turnWheel(canvasOf(plot), 1);
        QCOMPARE(moved.size(), 1);
        QVERIFY(plot.isZoomed());
        const PlotRange zoomed = plot.xRange();
        QVERIFY(zoomed.size() < 20);
        plot.setSeries("a", {0, 40}, {1, 2});
        QCOMPARE(plot.xRange(), zoomed);

        QSignalSpy reset(&plot, &PlotView::zoomReset);
        QTest::mouseDClick(canvasOf(plot), Qt::LeftButton, {}, canvasOf(plot)->rect().center());
        QCOMPARE(reset.size(), 1);
        QCOMPARE(plot.xRange(), (PlotRange{0, 40}));
    }

    void wheelWithControlZoomsTheYAxisOnly() {
        PlotView plot;
        plot.resize(400, 200);
        plot.show();
        plot.setSeries("a", ramp(100), ramp(100));
        const PlotRange x = plot.xRange();
        const PlotRange y = plot.yRange();
        turnWheel(canvasOf(plot), 2, Qt::ControlModifier);
        QCOMPARE(plot.xRange(), x);
        QVERIFY(plot.yRange().size() < y.size());
    }

    void clickMovesTheCursor() {
        PlotView plot;
        plot.resize(400, 200);
        plot.show();
        plot.setSeries("a", ramp(101), ramp(101));
        QTest::qWait(50);
        QSignalSpy moved(&plot, &PlotView::cursorMoved);
        QTest::mouseClick(canvasOf(plot), Qt::LeftButton, {}, canvasOf(plot)->rect().center());
        QCOMPARE(moved.size(), 1);
        const double first = moved.at(0).at(0).toDouble();
        QVERIFY(first > 30 && first < 70);
        QTest::keyClick(&plot, Qt::Key_Right);
        QCOMPARE(moved.size(), 2);
        QVERIFY(moved.at(1).at(0).toDouble() > first);
    }

    void groupSharesRangeCursorAndExtent() {
        PlotView one;
        PlotView two;
        PlotGroup group;
        group.add(&one);
        group.add(&two);
        one.setSeries("a", {0, 10}, {0, 1});
        two.setSeries("a", {5, 30}, {0, 1});
        QCOMPARE(one.xRange(), (PlotRange{0, 30}));
        QCOMPARE(two.xRange(), (PlotRange{0, 30}));
        turnWheel(canvasOf(one), 1);
        QCOMPARE(two.xRange(), one.xRange());
        QTest::mouseDClick(canvasOf(two), Qt::LeftButton, {}, canvasOf(two)->rect().center());
        QVERIFY(!one.isZoomed());
    }

    void oneOutlierDoesNotFlattenTheCurveAndCleanDataAreNotTrimmed() {
        std::vector<double> y = ramp(1000);
        PlotSeries series;
        series.x = ramp(1000);
        series.y = y;
        const PlotRange clean = *yExtentOf({series}, {0, 999}, AxisScale::Linear, OutlierRule::SetAside);
        QVERIFY(clean.lower <= 0 && clean.upper >= 999);
        series.y[500] = 1e6;
        const PlotRange robust = *yExtentOf({series}, {0, 999}, AxisScale::Linear, OutlierRule::SetAside);
        QVERIFY(robust.upper < 5000);
        const PlotRange all = *yExtentOf({series}, {0, 999}, AxisScale::Linear, OutlierRule::Show);
        QVERIFY(all.upper >= 1e6);
    }

    void rangesCopeWithNothingOneAndNonsense() {
        QVERIFY(!xExtentOf({}, AxisScale::Linear));
        PlotSeries series;
        series.x = {5};
        series.y = {-3};
        const PlotRange one = *yExtentOf({series}, {0, 10}, AxisScale::Linear, OutlierRule::SetAside);
        QVERIFY(one.lower < -3 && one.upper > -3);
        QVERIFY(!yExtentOf({series}, {0, 10}, AxisScale::Log, OutlierRule::SetAside));
        series.y = {kNan};
        QVERIFY(!yExtentOf({series}, {0, 10}, AxisScale::Linear, OutlierRule::SetAside));
        PlotView plot;
        plot.setSeries("a", {}, {});
        plot.setSeries("b", {1, 2, 3}, {kNan, kNan, kNan});
        plot.setScales(AxisScale::Log, AxisScale::Log);
        plot.setSeries("c", {-1, 0, 1, 2}, {-1, 0, std::numeric_limits<double>::infinity(), 4});
        plot.grab();
    }

    void readoutIsTheLastPointAtOrBefore() {
        PlotView plot;
        plot.setSeries("a", {0, 10, 20}, {1, 2, kNan});
        plot.setSeriesStyle("a", {.label = "run a"});
        QCOMPARE(plot.readout(25).size(), std::size_t{1});
        QCOMPARE(plot.readout(25)[0].y, 2.0);
        QCOMPARE(plot.readout(9.9)[0].y, 1.0);
        QVERIFY(plot.readout(-1).empty());
    }

    void textHoldsEveryVisiblePoint() {
        PlotView plot;
        plot.setAxisLabels("steps", "");
        plot.setSeries("a", {0, 1, 2}, {0.5, 1.5, 2.5});
        plot.setSeries("b", {1, 3}, {7, 8});
        QCOMPARE(plot.dataAsText(), QString("steps\ta\tb\n0\t0.5\t\n1\t1.5\t7\n2\t2.5\t\n3\t\t8\n"));
    }

    void exportsPdfAndPngAndRefusesOthers() {
        QTemporaryDir folder;
        PlotView plot;
        plot.setSeries("a", ramp(100), ramp(100));
        for (const char* name : {"curve.pdf", "curve.png"}) {
            QVERIFY(plot.exportTo(folder.filePath(name), {600, 300}).has_value());
            QVERIFY(QFileInfo(folder.filePath(name)).size() > 500);
        }
        QVERIFY(plot.exportTo(folder.filePath("curve.bmp"), {600, 300}).error().code == ErrorCode::Usage);
        QVERIFY(plot.exportTo("/nowhere/at/all.png", {600, 300}).error().code == ErrorCode::Io);
    }

    void exportIsLightWhateverTheScreen() {
        QTemporaryDir folder;
        PlotView plot;
        plot.setPalette(*themePalette(Theme::Dark));
        plot.setSeries("a", ramp(100), ramp(100));
        QVERIFY(plot.exportTo(folder.filePath("curve.png"), {300, 200}).has_value());
        QCOMPARE(QImage(folder.filePath("curve.png")).pixelColor(2, 2), QColor(Qt::white));
    }

    void recoloursWithThePalette() {
        PlotView plot;
        plot.resize(300, 200);
        plot.setSeries("a", {0, 1}, {0, 1});
        plot.setSeriesStyle("a", {.label = "a", .colour = 1, .width = 6});
        for (const Theme theme : {Theme::Light, Theme::Dark, Theme::Light}) {
            const QPalette palette = *themePalette(theme);
            plot.setPalette(palette);
            plot.show();
            QTest::qWait(80);
            const QImage image = plot.grab().toImage();
            QCOMPARE(image.pixelColor(2, 2), palette.color(QPalette::Base));
            QVERIFY(countPixels(image, seriesColour(1, palette)) > 300);
        }
    }

    void seriesAndToneColoursCanBeRead() {
        for (const Theme theme : {Theme::Light, Theme::Dark}) {
            const QPalette palette = *themePalette(theme);
            QCOMPARE(isDark(palette), theme == Theme::Dark);
            for (const auto role : {QPalette::Base, QPalette::Window}) {
                const QColor ground = palette.color(role);
                QVERIFY(contrast(palette.color(QPalette::Text), ground) >= 7.0);
                QVERIFY(contrast(quietText(palette), ground) >= 4.5);
                for (const Tone tone : {Tone::Neutral, Tone::Info, Tone::Good, Tone::Warning, Tone::Bad}) {
                    QVERIFY(contrast(toneColour(tone, palette), ground) >= 4.5);
                }
            }
            for (int i = 0; i < 8; ++i) {
                QVERIFY(contrast(seriesColour(i, palette), palette.color(QPalette::Base)) >= 3.0);
            }
            QVERIFY(contrast(palette.color(QPalette::HighlightedText), palette.color(QPalette::Highlight)) >= 4.5);
        }
    }

    void mapsRiseEvenlyInLightness() {
        const auto lightness = [](QRgb colour) {
            return contrast(QColor(colour), Qt::black);
        };
        const ColourTable& table = colourTable(ColourMap::Sequential);
        for (std::size_t i = 1; i < table.size(); ++i) {
            QVERIFY(lightness(table[i]) >= lightness(table[i - 1]));
        }
        for (const ColourMap map : {ColourMap::DivergingLight, ColourMap::DivergingDark}) {
            const ColourTable& two = colourTable(map);
            const bool bright = map == ColourMap::DivergingLight;
            QVERIFY((lightness(two[127]) > lightness(two[0])) == bright);
            QVERIFY((lightness(two[127]) > lightness(two[255])) == bright);
        }
    }

    void scalesPlaceValues() {
        const ColourScale around{ColourScale::Kind::LogAroundOne, 1.0 / 16, 16.0};
        QCOMPARE(*around.position(1.0), 0.5);
        QCOMPARE(*around.position(4.0), 0.75);
        QCOMPARE(*around.position(0.0), 0.0);
        QCOMPARE(*around.position(1e9), 1.0);
        QVERIFY(!around.position(kNan));
        const ColourScale linear{ColourScale::Kind::Linear, 0.0, 10.0};
        QCOMPARE(*linear.position(2.5), 0.25);
        QCOMPARE(linear.value(0.25), 2.5);
        QCOMPARE(*(ColourScale{ColourScale::Kind::Linear, 3.0, 3.0}.position(3.0)), 0.5);
    }

    void ticksAreRoundAndShareTheirUnit() {
        QCOMPARE(niceTicks({0, 48'000}, 5), (std::vector<double>{0, 10'000, 20'000, 30'000, 40'000}));
        QCOMPARE(tickLabels(niceTicks({0, 48'000}, 5)), (std::vector<QString>{"0", "10k", "20k", "30k", "40k"}));
        QCOMPARE(tickLabels(std::vector<double>{1'000'100, 1'000'200}), (std::vector<QString>{"1.0001M", "1.0002M"}));
        QCOMPARE(tickLabels(std::vector<double>{-0.5, 0.0, 0.5}), (std::vector<QString>{"−0.5", "0", "0.5"}));
        QCOMPARE(tickLabels(std::vector<double>{0, 2.5, 5}), (std::vector<QString>{"0", "2.5", "5.0"}));
        QCOMPARE(tickLabels(std::vector<double>{0, 2500, 5000}), (std::vector<QString>{"0", "2.5k", "5.0k"}));
        QCOMPARE(tickLabels(std::vector<double>{1e-9, 2e-9}), (std::vector<QString>{"1e−09", "2e−09"}));
        QVERIFY(niceTicks({1, 1}, 5).empty());
    }

    void aMillionPointsAreDrawnInTime() {
        PlotView plot;
        plot.resize(1200, 600);
        plot.show();
        QTest::qWait(50);
        std::vector<double> x = ramp(1'000'000);
        std::vector<double> y(x.size());
        std::transform(x.begin(), x.end(), y.begin(), [](double v) { return std::sin(v * 1e-4) + std::sin(v * 1.7); });
        QTest::qWait(50); // past the least interval between two repaints
        QSignalSpy painted(canvasOf(plot), SIGNAL(afterReplot()));
        QElapsedTimer timer;
        timer.start();
        plot.setSeries("a", std::move(x), std::move(y));
        QVERIFY(painted.wait(2000));
        plot.grab();
        qInfo("1,000,000 points on 1200 x 600: %lld ms from data to picture", timer.elapsed());
        QVERIFY(countPixels(plot.grab().toImage(), seriesColour(0, plot.palette())) > 10'000);
    }
};

QTEST_MAIN(TestPlotView)
#include "tst_plot_view.moc"
