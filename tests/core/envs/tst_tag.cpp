// SPDX-License-Identifier: GPL-3.0-or-later
// Continuous predator-prey: sizes, motion and contacts against arithmetic, prey that run, episodes by key.
#include <cmath>

#include <QTest>

#include "core/envs/tag.h"

using namespace knife;

namespace {

struct Field {
    std::unique_ptr<Environment> env;
    std::vector<float> obs;
    std::vector<float> state;
    std::vector<std::uint8_t> avail;

    explicit Field(const std::string& toml) {
        auto made = makeTag(*parseSection(toml, "test", "env"));
        if (!made) {
            qFatal("%s", made.error().describe().c_str());
        }
        env = std::move(*made);
        const EnvSpec& spec = env->spec();
        obs.resize(static_cast<std::size_t>(spec.nAgents * spec.obsDim));
        state.resize(static_cast<std::size_t>(spec.stateDim));
        avail.resize(static_cast<std::size_t>(spec.nAgents * spec.nActions));
    }
    [[nodiscard]] Tag& tag() const { return dynamic_cast<Tag&>(*env); }
    [[nodiscard]] ObservationSpans spans() { return {obs, state, avail}; }
    StepOutcome step(std::vector<std::int32_t> actions) { return env->step(actions, spans()).value(); }
};

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
        field.tag().place({{0, 0, 0, 0}, {50, 50, 0, 0}}, {}, field.spans());
        double v = 0.0;
        double x = 0.0;
        for (int i = 0; i < 20; ++i) {
            (void)field.step({1});
            v = std::min(0.75 * v + 0.3, 1.0);
            x += 0.1 * v;
            QVERIFY(std::abs(field.tag().bodies()[0].vx - v) < 1e-12);
            QVERIFY(std::abs(field.tag().bodies()[0].x - x) < 1e-12);
        }
        QCOMPARE(v, 1.0);
    }

    void preyRunAwayAtTheSpeedOfTheirForce() {
        Field field(kAlone);
        field.tag().place({{0, 0, 0, 0}, {0.5, 0, 0, 0}}, {}, field.spans());
        for (int i = 0; i < 60; ++i) {
            (void)field.step({0});
        }
        const TagBody& prey = field.tag().bodies()[1];
        QVERIFY(prey.x > 1.5);
        const double speed = std::hypot(prey.vx, prey.vy);
        QVERIFY(speed > 0.3 && speed <= 0.4 + 1e-9); // 0.1 F / 0.25, F at most 1
    }

    void everyTouchingPairIsPaid() {
        Field field("name = \"tag\"\nprey = 2\nlandmarks = 0\nprey_force = 0.0");
        // On their way towards each other: 0.2 apart now, 0.08 after the step.
        field.tag().place({{0, 0, 1, 0}, {5, 5, 0, 1}, {9, 9, 0, 0}, {0.2, 0, -0.6, 0}, {5, 5.2, 0, -0.6}}, {},
                          field.spans());
        QCOMPARE(field.step({0, 0, 0}).reward, 20.F);
        for (int i = 0; i < 5; ++i) {
            (void)field.step({0, 0, 0}); // contacts push them apart
        }
        QCOMPARE(field.step({0, 0, 0}).reward, 0.F);
    }

    void contactsPushApartWithEqualForces() {
        Field field("name = \"tag\"\npredators = 2\nlandmarks = 0\nprey_force = 0.0");
        field.tag().place({{0, 0, 0, 0}, {0.1, 0, 0, 0}, {50, 50, 0, 0}}, {}, field.spans());
        (void)field.step({0, 0});
        const double force = 100.0 * 1e-3 * std::log1p(std::exp(0.05 / 1e-3));
        QVERIFY(std::abs(field.tag().bodies()[0].vx + std::min(force * 0.1, 1.0)) < 1e-9);
        QVERIFY(std::abs(field.tag().bodies()[0].vx + field.tag().bodies()[1].vx) < 1e-12);
    }

    void whatIsFarIsNotSeen() {
        Field field("name = \"tag\"\npredators = 2\nlandmarks = 1");
        field.tag().place({{0, 0, 0.1, 0.2}, {1, 0, 0, 0}, {0, 1.6, 0.3, 0}, {0.5, 0.5, 0, 0}}, {}, field.spans());
        const std::vector<float> expected{0.1F, 0.2F, 0, 0, 0.5F, 0.5F, 1, 0, 0, 0, 0, 0};
        QVERIFY(std::equal(expected.begin(), expected.end(), field.obs.begin()));
        QVERIFY(std::equal(field.obs.begin(), field.obs.end(), field.state.begin()));
    }

    void episodesAreAFunctionOfTheirKey() {
        Field a("name = \"tag\"");
        Field b("name = \"tag\"");
        a.env->reset({.seed = 3, .episode = 8}, a.spans());
        b.env->reset({.seed = 4, .episode = 8}, b.spans());
        (void)b.step({1, 2, 3});
        b.env->reset({.seed = 3, .episode = 8}, b.spans());
        for (int i = 0; i < 10; ++i) {
            QVERIFY(a.obs == b.obs);
            (void)a.step({i % 5, 1, 2});
            (void)b.step({i % 5, 1, 2});
        }
        const auto saved = a.env->save();
        QVERIFY(b.env->restore(saved));
        for (int i = 0; i < 15; ++i) {
            const StepOutcome first = a.step({0, i % 5, 4});
            const StepOutcome second = b.step({0, i % 5, 4});
            QVERIFY(a.obs == b.obs && first.reward == second.reward);
            QCOMPARE(first.truncated, i == 14);
        }
        QVERIFY(!a.env->step(std::vector<std::int32_t>{0, 0, 0}, a.spans()));
        for (std::size_t cut = 0; cut < saved.size(); cut += 13) {
            QVERIFY(!b.env->restore(std::span(saved).first(cut)));
        }
    }
};

QTEST_APPLESS_MAIN(TestTag)
#include "tst_tag.moc"
