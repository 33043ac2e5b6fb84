// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTest>

#include <cmath>

#include <rapidcheck.h>

#include "core/config/experiment.h"

using namespace knife;

namespace {

// Any text that TOML can hold: control characters, quotes, letters from far away.
std::string anyText() {
    const std::vector<std::string> pieces = {"a",  "Z", "0", " ", "\"", "'",  "\\",  "\t",
                                             "\n", "#", "=", "[", "é",  "日", "\x01"};
    std::string text;
    for (const int piece :
         *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, static_cast<int>(pieces.size())))) {
        text += pieces[static_cast<std::size_t>(piece)];
    }
    return text;
}

struct OpenKeys {
    std::string method;
    std::int64_t integer = 0;
    double number = 0.0;
    std::vector<std::vector<double>> table;
    std::vector<std::string> texts;
};

void describe(FieldVisitor& visitor, OpenKeys& keys) {
    visitor.field("method", keys.method, {""});
    visitor.field("integer", keys.integer, {""}, {});
    visitor.field("number", keys.number, {""}, {});
    visitor.field("table", keys.table, {""});
    visitor.field("texts", keys.texts, {""});
}

double anyNumber() {
    return *rc::gen::map(rc::gen::arbitrary<double>(), [](double x) { return std::isfinite(x) ? x : 0.0; });
}

Section anySection() {
    OpenKeys keys;
    keys.method = anyText();
    keys.integer = *rc::gen::arbitrary<std::int64_t>();
    keys.number = anyNumber();
    keys.table = {{anyNumber(), anyNumber()}, {}, {anyNumber()}};
    keys.texts = {anyText(), anyText()};
    return writeSection("open", keys);
}

double share() {
    return static_cast<double>(*rc::gen::inRange(0, 1'000'001)) / 1e6;
}

Experiment anyExperiment() {
    Experiment e;
    e.name = anyText();
    e.seeds = *rc::gen::nonEmpty(rc::gen::unique<std::vector<std::uint64_t>>(
        rc::gen::map(rc::gen::arbitrary<std::uint64_t>(), [](std::uint64_t x) { return x >> 1U; })));
    e.steps = *rc::gen::inRange<std::int64_t>(1000, 1'000'000'000'000);
    e.env = anySection().withText("name", anyText());
    e.mixer = anySection();
    if (*rc::gen::arbitrary<bool>()) {
        e.taskGenerator = anySection().withText("kind", "permute");
    } else {
        for (int i = *rc::gen::inRange(0, 4); i > 0; --i) {
            e.tasks.push_back({anyText(), *rc::gen::inRange<std::int64_t>(0, 300), e.env.mergedWith(anySection())});
        }
    }
    e.device = *rc::gen::element<std::string>("cpu", "cuda");
    e.preset = *rc::gen::element<std::string>("none", "group", "pymarl", "pymarl2", "epymarl");
    e.agent.kind = anyText();
    e.agent.hidden = *rc::gen::inRange<std::int64_t>(1, 1000);
    e.agent.fcLayers = *rc::gen::inRange<std::int64_t>(1, 3);
    e.agent.init = *rc::gen::element<std::string>("uniform", "orthogonal");
    e.agent.headGain = share();
    e.agent.lastAction = *rc::gen::arbitrary<bool>();
    e.agent.agentId = *rc::gen::arbitrary<bool>();
    e.learning.gamma = share();
    e.learning.lr = share();
    e.learning.epsilon = share();
    e.learning.targetTau = share();
    e.learning.standardiseRewards = *rc::gen::arbitrary<bool>();
    e.learning.optimiser = *rc::gen::element<std::string>("rmsprop", "adam");
    e.learning.batchEpisodes = *rc::gen::inRange<std::int64_t>(1, 100);
    e.exploration.start = 0.5 + share() / 2;
    e.exploration.finish = share() / 2;
    e.diagnostics.frameInterval = *rc::gen::inRange<std::int64_t>(0, 100);
    for (int i = *rc::gen::inRange(0, 3); i > 0; --i) {
        e.interventions.push_back(anySection());
    }
    e.checkpoint.intervalS = share() * 1e6;
    return e;
}

} // namespace

class TestConfigRoundTrip : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void theResolvedTextGivesTheExperimentBack();
    void writingTwiceGivesTheSameText();
};

void TestConfigRoundTrip::theResolvedTextGivesTheExperimentBack() {
    const bool holds = rc::check([] {
        const Experiment experiment = anyExperiment();
        const auto again = parseExperiment(toToml(experiment), "resolved");
        RC_LOG() << (again ? "" : again.error().message) << "\n" << toToml(experiment);
        RC_ASSERT(again.has_value());
        RC_ASSERT(*again == experiment);
    });
    QVERIFY(holds);
}

void TestConfigRoundTrip::writingTwiceGivesTheSameText() {
    const bool holds = rc::check([] {
        const std::string text = toToml(anyExperiment());
        RC_ASSERT(toToml(parseExperiment(text, "resolved").value()) == text);
    });
    QVERIFY(holds);
}

QTEST_APPLESS_MAIN(TestConfigRoundTrip)
#include "tst_config_round_trip.moc"
