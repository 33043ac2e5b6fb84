// SPDX-License-Identifier: GPL-3.0-or-later
// Thousands of damaged experiment files: none may crash the reader, and every refusal points at a place.
#include <QElapsedTimer>
#include <QRegularExpression>
#include <QTest>

#include <array>

#include "core/config/experiment.h"
#include "core/types/counter_rng.h"

using namespace knife;

namespace {

constexpr int kFiles = 6000;

const char* const kValid = R"([experiment]
name = "fuzz ü"
seeds = [1, 2]
steps = 50_000
[env]
name = "matrix"
payoff = [[8.0, -12], [0x1F, inf]]
[[tasks]]
name = "one"
steps = 10
env = { noise = 0.5, deep = { deeper = [ { x = 1 } ] } }
[[tasks]]
[tasks.env]
table = '''qtran'''
[agent]
hidden = 64
last_action = true
[mixer]
method = "qmix"
[learning]
lr = 5e-4
[exploration]
anneal_steps = 1000
[[interventions]]
method = "knife"
trigger = "task_switch"
)";

const std::array<std::string, 20> kTokens = {"[",       "]",          "[[",  "]]",    "{",
                                             "}",       "=",          ",",   "\"",    "'''",
                                             "\n",      ".",          "nan", "1e999", "9223372036854775808",
                                             "\\u0000", "1979-05-27", "#",   "\xFF",  std::string(1, '\0')};

std::size_t below(CounterRng& random, std::size_t bound) {
    return random.below(static_cast<std::uint32_t>(bound));
}

void mutate(std::string& text, CounterRng& random) {
    const std::size_t at = below(random, text.size() + 1);
    const std::size_t length = std::min(below(random, 24), text.size() - at);
    switch (random.below(5)) {
    case 0:
        text.insert(at, kTokens[below(random, kTokens.size())]);
        break;
    case 1:
        text.erase(at, length);
        break;
    case 2:
        if (at < text.size()) {
            text[at] = static_cast<char>(random.below(256));
        }
        break;
    case 3:
        text.insert(below(random, text.size() + 1), text.substr(at, length));
        break;
    default:
        text.resize(std::max<std::size_t>(at, 1));
        break;
    }
}

bool namesPlace(const std::string& message) {
    static const QRegularExpression place("fuzz\\.toml:\\d+:\\d+");
    return QString::fromStdString(message).contains(place);
}

} // namespace

class TestConfigFuzz : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void damagedFilesAreRefusedWithAPlace();
    void damagedOverridesAreRefused();
    void deepNestingIsRefused();
};

void TestConfigFuzz::damagedFilesAreRefusedWithAPlace() {
    QVERIFY(parseExperiment(kValid, "fuzz.toml").has_value());
    QElapsedTimer timer;
    timer.start();
    int refused = 0;
    for (int file = 0; file < kFiles; ++file) {
        CounterRng random({7, "fuzz", static_cast<std::uint64_t>(file)});
        std::string text = kValid;
        for (std::uint32_t edits = 1 + random.below(6); edits > 0; --edits) {
            mutate(text, random);
        }
        const auto experiment = parseExperiment(text, "fuzz.toml");
        if (experiment) {
            const auto again = parseExperiment(toToml(*experiment), "resolved");
            QVERIFY2(again && *again == *experiment, text.c_str());
            continue;
        }
        ++refused;
        QVERIFY(experiment.error().code == ErrorCode::Usage);
        QVERIFY2(namesPlace(experiment.error().message), (experiment.error().message + "\n" + text).c_str());
    }
    QVERIFY(refused > kFiles / 2);
    QVERIFY2(timer.elapsed() < 10'000, "reading is far too slow");
}

void TestConfigFuzz::damagedOverridesAreRefused() {
    const std::string valid = "interventions[0].env.payoff=[[1, 2], {a = \"x\"}]";
    for (int i = 0; i < kFiles; ++i) {
        CounterRng random({8, "fuzz", static_cast<std::uint64_t>(i)});
        std::string assignment = valid;
        for (std::uint32_t edits = 1 + random.below(4); edits > 0; --edits) {
            mutate(assignment, random);
        }
        const auto experiment = parseExperiment(kValid, "fuzz.toml", {assignment});
        if (!experiment) {
            QVERIFY(experiment.error().code == ErrorCode::Usage);
            QVERIFY2(QString::fromStdString(experiment.error().message).contains("--set "),
                     experiment.error().message.c_str());
        }
    }
}

void TestConfigFuzz::deepNestingIsRefused() {
    const std::string text = "[env]\nname = " + std::string(100'000, '[');
    const auto experiment = parseExperiment(text, "fuzz.toml");
    QVERIFY(!experiment);
    QVERIFY2(namesPlace(experiment.error().message), experiment.error().message.c_str());
}

QTEST_APPLESS_MAIN(TestConfigFuzz)
#include "tst_config_fuzz.moc"
