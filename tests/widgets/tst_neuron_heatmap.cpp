// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <cmath>

#include <QElapsedTimer>
#include <QMouseEvent>
#include <QSignalSpy>
#include <QTest>
#include <rapidcheck.h>

#include "fake_data.h"
#include "widgets/neurons/heatmap_canvas.h"
#include "widgets/neurons/heatmap_layout.h"
#include "widgets/neurons/heatmap_scale.h"
#include "widgets/neurons/neuron_heatmap.h"
#include "widgets/neurons/waterfall_view.h"
#include "widgets/theme.h"

using namespace knife;

namespace {

struct Shown {
    Shown() {
        view.resize(900, 400);
        view.setFrame(fake::neuronFrame());
        view.show();
        QTest::qWait(20);
        canvas = view.findChild<HeatmapCanvas*>();
    }

    [[nodiscard]] QPoint centre(int site, int unit) const {
        return canvas->layoutOfCells().rect({site, unit}).center();
    }
    void click(int site, int unit, Qt::KeyboardModifiers modifiers = {}) const {
        QTest::mouseClick(canvas, Qt::LeftButton, modifiers, centre(site, unit));
    }
    void drag(QPoint from, QPoint to, Qt::KeyboardModifiers modifiers = {}) const {
        QTest::mousePress(canvas, Qt::LeftButton, modifiers, from);
        QMouseEvent move(QEvent::MouseMove, to, canvas->mapToGlobal(to), Qt::NoButton, Qt::LeftButton, modifiers);
        QApplication::sendEvent(canvas, &move);
        QTest::mouseRelease(canvas, Qt::LeftButton, modifiers, to);
    }

    NeuronHeatmap view;
    HeatmapCanvas* canvas = nullptr;
};

using Units = std::vector<NeuronRef>;

} // namespace

class TestNeuronHeatmap final : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void everyUnitHasItsOwnCellAndIsFoundThere() {
        QVERIFY(rc::check([] {
            const auto units =
                *rc::gen::container<std::vector<int>>(*rc::gen::inRange<std::size_t>(1, 6), rc::gen::inRange(1, 200));
            HeatmapLayout::Metrics metrics;
            metrics.width = *rc::gen::inRange(50, 900);
            metrics.height = *rc::gen::inRange(20, 500);
            metrics.labelWidth = 40;
            metrics.labelHeight = 20;
            metrics.gap = 4;
            metrics.minCell = 3;
            metrics.maxCell = 20;
            const HeatmapLayout layout(units, metrics);
            int bottom = 0;
            for (int site = 0; site < static_cast<int>(units.size()); ++site) {
                for (int unit = 0; unit < units[static_cast<std::size_t>(site)]; ++unit) {
                    const QRect rect = layout.rect({site, unit});
                    RC_ASSERT(layout.at(rect.center()) == std::optional(CellRef{site, unit}));
                    RC_ASSERT(layout.at(rect.topLeft()) == std::optional(CellRef{site, unit}));
                    RC_ASSERT(rect.top() >= (unit == 0 && site > 0 ? bottom : 0));
                    bottom = std::max(bottom, rect.bottom());
                }
            }
            RC_ASSERT(bottom < layout.height());
        }));
    }

    void moreRoomNeverMeansSmallerCells() {
        HeatmapLayout::Metrics metrics{600, 100, 80, 20, 4, 3, 30};
        int before = 0;
        for (metrics.height = 50; metrics.height < 1000; metrics.height += 50) {
            const int cell = HeatmapLayout({500, 300}, metrics).cell();
            QVERIFY(cell >= before);
            before = cell;
        }
    }

    void cursorWalksThroughAllSites() {
        const HeatmapLayout layout({20, 5}, {200, 100, 50, 20, 4, 10, 10});
        QCOMPARE(layout.columns(), 8);
        QCOMPARE(layout.moved({0, 0}, -1, 0), (CellRef{0, 0}));
        QCOMPARE(layout.moved({0, 3}, 0, 1), (CellRef{0, 11}));
        QCOMPARE(layout.moved({0, 17}, 0, 1), (CellRef{1, 1}));
        QCOMPARE(layout.moved({0, 15}, 0, 1), (CellRef{1, 4}));
        QCOMPARE(layout.moved({1, 1}, 0, -1), (CellRef{0, 17}));
        QCOMPARE(layout.moved({1, 4}, 1, 1), (CellRef{1, 4}));
    }

    void clickActivatesAndSelects() {
        Shown shown;
        QSignalSpy activated(&shown.view, &NeuronHeatmap::unitActivated);
        QSignalSpy changed(&shown.view, &NeuronHeatmap::selectionChanged);
        shown.click(2, 17);
        QCOMPARE(activated.size(), 1);
        QCOMPARE(activated.at(0).at(0).value<NeuronRef>(), (NeuronRef{"mixer.hyper_w1.hidden", 17}));
        QCOMPARE(changed.size(), 1);
        QCOMPARE(shown.view.selection(), (Units{{"mixer.hyper_w1.hidden", 17}}));
    }

    void controlAddsAndTakesAwayAndShiftExtends() {
        Shown shown;
        shown.click(0, 3);
        shown.click(0, 9, Qt::ControlModifier);
        QCOMPARE(shown.view.selection(), (Units{{"agent.fc1", 3}, {"agent.fc1", 9}}));
        shown.click(0, 3, Qt::ControlModifier);
        QCOMPARE(shown.view.selection(), (Units{{"agent.fc1", 9}}));
        shown.click(0, 9);
        shown.click(0, 12, Qt::ShiftModifier);
        QCOMPARE(shown.view.selection().size(), std::size_t{4});
        shown.click(0, 7, Qt::ShiftModifier);
        QCOMPARE(shown.view.selection(), (Units{{"agent.fc1", 7}, {"agent.fc1", 8}, {"agent.fc1", 9}}));
    }

    void rubberBandSelectsWhatItTouches() {
        Shown shown;
        shown.drag(shown.centre(0, 2), shown.centre(0, 5));
        QCOMPARE(shown.view.selection().size(), std::size_t{4});
        shown.drag(shown.centre(2, 0), shown.centre(2, 1), Qt::ControlModifier);
        QCOMPARE(shown.view.selection().size(), std::size_t{6});
    }

    void keyboardDoesWhatTheMouseDoes() {
        Shown shown;
        QSignalSpy activated(&shown.view, &NeuronHeatmap::unitActivated);
        QTest::keyClick(shown.canvas, Qt::Key_Right);
        QTest::keyClick(shown.canvas, Qt::Key_Right);
        QTest::keyClick(shown.canvas, Qt::Key_Space);
        QCOMPARE(shown.view.selection(), (Units{{"agent.fc1", 1}}));
        QTest::keyClick(shown.canvas, Qt::Key_Right, Qt::ShiftModifier);
        QCOMPARE(shown.view.selection(), (Units{{"agent.fc1", 1}, {"agent.fc1", 2}}));
        QTest::keyClick(shown.canvas, Qt::Key_Return);
        QCOMPARE(activated.size(), 1);
        QVERIFY(shown.canvas->accessibleDescription().contains("agent.fc1, unit 2"));
        QTest::keyClick(shown.canvas, Qt::Key_Escape);
        QVERIFY(shown.view.selection().empty());
    }

    void selectBelowTakesExactlyTheStagnantUnitsOfWillingSites() {
        Shown shown;
        const auto frame = fake::neuronFrame();
        Units expected;
        for (const SiteSnapshot& site : frame->sites) {
            for (int unit = 0; unit < site.units; ++unit) {
                if (site.acceptsComposites && site.find("rua")->values[static_cast<std::size_t>(unit)] < 0.25F) {
                    expected.push_back({site.name, unit});
                }
            }
        }
        std::sort(expected.begin(), expected.end());
        shown.view.selectBelow(0.25);
        QCOMPARE(shown.view.selection(), expected);
        QVERIFY(!expected.empty());
    }

    void selectionSurvivesTheNextFrameAndForgetsWhatIsGone() {
        Shown shown;
        shown.view.setSelection({{"agent.fc1", 4}, {"mixer.mixing", 31}, {"nowhere", 0}, {"agent.fc1", 999}});
        QCOMPARE(shown.view.selection().size(), std::size_t{2});
        QSignalSpy changed(&shown.view, &NeuronHeatmap::selectionChanged);
        shown.view.setFrame(fake::neuronFrame(1.0));
        QCOMPARE(shown.view.selection().size(), std::size_t{2});
        shown.view.setFrame(fake::largeFrame(20));
        QCOMPARE(shown.view.selection(), (Units{{"agent.fc1", 4}}));
        shown.view.setFrame(nullptr);
        QVERIFY(shown.view.selection().empty());
        QCOMPARE(changed.size(), 0);
    }

    void scaleSuitsTheDiagnostic() {
        const auto frame = fake::neuronFrame();
        QCOMPARE(fitScale(*frame, "rua", ScaleWish::Logarithmic),
                 (ColourScale{ColourScale::Kind::LogAroundOne, 1.0 / 16, 16.0}));
        QCOMPARE(fitScale(*frame, "activation_mean", ScaleWish::Linear).kind, ColourScale::Kind::AroundZero);
        QCOMPARE(fitScale(*frame, "grad_norm", ScaleWish::Linear).kind, ColourScale::Kind::Linear);
        QCOMPARE(fitScale(*frame, "grad_norm", ScaleWish::Logarithmic).kind, ColourScale::Kind::Log);
        QCOMPARE(fitScale(*frame, "unheard_of", ScaleWish::Linear), (ColourScale{ColourScale::Kind::Linear, 0.0, 1.0}));
    }

    void cellsTakeTheColourOfTheirValueInBothThemes() {
        Shown shown;
        for (const Theme theme : {Theme::Light, Theme::Dark}) {
            shown.view.setPalette(*themePalette(theme));
            const QImage image = shown.canvas->grab().toImage();
            const auto frame = fake::neuronFrame();
            const ColourScale scale = fitScale(*frame, "rua", ScaleWish::Logarithmic);
            const float value = frame->sites[5].find("rua")->values[1];
            const QRgb expected = colourTable(scale.map(shown.view.palette()))[static_cast<std::size_t>(
                std::lround(*scale.position(static_cast<double>(value)) * 255.0))];
            // A little off the corner: no sign is drawn there.
            QCOMPARE(image.pixel(shown.canvas->layoutOfCells().rect({5, 1}).topLeft() + QPoint(2, 3)), expected);
            const QRgb missing = image.pixel(shown.canvas->layoutOfCells().rect({5, 5}).topLeft() + QPoint(2, 3));
            QCOMPARE(missing, missingColour(shown.view.palette()));
        }
    }

    void copesWithSitesWithoutUnitsOrDiagnostics() {
        auto frame = std::make_shared<NeuronFrame>();
        frame->sites.resize(2);
        frame->sites[0].name = "empty";
        frame->sites[1].name = "silent";
        frame->sites[1].units = 7;
        frame->sites[1].composites = {{9, 1, 0, 0, 0, 0}};
        NeuronHeatmap view;
        view.resize(300, 200);
        view.setFrame(frame);
        view.show();
        view.grab();
        view.selectBelow(1.0);
        QVERIFY(view.selection().empty());
    }

    void tenThousandUnitsArePaintedFluently() {
        NeuronHeatmap view;
        view.resize(1200, 700);
        const auto frame = fake::largeFrame(10'000);
        view.setFrame(frame);
        view.show();
        QTest::qWait(20);
        auto* canvas = view.findChild<HeatmapCanvas*>();
        QPixmap target(canvas->size());
        int frames = 0;
        QElapsedTimer timer;
        timer.start();
        while (timer.elapsed() < 500) {
            view.setFrame(frame);
            canvas->render(&target);
            ++frames;
        }
        qInfo("10,000 units: %.1f frames per second", 1000.0 * frames / static_cast<double>(timer.elapsed()));
    }

    void waterfallKeepsOrderAndMovesItsCursor() {
        WaterfallView view;
        view.resize(500, 200);
        view.start("agent.fc1", "rua", 3, "environment steps");
        const std::vector<float> values = {0.1F, 1.0F, 8.0F};
        view.append(0, values);
        view.append(100, values);
        view.append(50, values);
        view.append(200, std::vector<float>{1.0F});
        QCOMPARE(view.frames(), 2);
        view.show();
        QSignalSpy moved(&view, &WaterfallView::cursorMoved);
        QSignalSpy activated(&view, &WaterfallView::unitActivated);
        QTest::keyClick(&view, Qt::Key_Left);
        QCOMPARE(moved.at(0).at(0).toDouble(), 0.0);
        QTest::mouseDClick(&view, Qt::LeftButton, {}, view.rect().center());
        QCOMPARE(activated.at(0).at(0).value<NeuronRef>(), (NeuronRef{"agent.fc1", 1}));
        view.grab();
    }
};

QTEST_MAIN(TestNeuronHeatmap)
#include "tst_neuron_heatmap.moc"
