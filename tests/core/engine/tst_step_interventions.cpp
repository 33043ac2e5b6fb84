// SPDX-License-Identifier: GPL-3.0-or-later
// Methods that act in every update, each against its formula in double precision; what all of them promise about
// frozen entries, checkpoints and mixers.
#include <array>
#include <cmath>
#include <map>
#include <numbers>
#include <stdexcept>

#include <QTest>

#include <ATen/ATen.h>
#include <Random123/philox.h>

#include "core/nets/kernels/utility_steps.h"
#include "core/plasticity/interventions/intervention.h"
#include "core/plasticity/interventions/neuroplastic_expansion.h"
#include "core/plasticity/interventions/step_scope.h"
#include "core/plasticity/surgeon.h"
#include "core/types/counter_rng.h"
#include "engine_fixtures.h"

using namespace knife;
using namespace knife::test;

namespace {

// Strong enough that a few updates show them.
const std::map<std::string, std::string> kMethods{
    {"l2", "strength = 2.0"},
    {"l2 coupled", "strength = 0.1\nmode = \"coupled\""},
    {"l2_init", "strength = 2.0"},
    {"l2_init coupled", "strength = 0.1\nmode = \"coupled\""},
    {"weight_clipping", "kappa = 0.7"},
    {"upgd", "sigma = 0.5\nweight_decay = 0.5"},
    {"upgd local", "sigma = 0.5\nutility = \"local\"\nprotects = false"},
    {"normalise_and_project", "every = 2"},
    {"parseval", "strength = 0.5\nscale = 1.0"},
    {"neuroplastic_expansion", "every = 2\nnew_weights = \"lecun\"\nprune = \"dormancy\""},
};

std::unique_ptr<Intervention> make(const std::string& method, const std::string& settings, const FactorizedNet& net) {
    const std::string name = method.substr(0, method.find(' '));
    auto made = makeIntervention(sectionOf("method = \"" + name + "\"\n" + settings, "interventions[0]"), net);
    if (!made) {
        throw std::runtime_error(made.error().describe());
    }
    return std::move(*made);
}

// What an update looks like to the listener in its place of the list.
class Witness final : public UpdateListener {
  public:
    std::vector<at::Tensor> before;    // before the optimiser's step
    std::vector<at::Tensor> unclipped; // gradients in differentiated()
    std::vector<at::Tensor> gradients; // in stepped(): what the optimiser got
    std::vector<at::Tensor> values;    // in stepped()
    double lr = 0.0;

    [[nodiscard]] Wishes wishes(std::int64_t /*update*/) const override { return {.valuesBefore = true}; }
    void differentiated(const UpdateMoment& moment) override {
        unclipped = copies(moment.parameters, &ParameterBlock::grad);
    }
    void stepped(const UpdateMoment& moment) override {
        before.clear();
        for (const at::Tensor& block : *moment.before) {
            before.push_back(block.defined() ? block.to(at::kDouble) : at::Tensor());
        }
        gradients = copies(moment.parameters, &ParameterBlock::grad);
        values = copies(moment.parameters, &ParameterBlock::value);
        lr = moment.lr;
    }
    static std::vector<at::Tensor> copies(const ParameterSet& parameters, at::Tensor ParameterBlock::*what) {
        std::vector<at::Tensor> all;
        for (const ParameterBlock& block : parameters.blocks()) {
            all.push_back((block.*what).defined() ? (block.*what).detach().to(at::kDouble) : at::Tensor());
        }
        return all;
    }
};

struct Rig {
    Setup setup;
    std::unique_ptr<Learner> learner;
    Surgeon surgeon;
    std::vector<std::unique_ptr<Intervention>> methods;
    std::int64_t updates = 0;

    explicit Rig(const Setup& setup_ = {})
        : setup(fast(setup_)), learner(setup.learner()), surgeon(learner->online(), learner->target(), 3) {}
    static Setup fast(Setup setup) {
        setup.learning.lr = 0.01;
        return setup;
    }
    Intervention& add(const std::string& method, const std::string& settings) {
        methods.push_back(make(method, settings, learner->online()));
        return *methods.back();
    }
    void train(int count, UpdateListener* first = nullptr, UpdateListener* last = nullptr) {
        UpdateListeners listeners;
        if (first != nullptr) {
            listeners.push_back(first);
        }
        for (const auto& method : methods) {
            listeners.push_back(method->listener());
        }
        if (last != nullptr) {
            listeners.push_back(last);
        }
        for (int i = 0; i < count; ++i) {
            Batch batch = setup.batch(randomEpisodes(setup.spec, {4, 7, 2}, static_cast<std::uint64_t>(updates)));
            batch.number = updates++;
            if (auto updated = learner->update(batch, listeners); !updated) {
                throw std::runtime_error(updated.error().describe());
            }
        }
    }
    void operate(std::int64_t event) { operate(planOf({{"agent.fc1", {1, 4, 5}}, {"mixer.hyper_w1", {0, 2}}}), event); }
    void operate(const SurgeryPlan& plan, std::int64_t event) {
        const auto receipts = surgeon.apply(plan, event);
        if (!receipts) {
            throw std::runtime_error(receipts.error().describe());
        }
        surgeon.forgetUndo();
        for (const auto& method : methods) {
            method->rebuilt();
            method->touched(*receipts);
        }
    }
    [[nodiscard]] ParameterSet& parameters() const { return learner->online().parameters(); }
    [[nodiscard]] at::Tensor values(std::size_t block = 0) const {
        return parameters().blocks()[block].value.detach().to(at::kDouble);
    }
};

at::Tensor valuesOf(const Parameter& parameter) {
    return parameter.value.detach().to(at::kDouble);
}

double furthest(const at::Tensor& a, const at::Tensor& b) {
    return (a - b).abs().max().item<double>();
}

at::Tensor gateOf(const at::Tensor& scaledUtility) {
    return 1.0 - at::sigmoid(scaledUtility);
}

// Every four numbers by the book.
std::vector<double> normalNumbers(const std::array<std::uint32_t, 2>& key, std::uint64_t counter, int count) {
    std::vector<double> numbers;
    while (static_cast<int>(numbers.size()) < count) {
        const auto words = r123::Philox4x32{}(
            {{static_cast<std::uint32_t>(counter), static_cast<std::uint32_t>(counter >> 32), 0U, 0U}},
            {{key[0], key[1]}});
        for (unsigned pair = 0; pair < 2; ++pair) {
            const double radius = std::sqrt(-2.0 * std::log(((words[pair] >> 8) + 0.5) * 0x1p-24));
            const double angle = 2.0 * std::numbers::pi * (words[2 + pair] >> 8) * 0x1p-24;
            numbers.push_back(radius * std::cos(angle));
            numbers.push_back(radius * std::sin(angle));
        }
        ++counter;
    }
    numbers.resize(static_cast<std::size_t>(count));
    return numbers;
}

} // namespace

class TestStepInterventions : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void l2ShrinksAfterTheStep() {
        Setup setup;
        setup.agentKind = "rnn_layernorm";
        Rig rig(setup);
        rig.add("l2", "strength = 3.0\nexcept = [\"mixer\"]");
        Witness witness;
        rig.train(2, &witness);
        double offset = 0;
        for (const Parameter* parameter : rig.parameters().blocks()[0].parameters) {
            const at::Tensor stepped =
                witness.values[0].narrow(0, static_cast<std::int64_t>(offset), parameter->value.numel());
            const bool pulled = parameter->name.starts_with("agent") && kindOf(*parameter) != ParameterKind::Norm;
            const at::Tensor expected = pulled ? stepped * (1.0 - witness.lr * 3.0) : stepped;
            QVERIFY2(furthest(valuesOf(*parameter).flatten(), expected) < (pulled ? 3e-7 : 1e-300),
                     parameter->name.c_str());
            offset += static_cast<double>(parameter->value.numel());
        }
    }

    void coupledPenaltiesAddTheirGradient() {
        for (const std::string method : {"l2", "l2_init"}) {
            Rig rig;
            const at::Tensor origin = method == "l2" ? at::zeros_like(rig.values()) : rig.values();
            rig.add(method, "mode = \"coupled\"\nstrength = 0.25");
            rig.train(3);
            const at::Tensor theta = rig.values();
            Witness first;
            Witness last;
            rig.train(1, &first, &last);
            const at::Tensor added = last.unclipped[0] - first.unclipped[0];
            QVERIFY(furthest(added, 0.5 * (theta - origin)) < 1e-6);
            QVERIFY(added.abs().max().item<double>() > 1e-3);
        }
    }

    void l2InitPullsTowardsTheBeginning() {
        Rig rig;
        const at::Tensor origin = rig.values();
        rig.add("l2_init", "strength = 5.0");
        rig.train(3);
        rig.operate(0);
        Witness witness;
        const std::size_t added = 1; // the active neurons of the first site; frozen blocks lie between
        const at::Tensor born = rig.values(added);
        rig.train(2, &witness);
        const double left = 1.0 - witness.lr * 5.0;
        const at::Tensor trainable = rig.parameters().blocks()[0].mask.to(at::kDouble);
        const at::Tensor expected = origin + left * (witness.values[0] - origin);
        QVERIFY(furthest(rig.values() * trainable, expected * trainable) < 5e-7);
        QVERIFY(furthest(rig.values(added), born + left * (witness.values[added] - born)) < 5e-7);
        QVERIFY(furthest(rig.values(added), witness.values[added]) > 1e-5);
    }

    void clippedWeightsStayWithinTheirBound() {
        Rig rig;
        rig.add("weight_clipping", "kappa = 0.6\nexcept = [\"agent.head\"]");
        rig.operate(0);
        Witness witness;
        rig.train(2, &witness);
        int clipped = 0;
        for (const ParameterBlock& block : rig.parameters().blocks()) {
            for (const Parameter* parameter : block.parameters) {
                if (!block.trainable || parameter->name.starts_with("agent.head")) {
                    continue;
                }
                const std::int64_t inputs = fanIn(*parameter, rig.learner->online());
                QVERIFY2(inputs > 0, parameter->name.c_str());
                const double bound = 0.6 / std::sqrt(static_cast<double>(inputs));
                const at::Tensor trained = valuesOf(*parameter) * parameter->mask;
                QVERIFY2(trained.abs().max().item<double>() <= bound * 1.000001, parameter->name.c_str());
                clipped += static_cast<int>((trained.abs() > bound * 0.999999).sum().item<std::int64_t>());
            }
        }
        QVERIFY(clipped > 50);
        const Parameter& head = parameterNamed(rig.learner->online(), "agent.head.weight");
        QVERIFY(valuesOf(head).abs().max().item<double>() > 0.6 / std::sqrt(16.0));
    }

    void clippingChangesNothingInsideTheBound() {
        Rig rig;
        Rig plain;
        rig.add("weight_clipping", "kappa = 100.0");
        rig.train(3);
        plain.train(3);
        QVERIFY(sameBits(rig.parameters(), plain.parameters()));
    }

    void fanInIsThatOfTheLayer() {
        Rig rig;
        rig.operate(0);
        const FactorizedNet& net = rig.learner->online();
        const auto inputs = [&](const std::string& name) {
            return fanIn(parameterNamed(net, name), net);
        };
        const std::int64_t width = parameterNamed(net, "agent.fc1.weight").value.size(1);
        QCOMPARE(inputs("agent.fc1.weight"), width);
        QCOMPARE(inputs("agent.fc1.bias"), width);
        QCOMPARE(inputs("agent.fc1.event0.active_in"), width);
        QCOMPARE(inputs("agent.fc1.event0.active_bias"), width);
        QCOMPARE(inputs("agent.fc1.event0.active_out"), std::int64_t{16}); // as the column that it stands beside
        QCOMPARE(inputs("agent.head.bias"), std::int64_t{16});
    }

    void upgdHoldsUsefulWeightsBack_data() {
        QTest::addColumn<QString>("settings");
        QTest::addColumn<bool>("protects");
        QTest::addColumn<bool>("local");
        QTest::addRow("protecting") << "protects = true" << true << false;
        QTest::addRow("not protecting") << "protects = false" << false << false;
        QTest::addRow("local") << "utility = \"local\"" << true << true;
    }

    void upgdHoldsUsefulWeightsBack() {
        QFETCH(QString, settings);
        QFETCH(bool, protects);
        QFETCH(bool, local);
        Rig rig;
        rig.add("upgd",
                "beta_utility = 0.9\nsigma = 0.7\nweight_decay = 0.3\nstep_factor = 2.0\n" + settings.toStdString());
        Witness witness;
        at::Tensor utility = at::zeros_like(rig.values());
        for (int update = 0; update < 3; ++update) {
            rig.train(1, &witness);
            const at::Tensor& before = witness.before[0];
            utility = 0.9 * utility - 0.1 * witness.gradients[0] * before;
            const at::Tensor unbiased = utility / (1.0 - std::pow(0.9, update + 1));
            at::Tensor scaled = unbiased / unbiased.max();
            if (local) {
                scaled = at::empty_like(unbiased);
                std::int64_t offset = 0;
                for (const Parameter* parameter : rig.parameters().blocks()[0].parameters) {
                    const std::int64_t size = parameter->value.numel();
                    const at::Tensor rows = unbiased.narrow(0, offset, size).view({-1, parameter->value.size(-1)});
                    const at::Tensor norms = rows.norm(2, {1}, true).clamp_min(1e-12);
                    scaled.narrow(0, offset, size).copy_((rows / norms).flatten());
                    offset += size;
                }
            }
            CounterRng stream({rig.setup.seed, "upgd/noise", static_cast<std::uint64_t>(update)});
            const std::uint32_t word0 = stream.next();
            const std::uint32_t word1 = stream.next();
            const at::Tensor noise =
                at::tensor(normalNumbers({word0, word1}, 0, static_cast<int>(before.numel())), at::kDouble);
            const at::Tensor gate = gateOf(scaled);
            const at::Tensor held = protects ? gate : at::ones_like(gate);
            const at::Tensor expected = before * (1.0 - witness.lr * 0.3) + 2.0 * held * (witness.values[0] - before) -
                                        2.0 * witness.lr * 0.7 * gate * noise;
            const double distance = furthest(rig.values(), expected);
            QVERIFY2(distance < 2e-6, std::to_string(distance).c_str());
            QVERIFY(furthest(rig.values(), witness.values[0]) > 1e-3);
        }
    }

    void upgdWithoutUtilityTakesHalfAStep() {
        // Without a useful weight the gate stands in the middle.
        std::vector<float> theta{1.F, -2.F, 3.F};
        const std::vector<float> before{0.5F, -1.F, 3.5F};
        const std::vector<float> gradient{2.F, -1.F, 0.5F}; // utilities below 0
        const std::vector<float> mask{1.F, 1.F, 0.F};
        const std::vector<float> noise(3, 100.F);
        std::vector<float> utility(3, 0.F);
        const UtilityArrays arrays{.theta = theta.data(),
                                   .before = before.data(),
                                   .gradient = gradient.data(),
                                   .mask = mask.data(),
                                   .noise = noise.data(),
                                   .utility = utility.data(),
                                   .count = 3};
        QCOMPARE(gatherUtility(arrays, 0.F), 0.F);
        QCOMPARE(utility[0], -1.F);
        QCOMPARE(utility[2], 0.F); // frozen
        gatedStep(arrays, {.utilityScale = 0.F});
        QCOMPARE(theta[0], 0.75F);
        QCOMPARE(theta[1], -1.5F);
        QCOMPARE(theta[2], 3.F);
    }

    void normalNumbersAreThoseOfTheStream() {
        for (const int count : {1, 3, 4, 17, 64, 1003}) {
            std::vector<float> numbers(static_cast<std::size_t>(count) + 1, 77.F);
            fillNormal({0x12345678U, 0x9abcdef0U}, 0xffffffffULL - 2, numbers.data(), count);
            const std::vector<double> expected = normalNumbers({0x12345678U, 0x9abcdef0U}, 0xffffffffULL - 2, count);
            for (std::size_t i = 0; i < expected.size(); ++i) {
                QVERIFY(std::abs(static_cast<double>(numbers[i]) - expected[i]) < 2e-5);
            }
            QCOMPARE(numbers.back(), 77.F);
        }
        std::vector<float> many(100'000);
        fillNormal({1U, 2U}, 0, many.data(), static_cast<std::int64_t>(many.size()));
        const at::Tensor drawn = at::tensor(many, at::kDouble);
        QVERIFY(std::abs(drawn.mean().item<double>()) < 0.015); // 4.7 standard errors
        QVERIFY(std::abs(drawn.var().item<double>() - 1.0) < 0.021);
        QVERIFY(std::abs(drawn.pow(4).mean().item<double>() - 3.0) < 0.15);
    }

    void upgdForgetsTheUtilityOfTouchedUnits() {
        Rig rig;
        Intervention& upgd = rig.add("upgd", "sigma = 0.0");
        rig.train(2);
        const std::string remembered = upgd.save();
        upgd.touched({{.site = "agent.fc1", .units = {2}, .kind = "reset", .ruaBefore = {}}});
        const std::string touched = upgd.save();
        QCOMPARE(touched.size(), remembered.size());
        const auto* a = reinterpret_cast<const float*>(remembered.data());
        const auto* b = reinterpret_cast<const float*>(touched.data());
        const Site& site = siteNamed(rig.learner->online(), "agent.fc1");
        std::int64_t changed = 0;
        for (std::size_t i = 0; i < touched.size() / sizeof(float); ++i) {
            changed += a[i] != b[i] ? 1 : 0;
            QVERIFY(a[i] == b[i] || b[i] == 0.F);
        }
        std::int64_t most = site.weight->value.size(1) + 1;
        for (const Consumer& consumer : site.consumers) {
            most += consumer.weight->value.size(0);
        }
        QVERIFY(changed > most / 2 && changed <= most);
    }

    void upgdForgetsTheUtilityOfTouchedClones() {
        Rig rig;
        Intervention& upgd = rig.add("upgd", "sigma = 0.0");
        SurgeryPlan split = planOf({{.site = "agent.fc1", .units = {2, 5}, .groups = {0, 1, 0, 0, 1, 0}}});
        split.operation = "split_units";
        rig.operate(split, 0);
        rig.train(3);
        const auto clones = [&] { // of the unit, and of the other one
            const std::string all = upgd.save();
            const auto width =
                static_cast<std::size_t>(siteNamed(rig.learner->online(), "agent.fc1").weight->value.size(1));
            const std::string last =
                all.substr(all.size() - (2 * width + 1) * sizeof(float), 2 * width * sizeof(float));
            return std::pair{last.substr(0, width * sizeof(float)), last.substr(width * sizeof(float))};
        };
        const auto before = clones();
        upgd.touched({{.site = "agent.fc1", .units = {2}, .kind = "reset", .ruaBefore = {}}});
        QVERIFY(before.first != clones().first);
        QCOMPARE(clones().first, std::string(before.first.size(), '\0'));
        QVERIFY(before.second == clones().second);
    }

    void projectionKeepsTheNorms() {
        Rig rig;
        rig.train(5);
        Rig fresh;
        fresh.add("normalise_and_project", "every = 3");
        const auto norms = [](const Rig& of) {
            std::vector<double> all;
            for (const Parameter* parameter : of.parameters().blocks()[0].parameters) {
                if (parameter->value.dim() >= 2) {
                    all.push_back(valuesOf(*parameter).norm().item<double>());
                }
            }
            return all;
        };
        const std::vector<double> wanted = norms(fresh);
        fresh.train(2);
        QVERIFY(std::abs(norms(fresh)[0] - wanted[0]) > 1e-4); // it is not due yet
        fresh.train(1);
        fresh.operate(0);
        fresh.train(3);
        const std::vector<double> kept = norms(fresh);
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            QVERIFY2(std::abs(kept[i] - wanted[i]) < 1e-5 * wanted[i], std::to_string(i).c_str());
        }
    }

    void parsevalAddsTheGradientOfItsPenalty() {
        Rig rig;
        rig.add("parseval", "strength = 0.01\nscale = 0.5");
        Witness first;
        Witness last;
        rig.train(2, &first, &last);
        rig.operate(0);
        const FactorizedNet& net = rig.learner->online();
        for (const std::string name : {"agent.fc1", "mixer.hyper_w1"}) {
            const Parameter& weight = *siteNamed(net, name).weight;
            const at::Tensor values = valuesOf(weight).clone();
            rig.train(1, &first, &last);
            const auto& block = rig.parameters().blocks()[0];
            std::int64_t offset = 0;
            for (const Parameter* parameter : block.parameters) {
                if (parameter == &weight) {
                    break;
                }
                offset += parameter->value.numel();
            }
            const at::Tensor added =
                (last.unclipped[0] - first.unclipped[0]).narrow(0, offset, values.numel()).view(values.sizes());
            const bool wide = values.size(0) <= values.size(1);
            const auto penalty = [&](const at::Tensor& w) {
                const at::Tensor gram = wide ? w.mm(w.t()) : w.t().mm(w);
                return 0.01 * (gram - 0.5 * at::eye(gram.size(0), gram.options())).square().sum().item<double>();
            };
            for (const auto& [row, column] : {std::pair{0, 0}, {1, 2}, {3, 1}, {7, 4}}) {
                at::Tensor up = values.clone();
                at::Tensor down = values.clone();
                up[row][column] += 1e-5;
                down[row][column] -= 1e-5;
                const bool frozen = weight.mask[row][column].item<float>() == 0.F;
                const double expected = frozen ? 0.0 : (penalty(up) - penalty(down)) / 2e-5;
                QVERIFY(std::abs(added[row][column].item<double>() - expected) < 1e-5);
            }
        }
    }

    void expansionKeepsTheSparsityItPromises() {
        Rig rig;
        auto& expansion = dynamic_cast<NeuroplasticExpansion&>(
            rig.add("neuroplastic_expansion", "every = 5\nschedule = \"constant\"\ngrowth = 0.3\nexchange = 0.1"));
        QVERIFY(std::abs(expansion.sparsity() - 0.8) < 0.01);
        double last = expansion.sparsity();
        for (int event = 0; event < 12; ++event) {
            rig.train(5);
            const double now = expansion.sparsity();
            QVERIFY(now <= last);
            last = now;
            std::int64_t zeros = 0;
            std::int64_t all = 0;
            for (const Parameter* parameter : rig.parameters().blocks()[0].parameters) {
                if (parameter->value.dim() >= 2) {
                    zeros += (parameter->value == 0.F).sum().item<std::int64_t>();
                    all += parameter->value.numel();
                }
            }
            // Connections grown just now are 0 too, until the next update.
            QVERIFY(static_cast<double>(zeros) / static_cast<double>(all) >= now);
        }
        QVERIFY(last < 0.2501 && last > 0.24);
    }

    void growingFromZeroChangesNoOutput() {
        const std::string common = "new_weights = \"zero\"\npruned = 0.0\nevery = ";
        Rig growing;
        Rig waiting;
        growing.add("neuroplastic_expansion", common + "4");
        waiting.add("neuroplastic_expansion", common + "1000");
        growing.train(4);
        waiting.train(4);
        auto& grown = dynamic_cast<NeuroplasticExpansion&>(*growing.methods[0]);
        auto& same = dynamic_cast<NeuroplasticExpansion&>(*waiting.methods[0]);
        QVERIFY(grown.sparsity() < same.sparsity() - 0.05);
        QVERIFY(sameBits(growing.parameters().blocks()[0].value, waiting.parameters().blocks()[0].value));
        growing.train(1);
        waiting.train(1);
        QVERIFY(!sameBits(growing.parameters().blocks()[0].value, waiting.parameters().blocks()[0].value));
    }

    void expansionGrowsWhereTheGradientIsLargest() {
        Rig rig;
        rig.add("neuroplastic_expansion", "every = 1\npruned = 0.0\nmodules = [\"agent.head.weight\"]\nanneal = 1000");
        const Parameter& head = parameterNamed(rig.learner->online(), "agent.head.weight");
        struct Dense final : UpdateListener {
            const Parameter& of;
            at::Tensor gradient;
            explicit Dense(const Parameter& of_) : of(of_) {}
            void unmasked(const UpdateMoment&) override { gradient = of.grad.detach().abs().clone(); }
        } dense(head);
        rig.train(1, &dense);
        const at::Tensor largest = dense.gradient;
        const at::Tensor inactive = head.value == 0.F;
        rig.train(1); // the grown ones get values
        const at::Tensor grown = inactive.logical_and(head.value != 0.F);
        const at::Tensor left = inactive.logical_and(head.value == 0.F);
        QVERIFY(grown.sum().item<std::int64_t>() > 3);
        QVERIFY(largest.masked_select(grown).min().item<float>() >= largest.masked_select(left).max().item<float>());
    }

    void frozenEntriesStay_data() { everyMethod(); }
    void frozenEntriesStay() {
        QFETCH(QString, method);
        Rig rig;
        rig.add(method.toStdString(), kMethods.at(method.toStdString()));
        rig.train(2);
        rig.operate(0);
        rig.train(2);
        rig.operate(1); // freezes active neurons of the first
        const ParameterCopy before(rig.parameters());
        rig.train(5);
        bool moved = false;
        for (std::size_t i = 0; i < before.blocks.size(); ++i) {
            const ParameterBlock& block = rig.parameters().blocks()[i];
            const at::Tensor frozen = block.trainable ? block.mask == 0.F : at::ones_like(block.value, at::kBool);
            QVERIFY(sameBits(block.value.masked_select(frozen), before.blocks[i].value.masked_select(frozen)));
            moved = moved || !sameBits(block.value, before.blocks[i].value);
        }
        QVERIFY(moved);
    }

    void goesOnBitForBit_data() { everyMethod(); }
    void goesOnBitForBit() {
        QFETCH(QString, method);
        const std::string settings = kMethods.at(method.toStdString());
        Rig whole;
        Intervention& original = whole.add(method.toStdString(), settings);
        whole.train(3);
        whole.operate(0);
        whole.train(3);
        const std::string saved = original.save();

        Rig resumed;
        Intervention& copy = resumed.add(method.toStdString(), settings);
        resumed.operate(0);
        for (std::size_t i = 0; i < whole.parameters().blocks().size(); ++i) {
            const ParameterBlock& from = whole.parameters().blocks()[i];
            ParameterBlock& to = resumed.parameters().blocks()[i];
            to.value.copy_(from.value);
            if (from.trainable) {
                to.mask.copy_(from.mask);
                to.moment1.copy_(from.moment1);
                to.moment2.copy_(from.moment2);
            }
        }
        resumed.learner->target().parameters().copyValuesFrom(whole.learner->target().parameters());
        resumed.learner->optimiser().setSteps(whole.learner->optimiser().steps());
        resumed.updates = whole.updates;
        QVERIFY(copy.restore(saved));
        QVERIFY(copy.save() == saved);
        whole.train(4);
        resumed.train(4);
        QVERIFY(sameBits(whole.parameters(), resumed.parameters()));
        QVERIFY(original.save() == copy.save());
        if (!saved.empty()) {
            QVERIFY(!copy.restore(saved.substr(0, saved.size() - 1)));
            QVERIFY(!copy.restore(saved + "x"));
        }
    }

    void whatIsRememberedOutlivesOtherComposites_data() {
        QTest::addColumn<QString>("method");
        QTest::addColumn<bool>("storesAll"); // else of added blocks alone
        QTest::newRow("l2_init") << "l2_init" << false;
        QTest::newRow("normalise_and_project") << "normalise_and_project" << false;
        QTest::newRow("upgd") << "upgd" << true;
    }
    void whatIsRememberedOutlivesOtherComposites() {
        QFETCH(QString, method);
        QFETCH(bool, storesAll);
        Rig rig;
        rig.add(method.toStdString(), kMethods.at(method.toStdString()));
        rig.train(2);
        rig.operate(0);
        rig.train(4);
        const auto ofBuilt =
            static_cast<std::size_t>(storesAll ? rig.parameters().blocks()[0].size() + 1 : 0) * sizeof(float);
        const std::string before = rig.methods[0]->save().substr(ofBuilt);
        SurgeryPlan redraw;
        redraw.operation = "redraw";
        redraw.modules = {"mixer"};
        rig.operate(redraw, 1);
        QCOMPARE(rig.parameters().blocks().size(), std::size_t(3)); // the composites of agent.fc1 alone are left
        const std::string after = rig.methods[0]->save().substr(ofBuilt);
        QVERIFY(!after.empty() && after.size() < before.size());
        QVERIFY(before.starts_with(after));
        rig.train(2);
    }

    void actsInTheOrderOfTheFile() {
        const auto trained = [](const std::vector<std::string>& order) {
            Rig rig;
            for (const std::string& method : order) {
                rig.add(method, kMethods.at(method));
            }
            rig.train(2);
            rig.operate(0);
            rig.train(2);
            return rig.values();
        };
        const at::Tensor a = trained({"l2_init", "weight_clipping", "neuroplastic_expansion"});
        const at::Tensor b = trained({"weight_clipping", "l2_init", "neuroplastic_expansion"});
        QVERIFY(sameBits(a, trained({"l2_init", "weight_clipping", "neuroplastic_expansion"})));
        QVERIFY(!sameBits(a, b));
    }

    void trainsWithEveryKindOfMixer_data() { everyMethod(); }
    void trainsWithEveryKindOfMixer() {
        QFETCH(QString, method);
        for (const std::string mixer : {"vdn", "qplex", "qatten", "qtran_base", "ow_qmix", "dmix", "resq"}) {
            Setup setup;
            setup.mixer = "method = \"" + mixer + "\"";
            Rig rig(setup);
            Rig plain(setup);
            rig.add(method.toStdString(), kMethods.at(method.toStdString()));
            rig.train(3);
            plain.train(3);
            QVERIFY2(at::isfinite(rig.values()).all().item<bool>(), mixer.c_str());
            QVERIFY2(!sameBits(rig.parameters(), plain.parameters()), mixer.c_str());
        }
    }

    void refusesWrongSettings_data() {
        QTest::addColumn<QString>("settings");
        QTest::addColumn<QString>("complaint");
        QTest::addRow("unknown key") << "method = \"l2\"\nstrenght = 1.0"
                                     << "strength";
        QTest::addRow("range") << "method = \"weight_clipping\"\nkappa = -1.0"
                               << "kappa";
        QTest::addRow("module") << "method = \"l2_init\"\nmodules = [\"agnet\"]"
                                << "agent.fc1";
        QTest::addRow("exception") << "method = \"upgd\"\nexcept = [\"mixer.nothing\"]"
                                   << "mixer.nothing";
        QTest::addRow("word") << "method = \"upgd\"\nutility = \"both\""
                              << "global";
        QTest::addRow("trigger") << "method = \"parseval\"\ntrigger = \"periodic\""
                                 << "trigger";
        QTest::addRow("sparsity") << "method = \"neuroplastic_expansion\"\nfinal_sparsity = 0.9"
                                  << "initial_sparsity";
        QTest::addRow("interval") << "method = \"normalise_and_project\"\nevery = 0"
                                  << "every";
    }

    void refusesWrongSettings() {
        QFETCH(QString, settings);
        QFETCH(QString, complaint);
        const auto net = buildNet(Setup().net());
        const auto made = makeIntervention(sectionOf(settings.toStdString(), "interventions[0]"), *net);
        QVERIFY(!made);
        QVERIFY(made.error().code == ErrorCode::Usage);
        const QString said = QString::fromStdString(made.error().describe());
        QVERIFY2(said.contains(complaint) && said.contains("test:2"), qPrintable(said));
    }

  private:
    static void everyMethod() {
        QTest::addColumn<QString>("method");
        for (const auto& [method, settings] : kMethods) {
            QTest::addRow("%s", method.c_str()) << QString::fromStdString(method);
        }
    }
};

QTEST_APPLESS_MAIN(TestStepInterventions)
#include "tst_step_interventions.moc"
