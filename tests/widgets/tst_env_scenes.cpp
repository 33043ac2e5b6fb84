// SPDX-License-Identifier: GPL-3.0-or-later
// Pictures of battles and hunts: whom one can select, what is said of them, and that nothing old stays on the screen.
#include <limits>

#include <QAbstractItemModelTester>
#include <QComboBox>
#include <QLabel>
#include <QLocale>
#include <QMouseEvent>
#include <QPainter>
#include <QSignalSpy>
#include <QSlider>
#include <QTest>
#include <QToolButton>
#include <QTreeView>

#include "fake_data.h"
#include "widgets/env/battle_widget.h"
#include "widgets/env/choice_models.h"
#include "widgets/env/env_panel.h"
#include "widgets/env/plane_widget.h"
#include "widgets/env/unit_marks.h"
#include "widgets/theme.h"

using namespace knife;

namespace {

constexpr const char* kTypes[] = {"marine",   "marauder", "medivac",   "stalker",  "zealot",
                                  "colossus", "zergling", "hydralisk", "baneling", "spine_crawler"};

BattleView battleOf(const EnvView& view) {
    return std::get<BattleView>(view.scene);
}

void moveMouse(QWidget& widget, QPointF place) {
    QMouseEvent move(QEvent::MouseMove, place, widget.mapToGlobal(place), Qt::NoButton, Qt::NoButton, Qt::NoModifier);
    QCoreApplication::sendEvent(&widget, &move);
}

QImage drawn(QWidget& widget) {
    return widget.grab().toImage();
}

// How many pixels of two pictures of equal size differ visibly.
int difference(const QImage& a, const QImage& b) {
    int count = 0;
    for (int y = 0; y < a.height(); ++y) {
        for (int x = 0; x < a.width(); ++x) {
            const QColor one = a.pixelColor(x, y);
            const QColor other = b.pixelColor(x, y);
            const int apart = std::abs(one.red() - other.red()) + std::abs(one.green() - other.green()) +
                              std::abs(one.blue() - other.blue());
            count += apart > 60 ? 1 : 0;
        }
    }
    return count;
}

// Two teams of one unit each, in the middle.
BattleView duel(int width, int height) {
    BattleView battle;
    battle.width = width;
    battle.height = height;
    battle.ground.assign(static_cast<std::size_t>(width * height), BattleView::Ground::Open);
    battle.heights.assign(battle.ground.size(), 0.F);
    for (const bool ally : {true, false}) {
        battle.units.push_back({.type = "marine",
                                .ally = ally,
                                .x = ally ? 2.F : 6.F,
                                .y = 2.F,
                                .radius = 0.5F,
                                .health = 40.F,
                                .healthMax = 45.F,
                                .sight = 9.F,
                                .reach = 6.F});
    }
    return battle;
}

} // namespace

namespace {

// Of a battle in which the return grows by 2 and every agent's Q of action 2 by 1 with every step.
std::shared_ptr<const EpisodeRecording> recordingOf(int steps) {
    auto recording = std::make_shared<EpisodeRecording>();
    recording->clocks.envStep = EnvStep{12000};
    for (int step = 0; step <= steps; ++step) {
        EnvView view = fake::battle(5, 6);
        view.task = "skirmish";
        view.step = step;
        view.episodeReturn = static_cast<float>(2 * step);
        for (ChoiceView& choice : view.choices) {
            choice.values[2] = static_cast<float>(step);
        }
        if (step == 0) {
            view.choices.clear();
        }
        recording->moments.push_back(std::move(view));
    }
    return recording;
}

} // namespace

class TestEnvScenes : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    // At the size at which a marine of a large battle is drawn, 14 pixels, no two types look alike.
    void everyTypeHasAMarkOfItsOwn() {
        constexpr int kSide = 14;
        std::vector<QImage> images;
        for (const char* const type : kTypes) {
            QImage image(kSide, kSide, QImage::Format_RGB32);
            image.fill(Qt::white);
            QPainter painter(&image);
            painter.setRenderHint(QPainter::Antialiasing);
            painter.translate(kSide / 2.0, kSide / 2.0);
            painter.scale(kSide / 2.0, kSide / 2.0);
            painter.fillPath(unitMark(type), Qt::black);
            painter.end();
            QVERIFY2(unitMark(type).boundingRect().width() <= 2.0, type);
            images.push_back(image);
        }
        for (std::size_t a = 0; a < images.size(); ++a) {
            for (std::size_t b = 0; b < a; ++b) {
                QVERIFY2(difference(images[a], images[b]) >= 16,
                         qPrintable(QString("%1 %2").arg(kTypes[a], kTypes[b])));
            }
        }
        QVERIFY(!unitMark("ultralisk").isEmpty()); // which nobody has drawn
        QVERIFY(unitMark("ultralisk") != unitMark("viper"));
    }

    void bothTeamsShowTypes() {
        for (const std::size_t side : {std::size_t{0}, std::size_t{1}}) {
            BattleWidget widget;
            widget.resize(400, 300);
            BattleView battle = duel(8, 4);
            widget.setBattle(battle);
            const QImage marine = drawn(widget);
            battle.units[side].type = "marauder";
            widget.setBattle(battle);
            const QRect body(widget.placeOf(static_cast<int>(side)).toPoint() - QPoint(10, 10), QSize(20, 20));
            QVERIFY(difference(marine.copy(body), drawn(widget).copy(body)) >= 16);
        }
    }

    void theMouseSelectsAgentsAlone() {
        BattleWidget widget;
        widget.resize(500, 500);
        widget.show();
        const BattleView battle = battleOf(fake::battle(5, 6));
        widget.setBattle(battle);
        const QSignalSpy selected(&widget, &BattleWidget::agentSelected);
        QTest::mouseClick(&widget, Qt::LeftButton, {}, widget.placeOf(2).toPoint());
        QCOMPARE(widget.selectedAgent(), 2);
        QVERIFY(widget.accessibleDescription().contains("agent 2: medivac"));
        QVERIFY(widget.accessibleDescription().contains("4 agents and 5 enemies alive"));
        QTest::mouseClick(&widget, Qt::LeftButton, {}, widget.placeOf(7).toPoint());
        QCOMPARE(widget.selectedAgent(), -1);
        QVERIFY(!widget.accessibleDescription().contains("agent 2"));
        QCOMPARE(selected.size(), 2);
    }

    void theKeyboardSkipsTheDead() {
        BattleWidget widget;
        BattleView battle = battleOf(fake::battle(5, 2)); // agent 4 is dead
        battle.units[1].health = 0.F;
        widget.setBattle(battle);
        std::vector<int> visited;
        for (int i = 0; i < 4; ++i) {
            QTest::keyClick(&widget, Qt::Key_Right);
            visited.push_back(widget.selectedAgent());
        }
        QCOMPARE(visited, (std::vector<int>{0, 2, 3, 0}));
        QTest::keyClick(&widget, Qt::Key_Left);
        QCOMPARE(widget.selectedAgent(), 3);
        QTest::keyClick(&widget, Qt::Key_Escape);
        QCOMPARE(widget.selectedAgent(), -1);
        QTest::keyClick(&widget, Qt::Key_Up);
        QCOMPARE(widget.selectedAgent(), 3);
        for (BattleView::Unit& unit : battle.units) {
            unit.health = 0.F;
        }
        widget.setBattle(battle);
        QCOMPARE(widget.selectedAgent(), 3); // it is there again in the next episode
        QTest::keyClick(&widget, Qt::Key_Right);
        QCOMPARE(widget.selectedAgent(), 3);
        widget.setBattle(battleOf(fake::battle(2, 2)));
        QCOMPARE(widget.selectedAgent(), -1);
    }

    void whoIsUnderTheMouseIsLookedUpAgain() {
        BattleWidget widget;
        widget.resize(400, 300);
        BattleView battle = duel(8, 4);
        widget.setBattle(battle);
        const QImage alone = drawn(widget);
        moveMouse(widget, widget.placeOf(0));
        const QImage hovered = drawn(widget);
        QVERIFY(difference(alone, hovered) > 50); // its sight
        battle.units[0].x = 4.F;
        widget.setBattle(battle); // away from under the mouse
        const QImage after = drawn(widget);
        BattleWidget fresh;
        fresh.resize(400, 300);
        fresh.setBattle(battle);
        QCOMPARE(difference(after, drawn(fresh)), 0);
        battle.units[0].x = 2.F;
        widget.setBattle(battle);
        QCOMPARE(difference(drawn(widget), hovered), 0);
    }

    // Equal lists of cells, another shape.
    void anotherShapeIsAnotherGround() {
        BattleView wide = duel(8, 2);
        wide.ground[3] = BattleView::Ground::Blocked;
        BattleView high = wide;
        std::swap(high.width, high.height);
        BattleWidget widget;
        widget.resize(400, 400);
        widget.setBattle(wide);
        (void)drawn(widget);
        widget.setBattle(high);
        const QImage reused = drawn(widget);
        BattleWidget fresh;
        fresh.resize(400, 400);
        fresh.setBattle(high);
        QCOMPARE(reused, drawn(fresh));
    }

    // Of a map of which a strip can be walked on, the strip and a rim.
    void whereNobodyCanBeIsNotShown() {
        BattleView battle = duel(20, 20);
        for (std::size_t cell = 0; cell < battle.ground.size(); ++cell) {
            battle.ground[cell] = cell < 40 || cell >= 120 ? BattleView::Ground::Blocked : BattleView::Ground::Open;
        }
        battle.units[0].y = battle.units[1].y = 4.F; // the middle of the strip
        BattleWidget widget;
        widget.resize(600, 300);
        widget.setBattle(battle);
        const double cell = (widget.placeOf(1).x() - widget.placeOf(0).x()) / 4;
        QVERIFY(cell > 24); // 600 pixels for 20 cells, less a margin; 20 rows would not fit
        // Six rows of 20 columns, in the middle of the widget but for the line of the legend.
        QVERIFY(std::abs(widget.placeOf(0).y() - widget.height() / 2.0) < 1.5 * widget.fontMetrics().height());
    }

    void heightsShowOnBlackAndOnWhite() {
        for (const QColor base : {QColor(Qt::black), QColor(Qt::white)}) {
            BattleWidget widget;
            QPalette palette = themePalette(base == QColor(Qt::black) ? Theme::Dark : Theme::Light).value();
            palette.setColor(QPalette::Base, base);
            widget.setPalette(palette);
            widget.resize(400, 400);
            BattleView battle = duel(8, 8);
            battle.heights[8 * 6 + 6] = 1.F;
            widget.setBattle(battle);
            const QImage image = drawn(widget);
            // The middles of two cells: 6, 6 and 6, 5, from the bottom.
            const QPointF unit = widget.placeOf(1) - widget.placeOf(0); // four cells to the east
            const double cell = unit.x() / 4;
            const QPointF low = widget.placeOf(1) + QPointF(0.5 * cell, -3.5 * cell);
            const QPointF high = low - QPointF(0, cell);
            QVERIFY(contrast(image.pixelColor(low.toPoint()), image.pixelColor(high.toPoint())) > 1.15);
        }
    }

    void theFocusIsSeen() {
        QWidget window;
        BattleWidget battle(&window);
        PlaneWidget plane(&window);
        QWidget other(&window);
        other.setFocusPolicy(Qt::StrongFocus);
        battle.setBattle(battleOf(fake::battle(3, 3)));
        plane.setPlane(std::get<PlaneView>(fake::hunt().scene));
        window.show();
        window.activateWindow();
        QVERIFY(QTest::qWaitForWindowActive(&window));
        for (QWidget* scene : {static_cast<QWidget*>(&battle), static_cast<QWidget*>(&plane)}) {
            scene->resize(300, 300);
            other.setFocus();
            const QImage without = drawn(*scene);
            scene->setFocus();
            QVERIFY(scene->hasFocus());
            QVERIFY(difference(without, drawn(*scene)) > 500);
        }
    }

    void huntsAreShownHoweverFarTheyGo() {
        PlaneWidget widget;
        widget.resize(300, 300);
        PlaneView plane = std::get<PlaneView>(fake::hunt().scene);
        for (const float far : {1.F, 1.3F, 40.F, 1e6F}) {
            plane.bodies[4].x = -far;
            widget.setPlane(plane);
            QVERIFY(widget.rect().contains(widget.placeOf(4).toPoint()));
            (void)drawn(widget);
        }
        QVERIFY(widget.accessibleDescription().contains("3 agents after 2 prey, of which they touch 1"));
        QTest::keyClick(&widget, Qt::Key_Left);
        QCOMPARE(widget.selectedAgent(), 2);
        QVERIFY(widget.accessibleDescription().contains("action: none"));
    }

    void aRecordedEpisodeIsScrubbed() {
        EnvPanel panel;
        panel.resize(500, 700);
        panel.show();
        const auto* progress = panel.findChild<QLabel*>("envProgress");
        auto* slider = panel.findChild<QSlider*>("episodeStep");
        auto* recorded = panel.findChild<QToolButton*>("showRecorded");
        auto* live = panel.findChild<QToolButton*>("showLive");
        auto* scene = panel.findChild<QWidget*>("battleView");
        QSignalSpy chosen(&panel, &EnvPanel::sourceChosen);
        panel.setView(fake::battle(5, 6));
        QVERIFY(live->isChecked() && scene->isVisible() && !slider->isVisible());

        // There is none yet, and it says so.
        panel.setRecordingText("nothing here");
        recorded->click();
        QCOMPARE(chosen.size(), 1);
        QVERIFY(!scene->isVisible() && !slider->isVisible());
        panel.setRecording(recordingOf(20));
        QVERIFY(scene->isVisible() && slider->isVisible());
        QCOMPARE(slider->maximum(), 20);
        const auto label = [](int step) {
            return QStringLiteral("evaluation at env step %1, task skirmish, step %2 of 20, return %3")
                .arg(QLocale().toString(12000))
                .arg(step)
                .arg(2 * step);
        };
        QCOMPARE(progress->text(), label(0));

        // By the slider, by its buttons, by keys; whatever stands in focus in the panel.
        slider->setValue(7);
        QCOMPARE(progress->text(), label(7));
        panel.findChild<QToolButton*>("stepForward")->click();
        panel.findChild<QToolButton*>("stepForward")->click();
        panel.findChild<QToolButton*>("stepBack")->click();
        QCOMPARE(progress->text(), label(8));
        QTest::keyClick(slider, Qt::Key_Right);
        QTest::keyClick(scene, Qt::Key_Period);
        QTest::keyClick(scene, Qt::Key_Comma);
        QCOMPARE(progress->text(), label(9));
        QTest::keyClick(slider, Qt::Key_End);
        QTest::keyClick(scene, Qt::Key_Period); // there is no more
        QCOMPARE(progress->text(), label(20));
        QVERIFY(!panel.findChild<QToolButton*>("stepForward")->isEnabled());

        // The selected agent's choice is that of the step.
        QTest::keyClick(scene, Qt::Key_Right);
        const auto* actions = panel.findChild<QTreeView*>("actionValues");
        slider->setValue(3);
        QVERIFY(actions->isVisible());
        QCOMPARE(actions->model()->index(2, ActionValueModel::Q).data().toString(), "3");
        slider->setValue(0); // nobody has chosen anything yet
        QVERIFY(!actions->isVisible());

        // What trains meanwhile is seen when it is asked for.
        EnvView view = fake::battle(5, 6);
        view.step = 55;
        panel.setView(view);
        QCOMPARE(progress->text(), label(0));
        live->click();
        QCOMPARE(chosen.size(), 2);
        QVERIFY(progress->text().contains("55") && !slider->isVisible());
        recorded->click();
        slider->setValue(15);
        panel.setRecording(recordingOf(10)); // a shorter one: as near as there is
        QVERIFY(progress->text().contains("step 10 of 10"));
        panel.setRecording(nullptr);
        QVERIFY(!slider->isVisible() && !scene->isVisible());
        QTest::keyClick(&panel, Qt::Key_Space);
    }

    void aRecordedEpisodePlaysToItsEnd() {
        EnvPanel panel;
        panel.resize(500, 700);
        panel.show();
        panel.setRecording(recordingOf(12));
        panel.setSource(EpisodeBar::Source::Recorded);
        auto* slider = panel.findChild<QSlider*>("episodeStep");
        auto* speed = panel.findChild<QComboBox*>("episodeSpeed");
        auto* play = panel.findChild<QToolButton*>("playEpisode");
        speed->setCurrentIndex(speed->count() - 1);
        QTest::keyClick(&panel, Qt::Key_Space);
        QVERIFY(play->isChecked() && play->accessibleName().contains("Pause"));
        QTRY_COMPARE(slider->value(), 12);
        QVERIFY(!play->isChecked() && play->accessibleName().contains("Play"));
        play->click(); // from the beginning
        QVERIFY(slider->value() < 12 && play->isChecked());
        QTest::keyClick(&panel, Qt::Key_Comma); // whoever steps wants to stay there
        QVERIFY(!play->isChecked());
        // Of one evaluation there may be several.
        QSignalSpy chosen(&panel, &EnvPanel::episodeChosen);
        auto* choice = panel.findChild<QComboBox*>("episodeChoice");
        QVERIFY(!choice->isVisible());
        panel.setRecording(recordingOf(12), 1, 3);
        QVERIFY(choice->isVisible());
        QCOMPARE(choice->currentText(), "episode 2 of 3");
        QCOMPARE(chosen.size(), 0);
        QTest::keyClick(choice, Qt::Key_Down);
        QCOMPARE(chosen.size(), 1);
        QCOMPARE(chosen.front().front().toInt(), 2);
        for (const auto* widget : panel.findChildren<QWidget*>()) {
            const bool takesKeys = widget->isVisible() && (widget->focusPolicy() & Qt::TabFocus) != 0;
            QVERIFY2(!takesKeys || !widget->accessibleName().isEmpty(), qPrintable(widget->objectName()));
        }
    }

    void theSelectedAgentsChoiceIsShown() {
        EnvPanel panel;
        panel.resize(500, 700);
        panel.show();
        const auto* heading = panel.findChild<QLabel*>("choiceHeading");
        const auto* actions = panel.findChild<QTreeView*>("actionValues");
        const auto* observation = panel.findChild<QTreeView*>("observation");
        for (EnvView view : {fake::battle(5, 6), fake::hunt()}) {
            panel.setView(view);
            const bool battles = std::holds_alternative<BattleView>(view.scene);
            auto* scene = panel.findChild<QWidget*>(battles ? "battleView" : "planeView");
            QVERIFY(scene->isVisible() && !heading->isVisible() && !actions->isVisible());
            QTest::keyClick(scene, Qt::Key_Right);
            QTest::keyClick(scene, Qt::Key_Right);
            QVERIFY(actions->isVisible() && heading->text().contains("Agent 1"));
            const QAbstractItemModel& q = *actions->model();
            const ChoiceView& choice = view.choices[1];
            QCOMPARE(q.rowCount(), static_cast<int>(choice.values.size()));
            QCOMPARE(q.index(0, ActionValueModel::Note).data().toString(), "illegal");
            const QString taken = q.index(choice.action, ActionValueModel::Note).data().toString();
            QVERIFY(taken == "taken" || taken == "explored");
            QCOMPARE(observation->model()->index(0, 0).data().toString(), QString::fromStdString(view.featureNames[0]));
            // The next moment: the same agent, other values.
            view.choices[1].values[2] = 77.F;
            view.choices[1].observation[0] = -55.F;
            panel.setView(view);
            QCOMPARE(q.index(2, ActionValueModel::Q).data().toString(), "77");
            QVERIFY(
                q.index(2, ActionValueModel::Note).data().toString().contains(choice.action == 2 ? "taken" : "greedy"));
            QVERIFY(observation->model()->index(0, 1).data().toString().endsWith("55"));
            view.choices.clear();
            panel.setView(view);
            QVERIFY(!actions->isVisible() && heading->text().contains("not chosen"));
            QTest::keyClick(scene, Qt::Key_Escape);
            QVERIFY(!heading->isVisible());
        }
        panel.setView(fake::matrixGame());
        QVERIFY(!heading->isVisible());
        // Below the picture, or beside it where there is more room.
        panel.setView(fake::battle(5, 6));
        auto* scene = panel.findChild<QWidget*>("battleView");
        QTest::keyClick(scene, Qt::Key_Right);
        const auto place = [&](const QWidget* part) {
            return part->mapTo(&panel, QPoint());
        };
        QVERIFY(place(heading).y() > place(scene).y() + scene->height() / 2);
        panel.resize(900, 500);
        QCoreApplication::processEvents();
        QVERIFY(place(heading).x() > place(scene).x() + scene->width() / 2);
    }

    void choiceModelsAreSound() {
        ObservationModel observation;
        ActionValueModel actions;
        const QAbstractItemModelTester first(&observation, QAbstractItemModelTester::FailureReportingMode::QtTest);
        const QAbstractItemModelTester second(&actions, QAbstractItemModelTester::FailureReportingMode::QtTest);
        QSignalSpy resets(&actions, &QAbstractItemModel::modelReset);
        constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
        const std::vector<std::string> names{"a", "b", "c"};
        actions.setChoice(names, {{}, {kNaN, 1.F, 3.F}, {1, 1, 0}, 0});
        QCOMPARE(actions.index(1, ActionValueModel::Note).data().toString(), "greedy"); // NaN is worth nothing
        QCOMPARE(actions.index(0, ActionValueModel::Note).data().toString(), "explored");
        QCOMPARE(actions.index(0, ActionValueModel::Q).data().toString(), "n/a");
        QCOMPARE(actions.index(2, ActionValueModel::Note).data().toString(), "illegal");
        actions.setChoice(names, {{}, {1.F, 2.F, 3.F}, {1, 1, 1}, 2});
        QCOMPARE(resets.size(), 1); // new values are no new table
        QCOMPARE(actions.index(2, ActionValueModel::Note).data().toString(), "taken");
        actions.setChoice(names, {});
        QCOMPARE(actions.rowCount(), 0);
        observation.setObservation({}, {0.F, 2.F});
        QCOMPARE(observation.index(1, 0).data().toString(), "1"); // without names, numbers
        observation.setObservation({"x", "y", "z"}, {0.F, 2.F, kNaN});
        QCOMPARE(observation.index(2, 1).data().toString(), "n/a");
    }
};

QTEST_MAIN(TestEnvScenes)
#include "tst_env_scenes.moc"
