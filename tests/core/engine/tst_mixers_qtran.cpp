// SPDX-License-Identifier: GPL-3.0-or-later
// QTRAN-base and QTRAN-alt against plain loops over their named parameters: values, every term of the loss, where
// gradients flow and where they do not, padding, and surgery at every site that accepts it.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numeric>

#include <ATen/ATen.h>
#include <QTest>

#include "core/nets/mixers/qtran_alt.h"
#include "core/plasticity/diagnostics.h"
#include "core/plasticity/surgeon.h"
#include "engine_fixtures.h"

using namespace knife;
using namespace knife::test;

namespace {

constexpr std::int64_t kAgents = 3;
constexpr std::int64_t kActions = 4;

using Vector = std::vector<double>;

Vector rowOf(const at::Tensor& tensor) {
    const at::Tensor flat = tensor.detach().to(at::kDouble).contiguous();
    return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}

Vector joined(std::initializer_list<Vector> parts) {
    Vector all;
    for (const Vector& part : parts) {
        all.insert(all.end(), part.begin(), part.end());
    }
    return all;
}

Vector unit(std::int64_t size, std::int64_t index) {
    Vector v(static_cast<std::size_t>(size), 0.0);
    v[static_cast<std::size_t>(index)] = 1.0;
    return v;
}

Vector plus(const Vector& a, const Vector& b) {
    Vector sum = a;
    std::ranges::transform(a, b, sum.begin(), std::plus<>());
    return sum;
}

// The networks of one method in double precision, one row at a time.
class PlainQtran {
  public:
    PlainQtran(const FactorizedNet& net, std::int64_t depth, bool paper) : m_net(net), m_depth(depth), m_paper(paper) {}

    [[nodiscard]] Vector feature(const Vector& hidden, std::int64_t agent, std::int64_t action) const {
        return m_paper ? mlp("mixer.encoder", 1, joined({hidden, unit(kActions, action)}))
                       : unit(kAgents * kActions, agent * kActions + action);
    }
    [[nodiscard]] double v(const Vector& state) const { return mlp("mixer.v", m_depth, state).front(); }
    /// QTRAN-base.
    [[nodiscard]] double qJt(const Vector& state, const std::vector<Vector>& hidden,
                             const std::vector<std::int64_t>& u) const {
        return mlp("mixer.q", m_depth, joined({state, features(hidden, u, -1)})).front();
    }
    /// QTRAN-alt: every action of one agent.
    [[nodiscard]] Vector qOf(std::int64_t agent, const Vector& state, const std::vector<Vector>& hidden,
                             const std::vector<std::int64_t>& u) const {
        Vector seen = joined({state, features(hidden, u, agent), unit(kAgents, agent)});
        if (m_paper) {
            seen = joined({seen, hidden[static_cast<std::size_t>(agent)]});
        }
        return mlp("mixer.q", m_depth, seen);
    }

  private:
    [[nodiscard]] Vector layer(const std::string& name, const Vector& x) const {
        const at::Tensor weight = parameterNamed(m_net, name + ".weight").value;
        Vector y = rowOf(parameterNamed(m_net, name + ".bias").value);
        for (std::size_t row = 0; row < y.size(); ++row) {
            const Vector w = rowOf(weight[static_cast<std::int64_t>(row)]);
            if (w.size() != x.size()) {
                throw std::runtime_error(name + " reads something else");
            }
            y[row] = std::inner_product(w.begin(), w.end(), x.begin(), y[row]);
        }
        return y;
    }
    [[nodiscard]] Vector mlp(const std::string& name, std::int64_t hiddenLayers, Vector x) const {
        for (std::int64_t i = 1; i <= hiddenLayers; ++i) {
            x = layer(i == 1 ? name : name + ".fc" + std::to_string(i), x);
            std::ranges::transform(x, x.begin(), [](double value) { return std::max(value, 0.0); });
        }
        return layer(name + ".out", x);
    }
    [[nodiscard]] Vector features(const std::vector<Vector>& hidden, const std::vector<std::int64_t>& u,
                                  std::int64_t without) const {
        Vector sum;
        for (std::int64_t a = 0; a < kAgents; ++a) {
            const auto at = static_cast<std::size_t>(a);
            const Vector f = feature(hidden.empty() ? Vector{} : hidden[at], a, u[at]);
            if (sum.empty()) {
                sum.assign(f.size(), 0.0);
            }
            sum = a == without ? sum : plus(sum, f);
        }
        return sum;
    }

    const FactorizedNet& m_net;
    std::int64_t m_depth;
    bool m_paper;
};

struct Form {
    std::string method;
    std::string arch;
    std::int64_t depth = 2;
    std::string weights; ///< further keys

    [[nodiscard]] bool paper() const { return arch == "qtran_paper"; }
    [[nodiscard]] bool alt() const { return method == "qtran_alt"; }
    [[nodiscard]] Setup setup() const {
        Setup setup;
        setup.mixer = "method = \"" + method + "\"\narch = \"" + arch +
                      "\"\nembed = 8\ndepth = " + std::to_string(depth) + "\n" + weights;
        setup.learning.lr = 0.0; // update() only measures
        setup.learning.gradClip = 1e30;
        setup.learning.tdLambda = 0.6;
        return setup;
    }
};

void addForms() {
    QTest::addColumn<QString>("method");
    QTest::addColumn<QString>("arch");
    QTest::addColumn<int>("depth");
    for (const char* method : {"qtran_base", "qtran_alt"}) {
        QTest::addRow("%s", method) << method << "qtran_paper" << 2;
        QTest::addRow("%s, big", method) << method << "qtran_paper" << 3;
        QTest::addRow("%s, coma_critic", method) << method << "coma_critic" << 2;
    }
}

Form fetchForm() {
    Form form;
    [&] {
        QFETCH(QString, method);
        QFETCH(QString, arch);
        QFETCH(int, depth);
        form = {method.toStdString(), arch.toStdString(), depth, {}};
    }();
    return form;
}

std::string onlyWeight(const std::string& term) {
    std::string keys;
    for (const std::string other : {"td", "opt", "nopt"}) {
        keys += other + "_weight = " + (other == term ? "1" : "0") + "\n";
    }
    return keys;
}

constexpr std::int64_t kRows = 12;

// Views of twelve rows with some actions unavailable.
JointView someView(const Setup& setup, std::uint64_t number) {
    at::Tensor unavailable = randomTensor({kRows, kAgents, kActions}, number + 1) > 0.3;
    unavailable.select(2, static_cast<std::int64_t>(number % 4)).fill_(false);
    const at::Tensor wish = randomTensor({kRows, kAgents, kActions}, number + 2);
    return {.steps = 4,
            .episodes = 3,
            .outputs = randomTensor({kRows, kAgents, kActions}, number + 3),
            .hidden = randomTensor({kRows, kAgents, setup.hidden}, number + 4),
            .inputs = {},
            .state = randomTensor({kRows, setup.spec.stateDim}, number + 5),
            .unavailable = unavailable,
            .actions = greedyActions(wish, unavailable),
            .further = {},
            .noise = {}};
}

// One row of a view as plain numbers.
struct PlainRow {
    Vector state;
    std::vector<Vector> hidden;
    std::vector<Vector> q;
    std::vector<std::vector<bool>> available;
    std::vector<std::int64_t> u;
    std::vector<std::int64_t> best;

    PlainRow(const JointView& view, std::int64_t row) : state(rowOf(view.state[row])) {
        for (std::int64_t a = 0; a < kAgents; ++a) {
            hidden.push_back(rowOf(view.hidden[row][a]));
            q.push_back(rowOf(view.outputs[row][a]));
            u.push_back(view.actions[row][a].item<std::int64_t>());
            available.emplace_back();
            best.push_back(-1);
            for (std::int64_t action = 0; action < kActions; ++action) {
                available.back().push_back(!view.unavailable[row][a][action].item<bool>());
                const auto at = static_cast<std::size_t>(action);
                if (available.back().back() &&
                    (best.back() < 0 || q.back()[at] > q.back()[static_cast<std::size_t>(best.back())])) {
                    best.back() = action;
                }
            }
        }
    }
    [[nodiscard]] double sumOfQ(const std::vector<std::int64_t>& actions) const {
        double sum = 0.0;
        for (std::size_t a = 0; a < q.size(); ++a) {
            sum += q[a][static_cast<std::size_t>(actions[a])];
        }
        return sum;
    }
};

double jointValue(const PlainQtran& plain, const Form& form, const PlainRow& row, const std::vector<std::int64_t>& u) {
    if (!form.alt()) {
        return plain.qJt(row.state, row.hidden, u);
    }
    double mean = 0.0;
    for (std::int64_t a = 0; a < kAgents; ++a) {
        const auto own = static_cast<std::size_t>(u[static_cast<std::size_t>(a)]);
        mean += plain.qOf(a, row.state, row.hidden, u)[own] / kAgents;
    }
    return mean;
}

struct Terms {
    double td = 0.0;
    double opt = 0.0;
    double nopt = 0.0;
};

Terms termsOf(const PlainQtran& plain, const Form& form, const PlainRow& row, double y) {
    Terms terms;
    const double v = plain.v(row.state);
    terms.opt = std::pow(row.sumOfQ(row.best) - jointValue(plain, form, row, row.best) + v, 2);
    if (!form.alt()) {
        const double qJt = plain.qJt(row.state, row.hidden, row.u);
        terms.td = std::pow(qJt - y, 2);
        terms.nopt = std::pow(std::min(0.0, row.sumOfQ(row.u) - qJt + v), 2);
        return terms;
    }
    for (std::int64_t i = 0; i < kAgents; ++i) {
        const auto agent = static_cast<std::size_t>(i);
        const Vector all = plain.qOf(i, row.state, row.hidden, row.u);
        terms.td += std::pow(all[static_cast<std::size_t>(row.u[agent])] - y, 2) / kAgents;
        double least = std::numeric_limits<double>::infinity();
        for (std::size_t action = 0; action < all.size(); ++action) {
            std::vector<std::int64_t> deviating = row.u;
            deviating[agent] = static_cast<std::int64_t>(action);
            if (row.available[agent][action]) {
                least = std::min(least, row.sumOfQ(deviating) - all[action] + v);
            }
        }
        terms.nopt += least * least / kAgents;
    }
    return terms;
}

bool near(double a, double b, double tolerance = 1e-5) {
    return std::abs(a - b) < tolerance * std::max(1.0, std::abs(b));
}

Batch someBatch(const Setup& setup) {
    return setup.batch(randomEpisodes(setup.spec, {4, 6, 2, 5}));
}

// Copies noise into the target, so that online and target values differ.
void shakeTarget(Learner& learner) {
    for (ParameterBlock& block : learner.target().parameters().blocks()) {
        block.value.add_(randomTensor({block.size()}, 31), 0.2);
    }
}

void measure(Learner& learner, const Batch& batch, Diagnostics* diagnostics = nullptr) {
    if (auto updated = learner.update(batch, diagnostics != nullptr ? UpdateListeners{diagnostics} : UpdateListeners{});
        !updated) {
        throw std::runtime_error(updated.error().describe());
    }
}

at::Tensor flatGradient(const Learner& learner) {
    return learner.online().parameters().blocks().front().grad.clone();
}

// The slope of the loss along a random direction in one parameter, by differences and by the parameter's gradient.
bool slopesAgree(Learner& learner, const Batch& batch, const Parameter& parameter, std::uint64_t number) {
    at::Tensor direction = randomTensor(parameter.value.sizes().vec(), number);
    direction.div_(direction.norm());
    constexpr double kStep = 1e-3;
    const at::Tensor value = parameter.value.detach();
    const double here = learner.probe(batch).loss;
    value.add_(direction, kStep);
    const double above = learner.probe(batch).loss;
    value.add_(direction, -2 * kStep);
    const double below = learner.probe(batch).loss;
    value.add_(direction, kStep);
    const double slope = (parameter.grad * direction).sum().item<double>();
    const double expected = (above - below) / (2 * kStep);
    return std::abs(slope - expected) < 0.02 * std::abs(expected) + 2e-4 * here;
}

// Gradients of the parameters that `moves` names equal the slope of the loss; all others are exactly zero.
void checkGradients(const Form& form, const std::function<bool(const std::string&)>& moves) {
    Setup setup = form.setup();
    setup.agentKind = "mlp";
    setup.learning.doubleQ = false; // its choice depends on the online network, and jumps
    const auto learner = setup.learner();
    shakeTarget(*learner);
    std::map<std::string, int> agreeing;
    for (const std::uint64_t number : {1U, 2U, 3U}) {
        const Batch batch = setup.batch(randomEpisodes(setup.spec, {4, 6, 2, 5}, number));
        measure(*learner, batch);
        for (const Parameter& parameter : learner->online().parameters().all()) {
            if (moves(parameter.name)) {
                agreeing[parameter.name] += slopesAgree(*learner, batch, parameter, number) ? 1 : 0;
            } else {
                QVERIFY2(at::count_nonzero(parameter.grad).item<std::int64_t>() == 0, parameter.name.c_str());
            }
        }
    }
    // The kink of a ReLU may lie within the step of one batch, but hardly of two.
    for (const auto& [name, count] : agreeing) {
        QVERIFY2(count >= 2, qPrintable(QString("%1: %2 of 3").arg(QString::fromStdString(name)).arg(count)));
    }
}

} // namespace

class TestMixersQtran : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void jointValuesEqualTheirFormula_data() { addForms(); }
    void jointValuesEqualTheirFormula() {
        const Form form = fetchForm();
        const Setup setup = form.setup();
        const auto net = buildNet(setup.net());
        const PlainQtran plain(*net, form.depth, form.paper());
        const JointView view = someView(setup, 10);
        const at::Tensor joint = net->mixer().mix(view, nullptr);
        QCOMPARE(joint.sizes().vec(), (std::vector<std::int64_t>{kRows, 1}));
        QVERIFY(sameBits(net->mixer().bootstrap(view), joint));
        QCOMPARE(net->needs().hidden, form.paper());
        for (std::int64_t r = 0; r < kRows; ++r) {
            const PlainRow row(view, r);
            QVERIFY(near(joint[r][0].item<double>(), jointValue(plain, form, row, row.u)));
        }
    }

    void everyTermOfTheLossEqualsItsFormula_data() { addForms(); }
    void everyTermOfTheLossEqualsItsFormula() {
        const Form form = fetchForm();
        const Setup setup = form.setup();
        const JointView view = someView(setup, 20);
        at::Tensor valid = at::ones({kRows, 1});
        valid[5] = 0.0;
        valid[11] = 0.0;
        const LossInput input{.online = view,
                              .targets = randomTensor({kRows, 1}, 26),
                              .bootstrap = {},
                              .weights = valid / valid.sum(),
                              .update = 0};
        const auto net = buildNet(setup.net());
        const PlainQtran plain(*net, form.depth, form.paper());
        Terms expected;
        for (std::int64_t r = 0; r < kRows; ++r) {
            const Terms terms = termsOf(plain, form, {view, r}, input.targets[r][0].item<double>());
            const double weight = input.weights[r][0].item<double>();
            expected.td += weight * terms.td;
            expected.opt += weight * terms.opt;
            expected.nopt += weight * terms.nopt;
        }
        QVERIFY(expected.td > 0.01 && expected.opt > 0.01 && expected.nopt > 0.01);
        const auto lossWith = [&](const std::string& weights) {
            Form weighted = form;
            weighted.weights = weights;
            return buildNet(weighted.setup().net())->mixer().loss(input, nullptr).total.item<double>();
        };
        QVERIFY(near(lossWith(onlyWeight("td")), expected.td));
        QVERIFY(near(lossWith(onlyWeight("opt")), expected.opt));
        QVERIFY(near(lossWith(onlyWeight("nopt")), expected.nopt));
        QVERIFY(near(lossWith(""), expected.td + expected.opt + 0.1 * expected.nopt));
        QVERIFY(sameBits(net->mixer().loss(input, nullptr).joint, net->mixer().mix(view, nullptr)));
    }

    void theInequalityIsSilentWhereItHolds() {
        const Form form{"qtran_base", "coma_critic", 2, onlyWeight("nopt")};
        const Setup setup = form.setup();
        const auto net = buildNet(setup.net());
        JointView view = someView(setup, 30);
        view.outputs = view.outputs + 100.0;
        const LossInput input{.online = view,
                              .targets = at::zeros({kRows, 1}),
                              .bootstrap = {},
                              .weights = at::full({kRows, 1}, 1.0 / kRows),
                              .update = 0};
        QCOMPARE(net->mixer().loss(input, nullptr).total.item<double>(), 0.0);
    }

    // Someone else's counterfactual may not depend on what agent i did itself.
    void counterfactualsDoNotSeeTheOwnAction() {
        for (const char* arch : {"qtran_paper", "coma_critic"}) {
            const Setup setup = Form{"qtran_alt", arch, 2, {}}.setup();
            const auto net = buildNet(setup.net());
            const auto& mixer = dynamic_cast<const QtranAltMixer&>(net->mixer());
            const JointView view = someView(setup, 40);
            const at::Tensor before = mixer.counterfactuals(view, nullptr);
            at::Tensor other = view.actions.clone();
            other.select(1, 1).add_(1).remainder_(kActions);
            const at::Tensor after = mixer.counterfactuals(view.at(other), nullptr);
            QVERIFY(at::allclose(after.select(1, 1), before.select(1, 1), 0.0, 1e-6));
            QVERIFY(!at::allclose(after.select(1, 0), before.select(1, 0), 0.0, 1e-4));
        }
    }

    void tdLearnsTheJointValueAlone_data() { addForms(); }
    void tdLearnsTheJointValueAlone() {
        Form form = fetchForm();
        form.weights = onlyWeight("td");
        checkGradients(form, [&](const std::string& name) {
            const bool agent = name.starts_with("agent.");
            // The utilities are no part of Q_jt; the memory below them is.
            return agent ? form.paper() && !name.starts_with("agent.head") : !name.starts_with("mixer.v");
        });
    }

    void theConditionsLearnUtilitiesAndStateValueAlone_data() {
        QTest::addColumn<QString>("method");
        QTest::addColumn<QString>("term");
        for (const char* method : {"qtran_base", "qtran_alt"}) {
            for (const char* term : {"opt", "nopt"}) {
                QTest::addRow("%s, %s", method, term) << method << term;
            }
        }
    }
    void theConditionsLearnUtilitiesAndStateValueAlone() {
        QFETCH(QString, method);
        QFETCH(QString, term);
        // This form of Q_jt, a constant here, does not look at the agents' memory.
        checkGradients({method.toStdString(), "coma_critic", 2, onlyWeight(term.toStdString())},
                       [](const std::string& name) { return !name.starts_with("mixer.q"); });
    }

    void paddingChangesNothing_data() { addForms(); }
    void paddingChangesNothing() {
        const Form form = fetchForm();
        const Setup setup = form.setup();
        const auto learner = setup.learner();
        shakeTarget(*learner);
        const auto shorter = randomEpisodes(setup.spec, {3});
        const auto longer = randomEpisodes(setup.spec, {9}, 7);
        const auto measured = [&](const Episodes& episodes) {
            const Batch batch = setup.batch(episodes);
            measure(*learner, batch);
            return std::pair{learner->probe(batch).loss, flatGradient(*learner)};
        };
        const auto [lossA, gradientA] = measured(shorter);
        const auto [lossB, gradientB] = measured(longer);
        const auto [loss, gradient] = measured({shorter.front(), longer.front()});
        QVERIFY(near(loss, lossA * 3 / 12 + lossB * 9 / 12));
        QVERIFY(at::allclose(gradient, gradientA * (3.0 / 12) + gradientB * (9.0 / 12), 1e-4, 2e-6));
    }

    void surgeryChangesNoBitAtAnySite_data() { addForms(); }
    void surgeryChangesNoBitAtAnySite() {
        const Form form = fetchForm();
        Setup setup = form.setup();
        setup.learning.lr = 5e-3; // far steps between surgeries
        setup.learning.gradClip = 10.0;
        const auto learner = setup.learner();
        Surgeon surgeon(learner->online(), learner->target(), 11);
        Diagnostics diagnostics({}, learner->online().sites());
        QStringList operated;
        std::int64_t event = 0;
        for (int round = 0; round < 3; ++round) {
            for (const Site& site : learner->online().sites().all()) {
                QCOMPARE(site.refusal.empty(), site.composite != nullptr);
                if (site.composite == nullptr) {
                    continue;
                }
                operated << QString::fromStdString(site.name);
                for (std::uint64_t i = 0; i < 3; ++i) {
                    measure(
                        *learner,
                        setup.batch(randomEpisodes(setup.spec, {4, 7, 2}, 10 * static_cast<std::uint64_t>(event) + i)),
                        &diagnostics);
                    surgeon.forgetUndo();
                }
                const Batch batch = someBatch(setup);
                const Probe before = learner->probe(batch);
                QVERIFY(surgeon.apply(planOf({{site.name, {0, 3 + round, site.units - 1}}}), event++));
                const Probe after = learner->probe(batch);
                QVERIFY2(sameBits(before.q, after.q) && sameBits(before.qTot, after.qTot) &&
                             sameBits(before.targetQTot, after.targetQTot) && before.loss == after.loss,
                         site.name.c_str());
            }
        }
        QCOMPARE(operated.count("mixer.q"), 3);
        QCOMPARE(operated.count("mixer.v"), 3);
        QCOMPARE(operated.count("mixer.encoder"), form.paper() ? 3 : 0);
        // Every site is watched, also those with a row per agent.
        for (const SiteSnapshot& site : diagnostics.frame({}).sites) {
            const UnitDiagnostic* dormancy = site.find("dormancy");
            QVERIFY2(dormancy != nullptr && std::isfinite(dormancy->values.front()), site.name.c_str());
        }
    }

    void unknownFormsAreRefused() {
        for (const char* mixer : {"method = \"qtran_base\"\narch = \"flat\"", "method = \"qtran_alt\"\ndepth = 0",
                                  "method = \"qtran_base\"\nnopt_weight = -1"}) {
            Setup setup;
            setup.mixer = mixer;
            const auto refused = FactorizedNet::build(setup.net());
            QVERIFY(!refused);
            QVERIFY(refused.error().code == ErrorCode::Usage);
        }
    }
};

QTEST_APPLESS_MAIN(TestMixersQtran)
#include "tst_mixers_qtran.moc"
