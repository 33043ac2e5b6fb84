// SPDX-License-Identifier: GPL-3.0-or-later
// Which units ReDo, continual backprop, self-normalized resets and ReGraMa choose, by hand-made activations.
#include <cmath>

#include <ATen/ATen.h>
#include <QTest>

#include "core/plasticity/interventions/continual_backprop.h"
#include "core/plasticity/interventions/redo.h"
#include "core/plasticity/interventions/regrama.h"
#include "core/plasticity/interventions/self_normalized_resets.h"
#include "theatre.h"

using namespace knife;
using namespace knife::test;

namespace {

constexpr int kUnits = 8;
using Units = std::vector<int>;
using Activations = std::vector<std::vector<float>>;

// A network of which agent.fc1 is shown activations by hand. Every pass ends with a padded row that would change
// everything if it counted.
struct Scripted {
    std::unique_ptr<FactorizedNet> net;
    std::unique_ptr<Diagnostics> diagnostics;
    std::size_t site = 0;
    std::int64_t update = 0;

    Scripted() {
        Setup setup;
        setup.hidden = kUnits;
        setup.mixer = "method = \"vdn\"";
        net = buildNet(setup.net());
        site = siteIndex(*net, "agent.fc1");
        DiagnosticsConfig config;
        config.activationInterval = 1;
        diagnostics = std::make_unique<Diagnostics>(config, net->sites());
    }
    [[nodiscard]] const Site& at() const { return net->sites().all()[site]; }

    // Activations of fewer than kUnits entries go on with their last one.
    static at::Tensor tensorOf(const Activations& rows) {
        at::Tensor values = at::empty({static_cast<std::int64_t>(rows.size()) + 1, kUnits}, at::kFloat);
        values[values.size(0) - 1].fill_(1e6F);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            for (std::size_t unit = 0; unit < kUnits; ++unit) {
                values[static_cast<std::int64_t>(i)][static_cast<std::int64_t>(unit)] =
                    rows[i][std::min(unit, rows[i].size() - 1)];
            }
        }
        return values;
    }
    void show(UpdateListener& listener, const Activations& hidden, const Activations& gradient = {}) {
        SiteTaps taps(net->sites().all().size());
        taps[site].hidden = tensorOf(hidden);
        if (!gradient.empty()) {
            taps[site].gradient = tensorOf(gradient);
        }
        RowValidity rows;
        rows.agent = at::ones({static_cast<std::int64_t>(hidden.size()) + 1});
        rows.agent[static_cast<std::int64_t>(hidden.size())] = 0.F;
        const UpdateMoment moment{.update = update++, .parameters = net->parameters(), .taps = &taps, .rows = &rows};
        listener.differentiated(moment);
        listener.stepped(moment);
    }
    [[nodiscard]] Units proposed(const Intervention& method) const {
        const SurgeryPlan plan =
            method.propose({.diagnostics = *diagnostics, .net = *net, .update = update, .seed = 1});
        return plan.operations.empty() ? Units{} : plan.operations.front().units;
    }
    [[nodiscard]] SiteReceipt receipt(Units units) const {
        return {.site = "agent.fc1", .units = std::move(units), .kind = "reset", .ruaBefore = {}};
    }
    void setOutgoing(std::int64_t unit, double magnitude) const {
        const at::NoGradGuard noGrad;
        const Consumer& consumer = at().consumers[0];
        at::Tensor column = consumer.weight->value.detach().select(1, consumer.column + unit);
        column.fill_(magnitude);
        column[0].fill_(-magnitude);
    }
};

bool isNear(double value, double expected) {
    return std::abs(value - expected) < 1e-6 * std::max(1.0, std::abs(expected));
}

} // namespace

class TestUnitResetMethods : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void redoTakesUnitsUpToTau() {
        Scripted world;
        RedoConfig config;
        config.tau = 0.25;
        const Redo redo(config, world.net->sites());
        QVERIFY(world.proposed(redo).empty()); // no window yet
        // E|h| = (0, .25, .5, 1, 1.5, 1.5, 1.5, 1.75), mean 1: unit 1 is at tau exactly but for the 1e-9.
        world.show(*world.diagnostics, {{0, 0.125F, 1, 1, 1, 1, 1, 3}, {0, 0.375F, 0, 1, 2, 2, 2, 0.5F}});
        QVERIFY(world.proposed(redo).empty());
        world.diagnostics->closeWindow();
        QCOMPARE(world.proposed(redo), (Units{0, 1}));
        const std::vector<double> scores = redo.scores(*world.diagnostics, world.site);
        QVERIFY(isNear(scores[1], 0.25) && isNear(scores[4], 1.5) && isNear(scores[7], 1.75));
        // Operated on, a unit has to be seen for a full window before it is dormant again.
        world.show(*world.diagnostics, {{0, 1}});
        world.diagnostics->touch(world.site, {0});
        QCOMPARE(world.proposed(redo), (Units{1}));
        world.diagnostics->closeWindow();
        QCOMPARE(world.proposed(redo), (Units{}));
        world.show(*world.diagnostics, {{0, 1}});
        world.diagnostics->closeWindow();
        QCOMPARE(world.proposed(redo), (Units{0}));
    }

    void redoReadsTheOpenWindowOrOneBatch() {
        Scripted world;
        RedoConfig config;
        config.statistics = "open_window";
        QVERIFY(world.proposed(Redo(config, world.net->sites())).empty());
        world.show(*world.diagnostics, {{0.01F, 1}});
        QCOMPARE(world.proposed(Redo(config, world.net->sites())), (Units{0}));
        // A constant unit is as good as dead when its mean is subtracted first.
        config.statistics = "centred_batch";
        config.observeEvery = 1;
        Redo centred(config, world.net->sites());
        world.show(*centred.listener(), {{5, 1}, {5, 2}});
        QCOMPARE(world.proposed(centred), (Units{0}));
        Redo copy(config, world.net->sites());
        QVERIFY(copy.restore(centred.save()));
        QCOMPARE(world.proposed(copy), (Units{0}));
        QVERIFY(!copy.restore(centred.save() + "x"));
        centred.touched({world.receipt({0})});
        QVERIFY(world.proposed(centred).empty());
    }

    void redoAnnealsItsShare() {
        Scripted world;
        world.show(*world.diagnostics, {{8, 7, 6, 5, 4, 3, 2, 1}});
        world.diagnostics->closeWindow();
        RedoConfig config;
        config.selection = "annealed";
        config.share = 0.5;
        config.annealUpdates = 100;
        const Redo redo(config, world.net->sites());
        const auto at = [&](std::int64_t update) {
            world.update = update;
            return world.proposed(redo);
        };
        QCOMPARE(at(0), (Units{4, 5, 6, 7}));
        QCOMPARE(at(50), (Units{6, 7}));
        QVERIFY(at(100).empty() && at(1000).empty());
    }

    void utilitiesFollowTheirFormula_data() {
        QTest::addColumn<QString>("utility");
        QTest::addColumn<double>("first");
        QTest::addColumn<double>("second");
        // Unit 0: |v| = .5; h = (1, 3), then (4, 0); E h = 2, then 2. Unit 1: |v| = 2; h = (0, 1), then (1, 1);
        // E h = .5, then 1; hbar after two observations = (.9 * .05 + .1) / .19 = .7631579.
        // U = (.9 u_1 + u_2) / 1.9 with decay .9.
        QTest::addRow("contribution") << "contribution" << 1.0 << (0.9 * 1.0 + 2.0) / 1.9;
        QTest::addRow("zero_mean") << "zero_mean" << (0.9 * 0.5 + 1.0) / 1.9 << (0.9 * 1.0 + 2.0 * 0.2368421) / 1.9;
        QTest::addRow("adaptable") << "adaptable" << (0.9 * 0.5 + 1.0) / 1.9 / 0.25
                                   << (0.9 * 1.0 + 2.0 * 0.2368421) / 1.9 / 0.25;
        // Unit 0: dL/dh = (2, 1), then (1, 3), so that (h - 2) dL/dh = (-2, 1), then (2, -6). Unit 1: (1, 1), then
        // (1, 3): (-.5, .5), then .2368421 (1, 3).
        QTest::addRow("first_order") << "first_order" << (0.9 * 0.5 + 2.0) / 1.9 << 2.0 * 0.2368421 / 1.9;
        QTest::addRow("first_order_abs") << "first_order_abs" << (0.9 * 1.5 + 4.0) / 1.9
                                         << (0.9 * 0.5 + 2.0 * 0.2368421) / 1.9;
    }
    void utilitiesFollowTheirFormula() {
        QFETCH(QString, utility);
        QFETCH(double, first);
        QFETCH(double, second);
        Scripted world;
        world.setOutgoing(0, 0.5);
        world.setOutgoing(1, 2.0);
        world.at().weight->value.detach().fill_(-0.25F);
        ContinualBackpropConfig config;
        config.utility = utility.toStdString();
        config.decay = 0.9;
        ContinualBackprop method(config, world.net->sites());
        QCOMPARE(method.listener()->wishes(0).activationGradients, utility.startsWith("first_order"));
        world.show(*method.listener(), {{1, 0, 1}, {3, 1, 1}}, {{2, 1, 0}, {1, 1, 0}});
        world.show(*method.listener(), {{4, 1, 1}, {0, 1, 1}}, {{1, 1, 0}, {3, 3, 0}});
        const std::vector<double> utilities = method.utilities(world.site);
        QVERIFY2(isNear(utilities[0], first), std::to_string(utilities[0]).c_str());
        QVERIFY2(isNear(utilities[1], second), std::to_string(utilities[1]).c_str());
        QVERIFY(isNear(method.means(world.site)[1], 0.145 / 0.19));
        ContinualBackprop copy(config, world.net->sites());
        QVERIFY(copy.restore(method.save()));
        QCOMPARE(copy.save(), method.save());
        QVERIFY(isNear(copy.utilities(world.site)[1], second));
        QVERIFY(!copy.restore(method.save().substr(8)));
    }

    void whatIsNotFoldedIsMeasuredFromZero() {
        Scripted world;
        ContinualBackpropConfig config;
        config.utility = "first_order";
        config.asReleased = true; // nothing is added to biases
        ContinualBackprop method(config, world.net->sites());
        world.show(*method.listener(), {{1, 0, 1}, {3, 1, 1}}, {{2, 1, 0}, {1, 1, 0}});
        QVERIFY(isNear(method.utilities(world.site)[0], 2.5)); // (1 * 2 + 3 * 1) / 2
    }

    void onlyMatureUnitsOfLowestUtilityAreReplaced() {
        Scripted world;
        for (std::int64_t unit = 0; unit < kUnits; ++unit) {
            world.setOutgoing(unit, 1.0);
        }
        ContinualBackpropConfig config;
        config.maturity = 4;
        config.replacementRate = 0.25; // of 8 units: two per update
        ContinualBackprop method(config, world.net->sites());
        const Activations rows{{8, 7, 6, 5, 4, 3, 2, 1}};
        for (int i = 0; i < 4; ++i) {
            world.show(*method.listener(), rows);
            QVERIFY(world.proposed(method).empty());
        }
        world.show(*method.listener(), rows);
        QCOMPARE(world.proposed(method), (Units{6, 7}));
        const SurgeryPlan plan = method.propose({.diagnostics = *world.diagnostics, .net = *world.net});
        QVERIFY(isNear(static_cast<double>(plan.operations[0].values[0]), 2.0)); // unit 6's mean
        method.touched({world.receipt({6, 7})});
        QVERIFY(world.proposed(method).empty()); // what was due is done
        for (int i = 0; i < 2; ++i) {            // six mature units: 1.5 are due in each update
            world.show(*method.listener(), rows);
            QCOMPARE(world.proposed(method), (i == 0 ? Units{5} : Units{3, 4, 5}));
        }
        config.asReleased = true;
        ContinualBackprop released(config, world.net->sites());
        QVERIFY(released.restore(method.save()));
        const SurgeryPlan without = released.propose({.diagnostics = *world.diagnostics, .net = *world.net});
        QCOMPARE(without.operations[0].units, (Units{3, 4, 5}));
        QCOMPARE(without.operations[0].values, (std::vector<float>{0, 0, 0}));
    }

    void theReplacementRateIsMet_data() {
        QTest::addColumn<QString>("fractions");
        QTest::addColumn<double>("tolerance");
        QTest::addRow("accumulate") << "accumulate" << 1.0;
        QTest::addRow("chance") << "chance" << 25.0; // three standard deviations
    }
    void theReplacementRateIsMet() {
        QFETCH(QString, fractions);
        QFETCH(double, tolerance);
        Scripted world;
        ContinualBackpropConfig config;
        config.fractions = fractions.toStdString();
        config.maturity = 20;
        config.replacementRate = 0.01;
        ContinualBackprop method(config, world.net->sites());
        std::vector<int> ages(kUnits, 0);
        double expected = 0.0;
        double replaced = 0.0;
        for (int i = 0; i < 1000; ++i) {
            world.show(*method.listener(), {{1, 2, 3, 4, 5, 6, 7, 8}});
            for (int& age : ages) {
                expected += ++age > 20 ? 0.01 : 0.0;
            }
            const Units units = world.proposed(method);
            if (units.empty()) {
                continue;
            }
            replaced += static_cast<double>(units.size());
            for (const int unit : units) {
                QVERIFY(ages[static_cast<std::size_t>(unit)] > 20);
                ages[static_cast<std::size_t>(unit)] = 0;
            }
            method.touched({world.receipt(units)});
        }
        QVERIFY(expected > 50.0);
        QVERIFY2(std::abs(replaced - expected) <= tolerance,
                 (std::to_string(replaced) + " of " + std::to_string(expected)).c_str());
    }

    void thresholdsFollowWhenUnitsFire() {
        Scripted world;
        SelfNormalizedResetsConfig config;
        config.resolution = 1;
        config.tauMax = 24;
        config.thresholdEvery = 8;
        config.percentile = 0.5;
        SelfNormalizedResets method(config, world.net->sites());
        // Two valid rows per pass. Unit 0 never fires, unit 1 every fourth pass, the others always.
        const auto pass = [&](int number) {
            const float fires = number % 4 == 3 ? 1.F : 0.F;
            world.show(*method.listener(), {{-1, 0, 1}, {0, fires, 0}});
        };
        for (int i = 0; i < 8; ++i) {
            pass(i);
            QVERIFY(world.proposed(method).empty());
        }
        QCOMPARE(method.ages(world.site)[0], 16.0);
        QCOMPARE(method.ages(world.site)[1], 0.0);
        QCOMPARE(method.thresholds(world.site)[0], 24.0); // nothing is known of it
        QCOMPARE(method.thresholds(world.site)[1], 7.0);  // fired at ages 6 and 6
        QCOMPARE(method.thresholds(world.site)[2], 2.0);  // fired at age 0: not below the rows of a pass
        const std::string saved = method.save();
        // Unit 1 falls silent: older than what its history makes likely after four passes.
        for (int i = 0; i < 3; ++i) {
            world.show(*method.listener(), {{0, 0, 1}, {0, 0, 1}});
            QVERIFY(world.proposed(method).empty());
        }
        world.show(*method.listener(), {{0, 0, 1}, {0, 0, 0}});
        QCOMPARE(world.proposed(method), (Units{0, 1})); // unit 0 has reached tau_max
        method.touched({world.receipt({0, 1})});
        QVERIFY(world.proposed(method).empty());
        QCOMPARE(method.ages(world.site)[1], 0.0);
        QCOMPARE(method.thresholds(world.site)[1], 7.0);
        for (int i = 0; i < 4; ++i) { // the next thresholds, from passes of one row
            world.show(*method.listener(), {{1, 1, 1}});
        }
        QCOMPARE(method.thresholds(world.site)[2], 1.0);
        // As it was, from its bytes; and doubling where units fire only later than the threshold says.
        SelfNormalizedResets copy(config, world.net->sites());
        QVERIFY(copy.restore(saved));
        QCOMPARE(copy.save(), saved);
        QVERIFY(!copy.restore(saved + saved));
        world.update = 8;
        for (int i = 0; i < 8; ++i) {
            world.show(*copy.listener(), {{0, i == 6 ? 1.F : 0.F, 1}, {0, 0, 1}});
        }
        QCOMPARE(copy.thresholds(world.site)[1], 14.0); // ages 6, 6, 12: the percentile is 7 and not below 7
    }

    void regramaTakesUnitsOfSmallGradient() {
        Scripted world;
        RegramaConfig config;
        config.tau = 0.1;
        config.observeEvery = 2;
        Regrama regrama(config, world.net->sites());
        world.show(*regrama.listener(), {{1}, {1}}, {{0, 1}, {0, 1}});
        QVERIFY(world.proposed(regrama).empty()); // not one of the updates it looks at
        QVERIFY(!regrama.listener()->wishes(0).activationGradients &&
                regrama.listener()->wishes(1).activationGradients);
        // E|dL/dz|: unit 0 cancels but is not small; unit 1 has gradient only where its ReLU is closed; unit 2 little.
        world.show(*regrama.listener(), {{1, 0, 1, 1}, {1, 1, 1, 1}}, {{-1, 9, 0.05F, 1}, {1, 0, 0.05F, 1}});
        QCOMPARE(world.proposed(regrama), (Units{1, 2}));
        Regrama copy(config, world.net->sites());
        QVERIFY(copy.restore(regrama.save()) && world.proposed(copy) == (Units{1, 2}));
        QVERIFY(!copy.restore({}));
        regrama.touched({world.receipt({1})});
        QCOMPARE(world.proposed(regrama), (Units{2}));
        ++world.update;
        world.show(*regrama.listener(), {{1}}, {{0}});
        QCOMPARE(world.proposed(regrama).size(), std::size_t(kUnits)); // a layer without gradient is dormant as a whole
        const SurgeryPlan plan = regrama.propose({.diagnostics = *world.diagnostics, .net = *world.net});
        QVERIFY(plan.target == TargetPolicy::HardSync);
    }

    void theyWorkOnWhatALearnerShows() {
        Theatre theatre(brisk());
        const SiteList& sites = theatre.online().sites();
        RegramaConfig config;
        config.tau = 10.0;
        config.maxShare = 0.25;
        config.observeEvery = 1;
        Regrama regrama(config, sites);
        ContinualBackprop backprop({}, sites);
        SelfNormalizedResets resets({}, sites);
        theatre.train(6, {regrama.listener(), backprop.listener(), resets.listener()});
        DiagnosticsConfig diagnosed;
        const Diagnostics diagnostics(diagnosed, sites);
        SurgeryPlan plan = regrama.propose({.diagnostics = diagnostics, .net = theatre.online()});
        QVERIFY(plan.operations.size() >= 4); // agent and hypernets alike
        QCOMPARE(plan.operations[0].site, std::string("agent.fc1"));
        QCOMPARE(plan.operations[0].units.size(), std::size_t(4));
        QVERIFY(theatre.measure(plan, 0).max() > 0.0);
        for (const SiteOperation& operation : plan.operations) {
            const std::size_t site = siteIndex(theatre.online(), operation.site);
            const std::vector<double> utilities = backprop.utilities(site);
            QVERIFY(std::ranges::all_of(utilities, [](double u) { return u >= 0.0; }));
            QVERIFY(std::ranges::any_of(utilities, [](double u) { return u > 0.0; }));
            QCOMPARE(resets.ages(site).size(), utilities.size());
        }
    }

    void sectionsAreReadWithTheirDefaults() {
        const auto net = buildNet(Setup().net());
        for (const auto& [method, every] :
             {std::pair{"redo", 1000}, std::pair{"regrama", 1000}, std::pair{"continual_backprop", 1},
              std::pair{"gxd", 1}, std::pair{"self_normalized_resets", 1}}) {
            const Section section = sectionOf(std::string("method = \"") + method + "\"", "interventions");
            const auto made = makeIntervention(section, *net);
            QVERIFY2(made, method);
            QCOMPARE((*made)->trigger().trigger, std::string("periodic"));
            QCOMPARE((*made)->trigger().every, std::int64_t(every));
            const auto resolved = resolveIntervention(section);
            QVERIFY(resolved && resolved->has("incoming") && resolved->has("outgoing") && resolved->has("sites"));
            QVERIFY(!resolved->has("fold_mean"));
        }
        const auto gxd = resolveIntervention(sectionOf("method = \"gxd\"", "interventions"));
        QCOMPARE(*gxd->text("utility", ""), std::string("first_order"));
    }

    void wrongSettingsAreRefusedWithTheirPlace_data() {
        QTest::addColumn<QString>("toml");
        QTest::addColumn<QString>("says");
        const auto row = [](const char* toml, const char* says) {
            QTest::newRow(QByteArray(toml).replace('\n', ", ").constData()) << toml << says;
        };
        row("method = \"redo\"\ntau = -1", "tau");
        row("method = \"redo\"\nsites = [\"mixer.mix\"]", "no weights of its own");
        row("method = \"redo\"\nincoming = \"lecun\"", "incoming");
        row("method = \"redo\"\nfold_mean = true", "fold_mean");
        row("method = \"continual_backprop\"\nutility = \"none\"", "utility");
        row("method = \"continual_backprop\"\ndecay = 1.0", "decay");
        row("method = \"continual_backprop\"\nsites = [\"agent.fc9\"]", "agent.fc9");
        row("method = \"self_normalized_resets\"\npercentile = 2", "percentile");
        row("method = \"self_normalized_resets\"\ntau_max = 900000000\nresolution = 1", "resolution");
        row("method = \"regrama\"\nobserve_every = 0", "observe_every");
        row("method = \"regrama\"\ntaus = 0.1", "tau");
    }
    void wrongSettingsAreRefusedWithTheirPlace() {
        QFETCH(QString, toml);
        QFETCH(QString, says);
        const auto net = buildNet(Setup().net());
        const auto refused = makeIntervention(sectionOf(toml.toStdString(), "interventions"), *net);
        QVERIFY(!refused);
        QVERIFY(refused.error().code == ErrorCode::Usage);
        const std::string message = refused.error().describe();
        QVERIFY2(message.find(says.toStdString()) != std::string::npos, message.c_str());
        QVERIFY2(message.find(":2:") != std::string::npos || message.find(":3:") != std::string::npos, message.c_str());
    }

    void sitesThatCannotFoldAreLeftOutOfContinualBackprop() {
        Setup setup;
        setup.agentKind = "rnn_crelu";
        const auto net = buildNet(setup.net());
        const auto named = makeIntervention(
            sectionOf("method = \"continual_backprop\"\nsites = [\"agent.fc1\"]", "interventions"), *net);
        QVERIFY(!named && named.error().describe().find("two inputs") != std::string::npos);
        QVERIFY(makeIntervention(sectionOf("method = \"continual_backprop\"", "interventions"), *net));
    }

    void thresholdsAreSetHoweverSeldomPassesAreSeen() {
        Scripted world;
        SelfNormalizedResetsConfig config;
        config.resolution = 1;
        config.tauMax = 24;
        config.thresholdEvery = 8;
        config.observeEvery = 3;
        SelfNormalizedResets method(config, world.net->sites());
        for (int i = 0; i < 8; ++i) {
            world.show(*method.listener(), {{1}, {1}});
        }
        QCOMPARE(method.thresholds(world.site)[2], 24.0); // due, but nobody looks
        world.show(*method.listener(), {{1}, {1}});
        QCOMPARE(method.thresholds(world.site)[2], 2.0);
    }

    void whatCannotActIsRefused_data() {
        QTest::addColumn<QString>("kind");
        QTest::addColumn<QString>("mixer");
        QTest::addColumn<QString>("settings");
        QTest::addColumn<QString>("says");
        QTest::newRow("no composites") << "rnn_layernorm"
                                       << "vdn"
                                       << "method = \"knife\""
                                       << "normalised over";
        QTest::newRow("not there") << "rnn_layernorm"
                                   << "qmix"
                                   << "method = \"knife\"\nsites = [\"agent\"]"
                                   << "not among the sites";
        QTest::newRow("no mixer") << "rnn"
                                  << "vdn"
                                  << "method = \"reborn\"\nsites = [\"agent.gru\"]"
                                  << "agent.gru";
        QTest::newRow("no means") << "rnn_crelu"
                                  << "vdn"
                                  << "method = \"continual_backprop\""
                                  << "no one mean";
        QTest::newRow("no moment") << "rnn"
                                   << "qmix"
                                   << "method = \"redo\"\ntrigger = \"at_updates\""
                                   << "at = [";
    }
    void whatCannotActIsRefused() {
        QFETCH(QString, kind);
        QFETCH(QString, mixer);
        QFETCH(QString, settings);
        QFETCH(QString, says);
        const auto net = buildNet(brisk(kind.toStdString(), "method = \"" + mixer.toStdString() + "\"").net());
        const auto made = makeIntervention(sectionOf(settings.toStdString(), "interventions[0]"), *net);
        QVERIFY(!made && made.error().code == ErrorCode::Usage);
        QVERIFY2(made.error().describe().find(says.toStdString()) != std::string::npos,
                 made.error().describe().c_str());
    }

    // A fork may ask for further sites; methods that do not work there go on with what they know.
    void furtherSitesDoNotVoidWhatIsKnown_data() {
        QTest::addColumn<QString>("settings");
        QTest::newRow("continual_backprop") << "method = \"continual_backprop\"";
        QTest::newRow("gxd") << "method = \"gxd\"";
        QTest::newRow("gradps") << "method = \"gradps\"";
        QTest::newRow("regrama") << "method = \"regrama\"";
        QTest::newRow("redo") << "method = \"redo\"\nstatistics = \"centred_batch\"";
        QTest::newRow("self_normalized_resets") << "method = \"self_normalized_resets\"";
    }
    void furtherSitesDoNotVoidWhatIsKnown() {
        QFETCH(QString, settings);
        const Section section = sectionOf(settings.toStdString(), "interventions[0]");
        Theatre theatre(brisk());
        auto method = makeIntervention(section, theatre.online());
        QVERIFY(method);
        theatre.train(4, {(*method)->listener()});
        (*method)->targetCopied();
        const std::string known = (*method)->save();
        QVERIFY(!known.empty());
        Setup wider = brisk();
        wider.agent.furtherSites = {"gru", "head"};
        const auto net = buildNet(wider.net());
        QVERIFY(net->sites().all().size() > theatre.online().sites().all().size());
        auto fork = makeIntervention(section, *net);
        QVERIFY(fork);
        QVERIFY((*fork)->restore(known));
        QVERIFY((*fork)->save() == known);
    }
};

QTEST_APPLESS_MAIN(TestUnitResetMethods)
#include "tst_unit_reset_methods.moc"
