// SPDX-License-Identifier: GPL-3.0-or-later
#include <cmath>

#include <QSignalSpy>
#include <QTest>

#include "app/workbench/neuron_history.h"
#include "app/workbench/store_reader.h"
#include "app/workbench/unit_controller.h"
#include "tests/app/fake_reader.h"

using namespace knife;
using namespace knife::test;

namespace {

constexpr int kWaitMs = 5000;

/// Two sites of two and three units; unit 1 of the first is a composite from update 20 on.
NeuronFrame frameAt(std::int64_t update) {
    NeuronFrame frame;
    frame.clocks = clocksAt(update);
    const auto value = static_cast<float>(update);
    SiteSnapshot first;
    first.name = "agent.fc1";
    first.units = 2;
    first.diagnostics = {{"rua", {value, 2 * value}}, {"grad_norm", {-value, 3 * value}}};
    if (update >= 20) {
        first.composites.push_back({1, 1, 0.5F, 0.25F, 0.125F, value});
    }
    SiteSnapshot second;
    second.name = "mixer.v";
    second.units = 3;
    second.diagnostics = {{"rua", {0.F, std::nanf(""), 1.F}}};
    frame.sites = {first, second};
    return frame;
}

} // namespace

class TestNeuronHistory final : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void init() {
        m_store = std::make_shared<FakeStore>();
        FakeStore::Run run;
        run.record = makeRecord("demo");
        for (int i = 1; i <= 60; ++i) {
            run.frames.push_back({{i, clocksAt(10 * i)}, frameAt(10 * i)});
            m_stamps.push_back(run.frames.back().first);
        }
        m_store->runs.push_back(std::move(run));
        m_reader = std::make_unique<StoreReader>(
            [store = m_store](const std::filesystem::path&) -> Result<std::unique_ptr<RunReader>> {
                return std::make_unique<FakeReader>(store);
            });
        m_reader->open("workspace");
    }
    void cleanup() {
        m_reader.reset();
        m_stamps.clear();
    }

    void readsAllFramesInOrder();
    void growsWithNewStamps();
    void anotherDiagnosticIsReadAgain();
    void startsOverWhenTheRunWasCutBack();
    void aReportTellsTheWholeStory();
    void aLiveFrameComesLast();
    void anUnknownUnitHasNoReport();
    void scalesFollowTheDiagnostic();
    void everyDiagnosticIsExplained();

  private:
    std::vector<FrameDigest> allDigests() const {
        std::vector<FrameDigest> digests;
        for (const FrameStamp& stamp : m_stamps) {
            digests.push_back(digest(stamp, frameAt(stamp.clocks.update.value), "rua"));
        }
        return digests;
    }

    std::shared_ptr<FakeStore> m_store;
    std::vector<FrameStamp> m_stamps;
    std::unique_ptr<StoreReader> m_reader;
};

void TestNeuronHistory::readsAllFramesInOrder() {
    NeuronHistory history(*m_reader, RunId{"demo"}, "rua");
    QSignalSpy grew(&history, &NeuronHistory::grew);
    history.setStamps(m_stamps);
    QTRY_COMPARE_WITH_TIMEOUT(history.frames().size(), 60UL, kWaitMs);
    QVERIFY(grew.size() > 1); // in batches, so that other questions get their turn
    for (std::size_t i = 0; i < 60; ++i) {
        QCOMPARE(history.frames()[i].stamp.id, m_stamps[i].id);
        QCOMPARE(history.frames()[i].find("agent.fc1")->rua[1], 20.F * static_cast<float>(i + 1));
    }
    QVERIFY(history.frames()[0].find("nothing") == nullptr);
}

void TestNeuronHistory::growsWithNewStamps() {
    NeuronHistory history(*m_reader, RunId{"demo"}, "rua");
    history.setStamps({m_stamps.begin(), m_stamps.begin() + 5});
    QTRY_COMPARE_WITH_TIMEOUT(history.frames().size(), 5UL, kWaitMs);
    QSignalSpy grew(&history, &NeuronHistory::grew);
    history.setStamps({m_stamps.begin(), m_stamps.begin() + 7});
    QTRY_COMPARE_WITH_TIMEOUT(history.frames().size(), 7UL, kWaitMs);
    QCOMPARE(grew.size(), 1);
    QCOMPARE(grew[0][0].value<std::size_t>(), 5UL);
}

void TestNeuronHistory::anotherDiagnosticIsReadAgain() {
    NeuronHistory history(*m_reader, RunId{"demo"}, "rua");
    history.setStamps(m_stamps);
    QTRY_COMPARE_WITH_TIMEOUT(history.frames().size(), 60UL, kWaitMs);
    history.setDiagnostic("grad_norm");
    QVERIFY(history.frames().empty());
    QTRY_COMPARE_WITH_TIMEOUT(history.frames().size(), 60UL, kWaitMs);
    const FrameDigest::Site& site = *history.frames()[0].find("agent.fc1");
    QCOMPARE(history.shownValues(site)[0], -10.F);
    QCOMPARE(site.rua[0], 10.F);
    QVERIFY(history.shownValues(*history.frames()[0].find("mixer.v")).empty());
    history.setDiagnostic("rua"); // at hand
    QCOMPARE(history.frames().size(), 60UL);
    QCOMPARE(history.shownValues(*history.frames()[0].find("agent.fc1"))[0], 10.F);
}

void TestNeuronHistory::startsOverWhenTheRunWasCutBack() {
    NeuronHistory history(*m_reader, RunId{"demo"}, "rua");
    history.setStamps(m_stamps);
    QTRY_COMPARE_WITH_TIMEOUT(history.frames().size(), 60UL, kWaitMs);
    QSignalSpy restarted(&history, &NeuronHistory::restarted);
    history.setStamps({m_stamps.begin(), m_stamps.begin() + 10});
    QCOMPARE(restarted.size(), 1);
    QTRY_COMPARE_WITH_TIMEOUT(history.frames().size(), 10UL, kWaitMs);
}

void TestNeuronHistory::aReportTellsTheWholeStory() {
    SurgeryReceipt receipt;
    receipt.clocks = clocksAt(15);
    receipt.plan.reason = "by_hand";
    receipt.sites.push_back({"agent.fc1", {0, 1}, "composite", {}, 0, 0});
    SurgeryReceipt elsewhere = receipt;
    elsewhere.sites[0].site = "mixer.v";
    const auto report =
        unitReport(frameAt(600), {"agent.fc1", 1}, allDigests(), {receipt, elsewhere}, XClock::EnvSteps);
    QVERIFY(report.has_value());
    QCOMPARE(report->ruaX.size(), 60UL);
    QCOMPARE(report->ruaX.front(), 100.0);
    QCOMPARE(report->rua.front(), 20.0);
    QCOMPARE(report->parts.x.size(), 59UL); // a composite from the second frame on
    QCOMPARE(report->parts.x.front(), 200.0);
    QCOMPARE(report->parts.drift.front(), 20.0);
    QCOMPARE(report->events.size(), 1UL);
    QCOMPARE(report->events[0].x, 150.0);
    QVERIFY2(report->events[0].text.contains("by hand"), qPrintable(report->events[0].text));
    QVERIFY(report->composite.has_value());
    QVERIFY(!report->figures[0].explanation.isEmpty());
}

void TestNeuronHistory::aLiveFrameComesLast() {
    const auto report = unitReport(frameAt(605), {"agent.fc1", 0}, allDigests(), {}, XClock::Updates);
    QCOMPARE(report->ruaX.size(), 61UL);
    QCOMPARE(report->ruaX.back(), 605.0);
    const auto older = unitReport(frameAt(300), {"agent.fc1", 0}, allDigests(), {}, XClock::Updates);
    QCOMPARE(older->ruaX.size(), 60UL);
}

void TestNeuronHistory::anUnknownUnitHasNoReport() {
    QVERIFY(!unitReport(frameAt(10), {"agent.fc1", 2}, {}, {}, XClock::Updates));
    QVERIFY(!unitReport(frameAt(10), {"agent.fc9", 0}, {}, {}, XClock::Updates));
}

void TestNeuronHistory::scalesFollowTheDiagnostic() {
    NeuronHistory history(*m_reader, RunId{"demo"}, "rua");
    history.setStamps(m_stamps);
    QTRY_COMPARE_WITH_TIMEOUT(history.frames().size(), 60UL, kWaitMs);
    const ColourScale rua = historyScale(history, "agent.fc1", frameAt(10));
    QVERIFY(rua.kind == ColourScale::Kind::LogAroundOne);
    QCOMPARE(rua.upper, 16.0);
    history.setDiagnostic("grad_norm");
    QTRY_COMPARE_WITH_TIMEOUT(history.frames().size(), 60UL, kWaitMs);
    const ColourScale gradient = historyScale(history, "agent.fc1", frameAt(10));
    QVERIFY(gradient.kind == ColourScale::Kind::AroundZero);
    QCOMPARE(gradient.upper, 1800.0);
    QVERIFY(historyScale(history, "mixer.v", frameAt(10)).kind == ColourScale::Kind::Linear);
}

void TestNeuronHistory::everyDiagnosticIsExplained() {
    for (const char* name : {"rua", "activity", "grad_norm", "weight_norm", "activation", "dormancy", "firing_share",
                             "saliency", "distance", "grama", "efficiency", "gxd", "gxd_centred", "utility",
                             "utility_adaptable", "saturation", "rua_agent0", "rua_agent12"}) {
        QVERIFY2(!explainDiagnostic(QLatin1String(name)).isEmpty(), name);
    }
    QVERIFY(explainDiagnostic("unheard_of").isEmpty());
}

QTEST_GUILESS_MAIN(TestNeuronHistory)
#include "tst_neuron_history.moc"
