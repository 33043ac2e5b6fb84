// SPDX-License-Identifier: GPL-3.0-or-later
// The kernels that train are what the plain tensor operations say: same values, same gradients, same weights after
// many updates, for every agent and mixer that has them, with and without composites.
#include <algorithm>

#include <ATen/ATen.h>
#include <QTest>

#include "core/nets/mixers/mix_kernel.h"
#include "core/plasticity/surgeon.h"
#include "engine_fixtures.h"
#include "mixer_checks.h"

using namespace knife;
using namespace knife::test;

namespace {

// A world large enough for two shards of agents (8 episodes × 20 agents) and of mixing rows (8 × 70 steps).
EnvSpec largeWorld() {
    return {.name = "made_up",
            .nAgents = 20,
            .nActions = 5,
            .obsDim = 7,
            .stateDim = 9,
            .episodeLimit = 70,
            .hasWin = false};
}

// Two learners that differ in nothing but the path.
struct Pair {
    Setup setup;
    std::unique_ptr<Learner> fast;
    std::unique_ptr<Learner> reference;

    Pair(const Setup& setup_, int threads) : setup(setup_) {
        setup.pool = std::make_shared<WorkerPool>(threads);
        fast = setup.learner();
        setup.pool = nullptr;
        reference = setup.learner();
        for (Learner* learner : {fast.get(), reference.get()}) {
            for (ParameterBlock& block : learner->target().parameters().blocks()) {
                block.value.add_(randomTensor({block.size()}, 77), 0.05); // so that the target is another network
            }
        }
    }

    // A quarter of the units of every willing site, `events` times.
    void operate(int events) {
        for (int event = 0; event < events; ++event) {
            for (Learner* learner : {fast.get(), reference.get()}) {
                Surgeon surgeon(learner->online(), learner->target(), 5);
                SurgeryPlan plan = planOf({});
                for (const Site& site : learner->online().sites().all()) {
                    if (site.composite != nullptr) {
                        std::vector<int> units;
                        for (int unit = event; unit < site.units; unit += 4) {
                            units.push_back(unit);
                        }
                        plan.operations.push_back({site.name, units});
                    }
                }
                QVERIFY(surgeon.apply(plan, event));
            }
            train(2, 100 + static_cast<std::uint64_t>(event));
        }
    }

    [[nodiscard]] Batch batch(std::uint64_t number) const {
        const int longest = setup.spec.episodeLimit;
        std::vector<int> lengths;
        for (int i = 0; i < 8; ++i) {
            lengths.push_back(std::max(1, longest - 3 * i));
        }
        return setup.batch(randomEpisodes(setup.spec, lengths, number));
    }

    void train(int updates, std::uint64_t first) {
        for (int i = 0; i < updates; ++i) {
            const Batch next = batch(first + static_cast<std::uint64_t>(i));
            const auto a = fast->update(next);
            const auto b = reference->update(next);
            QVERIFY(a && b);
            const double scale = std::max(1.0, std::abs(b->loss));
            QVERIFY2(std::abs(a->loss - b->loss) <= 1e-5 * scale, qPrintable(QString::number(a->loss - b->loss)));
            QVERIFY(std::abs(a->gradNorm - b->gradNorm) <= 1e-4 * std::max(1.0, b->gradNorm));
            QVERIFY(std::abs(a->tdErrorAbs - b->tdErrorAbs) <= 1e-5 * scale);
            QVERIFY(std::abs(a->qTotMean - b->qTotMean) <= 1e-5 * scale);
        }
    }

    // Gradients that the last update left behind, block by block.
    void compareGradients() const {
        const auto& a = fast->online().parameters().blocks();
        const auto& b = reference->online().parameters().blocks();
        QCOMPARE(a.size(), b.size());
        for (std::size_t i = 0; i < a.size(); ++i) {
            if (!b[i].grad.defined()) {
                continue;
            }
            const double scale = std::max(1e-3, b[i].grad.abs().max().item<double>());
            const double error = (a[i].grad - b[i].grad).abs().max().item<double>();
            QVERIFY2(error <= 2e-4 * scale, qPrintable(QString("block %1: %2 of %3").arg(i).arg(error).arg(scale)));
        }
    }
};

void addNets() {
    QTest::addColumn<QString>("mixer");
    QTest::addColumn<int>("fcLayers");
    QTest::addColumn<int>("events");
    const std::array mixers = {"method = \"iql\"",
                               "method = \"vdn\"",
                               "method = \"qmix\"\nembed = 8\nhypernet_layers = 1",
                               "method = \"qmix\"\nembed = 8\nhypernet_embed = 12",
                               "method = \"qplex\"\nhypernet_embed = 12",
                               "method = \"qplex\"\nnum_kernel = 2\nadv_hypernet_layers = 3\nadv_hypernet_embed = 12"};
    for (const char* mixer : mixers) {
        for (const int layers : {1, 2}) {
            for (const int events : {0, 3}) {
                QTest::addRow("%s, %d layers, %d surgeries", qPrintable(QString(mixer).simplified()), layers, events)
                    << QString(mixer) << layers << events;
            }
        }
    }
}

Setup setupOf(const QString& mixer, int fcLayers, const EnvSpec& world) {
    Setup setup;
    setup.spec = world;
    setup.mixer = mixer.toStdString();
    setup.agent.fcLayers = fcLayers;
    setup.learning.lr = 1e-4;
    setup.learning.tdLambda = 0.5;
    return setup;
}

} // namespace

class TestFastPaths : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void smallBatchesAgree_data() { addNets(); }
    void smallBatchesAgree() {
        QFETCH(QString, mixer);
        QFETCH(int, fcLayers);
        QFETCH(int, events);
        Pair pair(setupOf(mixer, fcLayers, smallWorld()), 1);
        pair.operate(events);
        pair.train(5, 0);
        pair.compareGradients();
    }

    void largeBatchesAgreeOnTwoThreads_data() { addNets(); }
    void largeBatchesAgreeOnTwoThreads() {
        QFETCH(QString, mixer);
        QFETCH(int, fcLayers);
        QFETCH(int, events);
        Pair pair(setupOf(mixer, fcLayers, largeWorld()), 2);
        pair.operate(events);
        pair.train(2, 0);
        pair.compareGradients();
    }

    // Mixers that remain a graph, and read what agents see or remember beside their values.
    void agentsBelowAGraphLearnTheSame_data() {
        QTest::addColumn<QString>("method");
        QTest::addColumn<int>("fcLayers");
        for (const char* method : {"qtran_base", "qtran_alt", "riskq", "dmix"}) {
            for (const int layers : {1, 2}) {
                QTest::addRow("%s, %d layers", method, layers) << QString(method) << layers;
            }
        }
    }
    void agentsBelowAGraphLearnTheSame() {
        QFETCH(QString, method);
        QFETCH(int, fcLayers);
        const Setup setup = setupOf("method = \"" + method + "\"", fcLayers, smallWorld());
        const std::string complaint = fastAgentsComplaint(setup);
        QVERIFY2(complaint.empty(), complaint.c_str());
    }

    void theFastPathIsTheOneThatIsUsed() {
        Setup setup;
        QVERIFY(setup.learner()->online().mixKernel() != nullptr);
        setup.pool = nullptr;
        QVERIFY(setup.learner()->online().mixKernel() == nullptr);
    }

    void threadsChangeNoBit() {
        const Setup setup = setupOf("method = \"qmix\"\nembed = 8\nhypernet_embed = 12", 2, largeWorld());
        Pair one(setup, 1);
        Pair three(setup, 3);
        one.operate(1);
        three.operate(1);
        one.train(3, 0);
        three.train(3, 0);
        QVERIFY(sameBits(one.fast->online().parameters(), three.fast->online().parameters()));
        QCOMPARE(one.fast->weightsSha256(), three.fast->weightsSha256());
    }

    void aChangedWeightIsNoticed() {
        Pair pair(setupOf("method = \"qmix\"\nembed = 8\nhypernet_embed = 12", 2, smallWorld()), 1);
        const Batch batch = pair.batch(1);
        const double before = pair.fast->probe(batch).loss;
        for (const char* name : {"agent.fc1.weight", "agent.fc2.bias", "agent.gru.input.weight", "agent.head.bias",
                                 "mixer.hyper_w1.out.weight", "mixer.hyper_b1.weight", "mixer.v.out.bias"}) {
            const Parameter& parameter = parameterNamed(pair.fast->online(), name);
            const at::NoGradGuard noGrad;
            at::Tensor value = parameter.value;
            value.add_(0.5);
            QVERIFY2(pair.fast->probe(batch).loss != before, name);
            value.sub_(0.5);
        }
    }
};

QTEST_APPLESS_MAIN(TestFastPaths)
#include "tst_fast_paths.moc"
