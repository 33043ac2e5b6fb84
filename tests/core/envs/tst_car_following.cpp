// SPDX-License-Identifier: GPL-3.0-or-later
// Two cars: motion and rewards against arithmetic, crashes as often as they should be, episodes by key.
#include <cmath>

#include <QTest>

#include "core/envs/car_following.h"
#include "tests/core/envs/played.h"

using namespace knife;

namespace {

constexpr std::int32_t kFullAhead = 20; // 0.905

struct Road : Played<CarFollowing> {
    explicit Road(const std::string& toml = {}) : Played("name = 'car_following'\n" + toml) {}
};

bool near(double a, double b) {
    return std::abs(a - b) < 1e-6;
}

} // namespace

class TestCarFollowing : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void actionsAreTheReleasedAccelerations() {
        const Road road;
        QCOMPARE(road.env->spec().nActions, 21);
        QCOMPARE(road.game().acceleration(0), -1.0);
        QVERIFY(near(road.game().acceleration(10), -1.0 / 21));
        QVERIFY(near(road.game().acceleration(20), 19.0 / 21));
    }

    void aCarSpeedsUpToItsGreatestSpeed() {
        Road road("crash_slope = 0");
        road.env->reset({}, road.spans());
        double speed = 0.0;
        double position = 0.0;
        for (int i = 0; i < 22; ++i) {
            const StepOutcome outcome = road.step({kFullAhead, 0});
            speed = std::min(speed + 0.1 * 19 / 21, 1.8);
            position += 0.1 * speed;
            QVERIFY(near(road.game().cars()[0].speed, speed));
            QVERIFY(near(road.game().cars()[0].position, position));
            const double other = road.game().cars()[1].position;
            const double close = std::abs(position - other) < 0.3 ? 1.0 : 0.0;
            QVERIFY(near(static_cast<double>(outcome.reward),
                         -1.0 - std::abs(position - 2.5) - std::abs(other - 2.5) + close));
        }
        QCOMPARE(road.game().cars()[0].speed, 1.8);
        QCOMPARE(road.game().cars()[1].speed, -1.8);
    }

    void whoArrivesParks() {
        Road road;
        road.game().place({{{2.41, 0.95, false}, {2.0, 0.0, false}}}, {}, road.spans());
        const StepOutcome first = road.step({11, 11}); // 0.95 + 0.1 / 21: a step of 0.0955
        QVERIFY(road.game().cars()[0].parked);
        QCOMPARE(road.game().cars()[0].position, 2.5);
        const double behind = 2.5 - road.game().cars()[1].position;
        QVERIFY(near(static_cast<double>(first.reward), -1.0 + 5.0 - behind));
        (void)road.step({kFullAhead, 11});
        QCOMPARE(road.game().cars()[0].position, 2.5); // and stays
        road.game().place({{{2.5, 0.0, true}, {2.41, 0.95, false}}}, {}, road.spans());
        const StepOutcome last = road.step({0, 11});
        QVERIFY(last.terminated && last.won && !last.truncated);
        QVERIFY(near(static_cast<double>(last.reward), -1.0 + 5.0 + 1.0 + 10.0));
        QVERIFY(!road.env->step(std::vector<std::int32_t>{0, 0}, road.spans()));
    }

    // At speed 1.5 a step crashes with probability 0.2 for each of the two cars.
    void speedIsARisk() {
        Road road("accelerations = 2\nreward_close = 0");
        int crashes = 0;
        constexpr int kSteps = 20'000;
        for (int i = 0; i < kSteps; ++i) {
            const EpisodeKey key{.seed = 5, .greedy = false, .episode = static_cast<std::uint64_t>(i)};
            road.game().place({{{0.0, 1.5, false}, {0.0, -1.5, false}}}, key, road.spans());
            const StepOutcome outcome = road.step({1, 1}); // 1: no acceleration
            crashes += static_cast<int>(std::lround(-1.0 - 5.0 - static_cast<double>(outcome.reward)));
        }
        const double rate = static_cast<double>(crashes) / (2 * kSteps);
        QVERIFY2(std::abs(rate - 0.2) < 5 * std::sqrt(0.2 * 0.8 / (2 * kSteps)), qPrintable(QString::number(rate)));
        road.game().place({{{0.0, 1.0, false}, {0.0, 1.0, false}}}, {}, road.spans());
        QVERIFY(near(static_cast<double>(road.step({1, 1}).reward), -1.0 - 2 * 2.4));
    }

    void eachSeesItsOwnCarFirst() {
        Road road;
        road.game().place({{{1.0, 0.5, false}, {2.5, 0.0, true}}}, {}, road.spans());
        QCOMPARE(road.seen.obs, (std::vector<float>{-1.5F, 0.5F, 0.F, 0.F, 0.F, 1.F, 0.F, 0.F, 1.F, -1.5F, 0.5F, 0.F}));
        QCOMPARE(road.seen.state, std::vector<float>(road.seen.obs.begin(), road.seen.obs.begin() + 6));
    }

    void thePictureHasTheCarsFirst() {
        Road road;
        road.env->reset({}, road.spans());
        (void)road.step({kFullAhead, 3});
        const auto plane = std::get<PlaneView>(road.env->view().scene);
        QCOMPARE(plane.bodies.size(), std::size_t(3));
        for (int agent = 0; agent < 2; ++agent) {
            QVERIFY(plane.bodies[static_cast<std::size_t>(agent)].kind == PlaneView::Kind::Agent);
            QCOMPARE(plane.bodies[static_cast<std::size_t>(agent)].id, agent);
        }
        QCOMPARE(plane.bodies[1].action, 3);
        QCOMPARE(static_cast<int>(plane.actionNames.size()), 21);
        QCOMPARE(static_cast<int>(road.env->view().featureNames.size()), road.env->spec().obsDim);
    }

    void theLimitTruncates() {
        for (const bool truncates : {true, false}) {
            Road road(std::string("episode_limit = 3\ntruncate_episodes = ") + (truncates ? "true" : "false"));
            road.env->reset({}, road.spans());
            (void)road.step({10, 10});
            (void)road.step({10, 10});
            const StepOutcome outcome = road.step({10, 10});
            QCOMPARE(outcome.truncated, truncates);
            QCOMPARE(outcome.terminated, !truncates);
            QVERIFY(!outcome.won);
        }
    }

    void goesOnFromWhereItWasSaved() {
        Road road;
        road.env->reset({.seed = 3, .greedy = false, .episode = 7}, road.spans());
        for (int i = 0; i < 15; ++i) {
            (void)road.step({kFullAhead, 18});
        }
        const std::vector<std::byte> saved = road.env->save();
        Road copy;
        QVERIFY(copy.env->restore(saved));
        QVERIFY(copy.env->view() == road.env->view());
        while (true) {
            const StepOutcome mine = road.step({kFullAhead, 18});
            const StepOutcome theirs = copy.step({kFullAhead, 18});
            QCOMPARE(theirs.reward, mine.reward);
            QCOMPARE(copy.seen.obs, road.seen.obs);
            if (mine.terminated || mine.truncated) {
                break;
            }
        }
        Road placed;
        placed.game().place({{{1e300, 0.0, false}, {0.0, 0.0, false}}}, {}, placed.spans());
        QVERIFY(!copy.env->restore(placed.env->save()));
        placed.game().place({{{1.0, 0.0, true}, {0.0, 0.0, false}}}, {}, placed.spans());
        QVERIFY(!copy.env->restore(placed.env->save()));
        Road other("target = 3.0");
        QVERIFY(!other.env->restore(saved));
        for (std::size_t size = 0; size < saved.size(); size += 7) {
            QVERIFY(!copy.env->restore(std::span(saved).first(size)));
        }
    }

    void illegalActionsChangeNothing() {
        Road road;
        road.env->reset({}, road.spans());
        const auto before = road.env->save();
        for (const std::vector<std::int32_t>& actions : {std::vector<std::int32_t>{21, 0}, {0, -1}, {0}, {0, 0, 0}}) {
            const auto refused = road.env->step(actions, road.spans());
            QVERIFY(!refused);
            QVERIFY(refused.error().code == ErrorCode::IllegalAction);
            QVERIFY(road.env->save() == before);
        }
    }
};

QTEST_APPLESS_MAIN(TestCarFollowing)
#include "tst_car_following.moc"
