// SPDX-License-Identifier: GPL-3.0-or-later
#include <thread>

#include <QSignalSpy>
#include <QTest>
#include <QThread>

#include "app/workbench/store_reader.h"
#include "tests/app/fake_reader.h"

using namespace knife;
using namespace knife::test;

namespace {

constexpr int kWaitMs = 5000;

StoreReader::Opener openerOf(const std::shared_ptr<FakeStore>& store) {
    return [store](const std::filesystem::path& folder) -> Result<std::unique_ptr<RunReader>> {
        if (folder == "missing") {
            return fail(ErrorCode::NotFound, "there is no such folder");
        }
        return std::make_unique<FakeReader>(store);
    };
}

} // namespace

class TestStoreReader final : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void answersComeToTheAskersThread();
    void newestQuestionOfAKindWins();
    void aGoneContextGetsNoAnswer();
    void aChangeIsNoticed();
    void openingFailsWithAReasonAndKeepsTheOldOne();
    void questionsWithoutAWorkspaceFail();
    void aFailingPollIsSaidOnce();
    void endsWhileQuestionsWait();
};

void TestStoreReader::answersComeToTheAskersThread() {
    const auto store = std::make_shared<FakeStore>();
    StoreReader reader(openerOf(store));
    QThread* askedOn = nullptr;
    QThread* answeredOn = nullptr;
    int answer = 0;
    reader.open("workspace");
    reader.ask<int>(
        "sum",
        [&askedOn](RunReader&) -> Result<int> {
            askedOn = QThread::currentThread();
            return 42;
        },
        this,
        [&](Result<int> result) {
            answeredOn = QThread::currentThread();
            answer = *result;
        });
    QCOMPARE(answer, 0); // never at once
    QTRY_COMPARE_WITH_TIMEOUT(answer, 42, kWaitMs);
    QCOMPARE(answeredOn, QThread::currentThread());
    QVERIFY(askedOn != answeredOn);
}

void TestStoreReader::newestQuestionOfAKindWins() {
    StoreReader reader(openerOf(std::make_shared<FakeStore>()));
    reader.open("workspace");
    std::atomic<int> asked = 0;
    std::vector<int> answers;
    for (int i = 0; i < 100; ++i) {
        reader.ask<int>(
            "frame",
            [&asked, i](RunReader&) -> Result<int> {
                ++asked;
                std::this_thread::sleep_for(std::chrono::milliseconds(20));
                return i;
            },
            this, [&answers](Result<int> result) { answers.push_back(*result); });
    }
    QTRY_VERIFY_WITH_TIMEOUT(answers == std::vector<int>{99}, kWaitMs);
    QVERIFY2(asked <= 3, "superseded questions are not even asked");
}

void TestStoreReader::aGoneContextGetsNoAnswer() {
    StoreReader reader(openerOf(std::make_shared<FakeStore>()));
    reader.open("workspace");
    auto context = std::make_unique<QObject>();
    bool told = false;
    bool after = false;
    reader.ask<int>(
        "a", [](RunReader&) -> Result<int> { return 1; }, context.get(), [&told](Result<int>) { told = true; });
    context.reset();
    reader.ask<int>(
        "b", [](RunReader&) -> Result<int> { return 2; }, this, [&after](Result<int>) { after = true; });
    QTRY_VERIFY_WITH_TIMEOUT(after, kWaitMs);
    QVERIFY(!told);
}

void TestStoreReader::aChangeIsNoticed() {
    const auto store = std::make_shared<FakeStore>();
    StoreReader reader(openerOf(store));
    QSignalSpy opened(&reader, &StoreReader::opened);
    QSignalSpy changed(&reader, &StoreReader::changed);
    reader.open("workspace");
    QTRY_COMPARE_WITH_TIMEOUT(opened.size(), 1, kWaitMs);
    QTest::qWait(700);
    QCOMPARE(changed.size(), 0);
    store->change([](auto& runs) { runs.push_back({makeRecord("a"), {}, {}, {}, {}, {}, {}, {}}); });
    QTRY_COMPARE_WITH_TIMEOUT(changed.size(), 1, kWaitMs);
}

void TestStoreReader::openingFailsWithAReasonAndKeepsTheOldOne() {
    StoreReader reader(openerOf(std::make_shared<FakeStore>()));
    QSignalSpy opened(&reader, &StoreReader::opened);
    QSignalSpy failed(&reader, &StoreReader::openFailed);
    reader.open("workspace");
    reader.open("missing");
    QTRY_COMPARE_WITH_TIMEOUT(failed.size(), 1, kWaitMs);
    QVERIFY(failed[0][1].value<Error>().code == ErrorCode::NotFound);
    QCOMPARE(opened.size(), 1);
    QVERIFY(reader.workspace() == "workspace");
    bool answered = false;
    reader.ask<std::vector<RunRecord>>(
        "runs", [](RunReader& store) { return store.runs(); }, this,
        [&answered](Result<std::vector<RunRecord>> runs) { answered = runs.has_value(); });
    QTRY_VERIFY_WITH_TIMEOUT(answered, kWaitMs);
}

void TestStoreReader::questionsWithoutAWorkspaceFail() {
    StoreReader reader(openerOf(std::make_shared<FakeStore>()));
    std::optional<ErrorCode> code;
    reader.ask<std::vector<RunRecord>>(
        "runs", [](RunReader& store) { return store.runs(); }, this,
        [&code](Result<std::vector<RunRecord>> runs) { code = runs.error().code; });
    QTRY_VERIFY_WITH_TIMEOUT(code == ErrorCode::NotFound, kWaitMs);
}

void TestStoreReader::aFailingPollIsSaidOnce() {
    const auto store = std::make_shared<FakeStore>();
    StoreReader reader(openerOf(store));
    QSignalSpy failed(&reader, &StoreReader::pollFailed);
    reader.open("workspace");
    {
        const std::lock_guard lock(store->mutex);
        store->broken = true;
    }
    QTRY_COMPARE_WITH_TIMEOUT(failed.size(), 1, kWaitMs);
    QTest::qWait(1200);
    QCOMPARE(failed.size(), 1);
}

void TestStoreReader::endsWhileQuestionsWait() {
    QElapsedTimer timer;
    {
        StoreReader reader(openerOf(std::make_shared<FakeStore>()));
        reader.open("workspace");
        for (int i = 0; i < 100; ++i) {
            reader.ask<int>(
                QString::number(i),
                [](RunReader&) -> Result<int> {
                    std::this_thread::sleep_for(std::chrono::milliseconds(50));
                    return 0;
                },
                this, [](Result<int>) {});
        }
        QTest::qWait(20);
        timer.start();
    }
    QVERIFY2(timer.elapsed() < 1000, "only the query under way is waited for");
}

QTEST_GUILESS_MAIN(TestStoreReader)
#include "tst_store_reader.moc"
