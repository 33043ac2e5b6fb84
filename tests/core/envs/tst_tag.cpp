// SPDX-License-Identifier: GPL-3.0-or-later
// Continuous predator-prey: sizes, motion and contacts against arithmetic, prey that run, episodes by key.
#include <algorithm>
#include <cmath>

#include <QTest>

#include "core/envs/tag.h"
#include "tests/core/envs/played.h"

using namespace knife;

namespace {

using Field = Played<Tag>;

const std::string kAlone = "name = \"tag\"\npredators = 1\nlandmarks = 0\nepisode_limit = 1000\n";

} // namespace

class TestTag : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void sizesAreThoseOfTheScenarios_data() {
        QTest::addColumn<QString>("preset");
        QTest::addColumn<int>("agents");
        QTest::addColumn<int>("obs");
        QTest::newRow("3a") << "pred_prey_3a" << 3 << 16;
        QTest::newRow("6a") << "pred_prey_6a" << 6 << 30;
        QTest::newRow("9a") << "pred_prey_9a" << 9 << 44;
    }
    void sizesAreThoseOfTheScenarios() {
        QFETCH(QString, preset);
        QFETCH(int, agents);
        QFETCH(int, obs);
        const Field field("name = \"tag\"\npreset = \"" + preset.toStdString() + "\"");
        QCOMPARE(field.env->spec().nAgents, agents);
        QCOMPARE(field.env->spec().obsDim, obs);
        QCOMPARE(field.env->spec().stateDim, agents * obs);
        QCOMPARE(field.env->spec().nActions, 5);
        QCOMPARE(field.env->spec().episodeLimit, 25);
    }

    // v <- 0.75 v + 3 * 0.1, cut off at 1: 0.3, 0.525, 0.69375, …
    void predatorsSpeedUpToOne() {
        Field field(kAlone + "prey_force = 0.0");
        QVERIFY(field.game().place({{0, 0, 0, 0}, {50, 50, 0, 0}}, {}, field.spans()));
        double v = 0.0;
        double x = 0.0;
        for (int i = 0; i < 20; ++i) {
            (void)field.step({1});
            v = std::min(0.75 * v + 0.3, 1.0);
            x += 0.1 * v;
            QVERIFY(std::abs(field.game().bodies()[0].vx - v) < 1e-12);
            QVERIFY(std::abs(field.game().bodies()[0].x - x) < 1e-12);
        }
        QCOMPARE(v, 1.0);
    }

    void preyRunAwayAtTheSpeedOfTheirForce() {
        Field field(kAlone);
        QVERIFY(field.game().place({{0, 0, 0, 0}, {0.5, 0, 0, 0}}, {}, field.spans()));
        for (int i = 0; i < 60; ++i) {
            (void)field.step({0});
        }
        const TagBody& prey = field.game().bodies()[1];
        QVERIFY(prey.x > 1.5);
        const double speed = std::hypot(prey.vx, prey.vy);
        QVERIFY(speed > 0.3 && speed <= 0.4 + 1e-9); // 0.1 F / 0.25, F at most 1
    }

    void everyTouchingPairIsPaid() {
        Field field("name = \"tag\"\nprey = 2\nlandmarks = 0\nprey_force = 0.0");
        // On their way towards each other: 0.2 apart now, 0.08 after the step.
        QVERIFY(field.game().place({{0, 0, 1, 0}, {5, 5, 0, 1}, {9, 9, 0, 0}, {0.2, 0, -0.6, 0}, {5, 5.2, 0, -0.6}}, {},
                                   field.spans()));
        QCOMPARE(field.step({0, 0, 0}).reward, 20.F);
        for (int i = 0; i < 5; ++i) {
            (void)field.step({0, 0, 0}); // contacts push them apart
        }
        QCOMPARE(field.step({0, 0, 0}).reward, 0.F);
    }

    void contactsPushApartWithEqualForces() {
        Field field("name = \"tag\"\npredators = 2\nlandmarks = 0\nprey_force = 0.0");
        QVERIFY(field.game().place({{0, 0, 0, 0}, {0.1, 0, 0, 0}, {50, 50, 0, 0}}, {}, field.spans()));
        (void)field.step({0, 0});
        const double force = 100.0 * 1e-3 * std::log1p(std::exp(0.05 / 1e-3));
        QVERIFY(std::abs(field.game().bodies()[0].vx + std::min(force * 0.1, 1.0)) < 1e-9);
        QVERIFY(std::abs(field.game().bodies()[0].vx + field.game().bodies()[1].vx) < 1e-12);
    }

    void whatIsFarIsNotSeen() {
        Field field("name = \"tag\"\npredators = 2\nlandmarks = 1");
        QVERIFY(field.game().place({{0, 0, 0.1, 0.2}, {1, 0, 0, 0}, {0, 1.6, 0.3, 0}, {0.5, 0.5, 0, 0}}, {},
                                   field.spans()));
        const std::vector<float> expected{0.1F, 0.2F, 0, 0, 0.5F, 0.5F, 1, 0, 0, 0, 0, 0};
        QVERIFY(std::equal(expected.begin(), expected.end(), field.seen.obs.begin()));
        QVERIFY(std::equal(field.seen.obs.begin(), field.seen.obs.end(), field.seen.state.begin()));
    }

    void radiusMinusOneShowsNothing() {
        Field field("name = \"tag\"\npredators = 2\nlandmarks = 1\nview_radius = -1.0");
        QVERIFY(field.game().place({{0, 0, 0.1, 0.2}, {0, 0, 0, 0}, {0, 0, 0.3, 0}, {0, 0, 0, 0}}, {}, field.spans()));
        std::vector<float> expected(12);
        expected[0] = 0.1F;
        expected[1] = 0.2F;
        QVERIFY(std::equal(expected.begin(), expected.end(), field.seen.obs.begin()));
    }

    void eightDirectionsAreEqualForces() {
        Field field(kAlone + "directions = 8\nprey_force = 0.0");
        for (int action = 1; action <= 8; ++action) {
            QVERIFY(field.game().place({{0, 0, 0, 0}, {50, 50, 0, 0}}, {}, field.spans()));
            (void)field.step({action});
            const double angle = 2.0 * std::acos(-1.0) * (action - 1) / 8;
            QVERIFY(std::abs(field.game().bodies()[0].vx - 0.3 * std::cos(angle)) < 1e-12);
            QVERIFY(std::abs(field.game().bodies()[0].vy - 0.3 * std::sin(angle)) < 1e-12);
        }
    }

    void landmarksStandStillAndPush() {
        Field field("name = \"tag\"\npredators = 1\nlandmarks = 2\nprey_force = 0.0");
        const std::vector<TagBody> bodies{{0, 0, 0, 0}, {50, 50, 0, 0}, {0.2, 0, 0, 0}, {0.25, 0, 0, 0}};
        QVERIFY(field.game().place(bodies, {}, field.spans()));
        (void)field.step({0});
        QVERIFY(field.game().bodies()[0].vx < 0.0);
        QVERIFY(field.game().bodies()[2] == bodies[2] && field.game().bodies()[3] == bodies[3]);
    }

    // "sum" keeps away from all predators and other prey, "min" from the nearest predator alone.
    void preyRunFromThoseWhomTheirScoreNames() {
        const auto after = [](const char* score) {
            Field field("name = \"tag\"\npredators = 3\nlandmarks = 0\nepisode_limit = 1000\nscore_function = \"" +
                        std::string(score) + "\"");
            (void)field.game().place({{-0.5, 0, 0, 0}, {1.2, 0.1, 0, 0}, {1.2, -0.1, 0, 0}, {0, 0, 0, 0}}, {},
                                     field.spans());
            for (int i = 0; i < 5; ++i) {
                (void)field.step({0, 0, 0});
            }
            return field.game().bodies()[3].x;
        };
        QVERIFY(after("min") > 0.05);
        QVERIFY(after("sum") < 0.05); // two are ahead
    }

    // Where every point of the disc touches somebody, prey stay.
    void preyWithoutAWayStay() {
        std::string toml = "name = \"tag\"\npredators = 100\nlandmarks = 0\nprey_speed = 0.0\nscore_function = \"sum\"";
        Field field(toml);
        std::vector<TagBody> bodies;
        for (int i = 0; i < 100; ++i) {
            const double angle = 2.0 * std::acos(-1.0) * i / 100;
            bodies.push_back({0.19 * std::cos(angle), 0.19 * std::sin(angle), 0, 0});
        }
        bodies.push_back({0, 0, 0, 0});
        QVERIFY(field.game().place(bodies, {}, field.spans()));
        (void)field.step(std::vector<std::int32_t>(100, 0));
        QVERIFY(field.game().bodies()[100].x == 0.0 && field.game().bodies()[100].y == 0.0);
    }

    void contactsOfOneCanBePunished() {
        // Two predators on the first prey, one on the second.
        Field still("name = \"tag\"\nprey = 2\nlandmarks = 0\nprey_force = 0.0\npunishment = -12.0\npredator_speed = "
                    "0.0\nprey_speed = 0.0");
        QVERIFY(still.game().place({{0, 0, 0, 0}, {0.2, 0, 0, 0}, {5, 5, 0, 0}, {0.1, 0, 0, 0}, {5, 5.1, 0, 0}}, {},
                                   still.spans()));
        QCOMPARE(still.step({0, 0, 0}).reward, 2 * 10.F + 10.F - 12.F);
    }

    void slotsMakeTasksFitTogether() {
        Field few("name = \"tag\"\npredator_slots = 6\nprey_slots = 2\nlandmark_slots = 4");
        const Field many("name = \"tag\"\npreset = \"pred_prey_6a\"");
        EnvSpec spec = few.env->spec();
        QVERIFY(spec == many.env->spec());
        QVERIFY(few.game().place(
            {{0, 0, 0.1, 0.2}, {0.1, 0, 0, 0}, {0.2, 0, 0, 0}, {0.3, 0, 0.4, 0}, {0.5, 0, 0, 0}, {0.6, 0, 0, 0}}, {},
            few.spans()));
        std::vector<float> expected(30);
        const auto put = [&](std::size_t at, std::vector<float> values) {
            std::copy(values.begin(), values.end(), expected.begin() + static_cast<std::ptrdiff_t>(at));
        };
        put(0, {0.1F, 0.2F});
        put(4, {0.5F, 0, 0.6F, 0});  // landmarks
        put(12, {0.1F, 0, 0.2F, 0}); // predators
        put(22, {0.3F, 0});          // prey
        put(26, {0.4F, 0});          // and its velocity
        QVERIFY(std::equal(expected.begin(), expected.end(), few.seen.obs.begin()));
        for (int agent = 0; agent < 6; ++agent) {
            for (int action = 0; action < 5; ++action) {
                QCOMPARE(static_cast<int>(few.seen.avail[static_cast<std::size_t>(agent * 5 + action)]),
                         agent < 3 || action == 0 ? 1 : 0);
            }
        }
        QVERIFY(std::all_of(few.seen.obs.begin() + 90, few.seen.obs.end(), [](float value) { return value == 0.F; }));
        QVERIFY(!few.env->step(std::vector<std::int32_t>{1, 1, 1, 1, 0, 0}, few.spans()));
        QVERIFY(few.env->step(std::vector<std::int32_t>{1, 1, 1, 0, 0, 0}, few.spans()));
        const auto refused = makeTag(*parseSection("name = \"tag\"\npredator_slots = 2", "test", "env"));
        QVERIFY(!refused && refused.error().describe().find("there are 3") != std::string::npos);
    }

    void placesMustFit() {
        Field field("name = \"tag\"");
        QVERIFY(!field.game().place({{0, 0, 0, 0}}, {}, field.spans()));
        std::vector<TagBody> bodies(6);
        bodies[2].x = std::nan("");
        QVERIFY(!field.game().place(bodies, {}, field.spans()));
        bodies[2].x = 0;
        QVERIFY(field.game().place(bodies, {}, field.spans()));
    }

    void episodesAreAFunctionOfTheirKey() {
        Field a("name = \"tag\"");
        Field b("name = \"tag\"");
        a.env->reset({.seed = 3, .episode = 8}, a.spans());
        b.env->reset({.seed = 4, .episode = 8}, b.spans());
        (void)b.step({1, 2, 3});
        b.env->reset({.seed = 3, .episode = 8}, b.spans());
        for (int i = 0; i < 10; ++i) {
            QVERIFY(a.seen.obs == b.seen.obs);
            (void)a.step({i % 5, 1, 2});
            (void)b.step({i % 5, 1, 2});
        }
        const auto saved = a.env->save();
        QVERIFY(b.env->restore(saved));
        for (int i = 0; i < 15; ++i) {
            const StepOutcome first = a.step({0, i % 5, 4});
            const StepOutcome second = b.step({0, i % 5, 4});
            QVERIFY(a.seen.obs == b.seen.obs && first.reward == second.reward);
            QCOMPARE(first.truncated, i == 14);
        }
        QVERIFY(!a.env->step(std::vector<std::int32_t>{0, 0, 0}, a.spans()));
        for (std::size_t cut = 0; cut < saved.size(); cut += 13) {
            QVERIFY(!b.env->restore(std::span(saved).first(cut)));
        }
    }

    void theSceneIsWhatThereIs() {
        Field field("name = \"tag\"\npredators = 2\nprey = 2\nlandmarks = 1\npredator_slots = 3\nprey_slots = 3\n"
                    "landmark_slots = 2\nprey_force = 0.0\npredator_accel = 0.0\ndirections = 8");
        std::vector<TagBody> bodies(5);
        bodies[0] = {.x = 0.5, .y = 0.25};
        bodies[1] = {.x = -0.5, .y = -3.0, .vx = 0.5};
        bodies[2] = {.x = 0.5, .y = 0.36}; // 0.11 from the first predator, less than 0.075 + 0.05
        bodies[3] = {.x = 2.0, .y = 2.0, .vy = 0.25};
        bodies[4] = {.x = -1.5, .y = 1.5};
        QVERIFY(field.game().place(bodies, {.seed = 1}, field.spans()));
        const EnvView view = field.env->view();
        const auto& plane = std::get<PlaneView>(view.scene);
        QCOMPARE(plane.bodies.size(), bodies.size());
        using Kind = PlaneView::Kind;
        const Kind kinds[] = {Kind::Agent, Kind::Agent, Kind::Prey, Kind::Prey, Kind::Landmark};
        const int ids[] = {0, 1, 0, 1, 0};
        const float radii[] = {0.075F, 0.075F, 0.05F, 0.05F, 0.2F};
        for (std::size_t i = 0; i < bodies.size(); ++i) {
            const PlaneView::Body& body = plane.bodies[i];
            QVERIFY(body.kind == kinds[i] && body.id == ids[i] && body.radius == radii[i]);
            QVERIFY(body.x == static_cast<float>(bodies[i].x) && body.y == static_cast<float>(bodies[i].y));
            QVERIFY(body.velocityX == static_cast<float>(bodies[i].vx));
            QVERIFY(body.velocityY == static_cast<float>(bodies[i].vy));
            QCOMPARE(body.caught, i == 2);
            QCOMPARE(body.action, -1);
        }
        QCOMPARE(plane.sight, 1.5F);
        QCOMPARE(plane.actionNames.size(), static_cast<std::size_t>(field.env->spec().nActions));
        (void)field.step({3, 0, 0});
        const EnvView after = field.env->view();
        QCOMPARE(std::get<PlaneView>(after.scene).bodies[0].action, 3);
        QCOMPARE(plane.actionNames[3], std::string("north"));
        // Names are those of the values, slots that nobody is in included.
        QCOMPARE(after.featureNames.size(), static_cast<std::size_t>(field.env->spec().obsDim));
        const auto value = [&](std::size_t agent, const char* name) {
            const auto at = std::ranges::find(after.featureNames, name) - after.featureNames.begin();
            return field.seen.obs[agent * after.featureNames.size() + static_cast<std::size_t>(at)];
        };
        const auto& now = std::get<PlaneView>(after.scene).bodies;
        QCOMPARE(value(1, "own x"), now[1].x);
        QCOMPARE(value(1, "own vx"), now[1].velocityX);
        QCOMPARE(value(0, "prey 0 dy"), static_cast<float>(field.game().bodies()[2].y - field.game().bodies()[0].y));
        QCOMPARE(value(0, "prey 2 vx"), 0.F);
        QCOMPARE(value(1, "landmark 1 dx"), 0.F);
        Field other("name = \"tag\"\npredators = 2\nprey = 2\nlandmarks = 1\npredator_slots = 3\nprey_slots = 3\n"
                    "landmark_slots = 2\nprey_force = 0.0\npredator_accel = 0.0\ndirections = 8");
        QVERIFY(other.env->restore(field.env->save()));
        QVERIFY(other.env->view() == after);
    }
};

QTEST_APPLESS_MAIN(TestTag)
#include "tst_tag.moc"
