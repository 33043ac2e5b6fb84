// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTest>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "core/nets/kernels/worker_pool.h"

using namespace knife;

class TestWorkerPool : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void everyShardRunsOnce_data();
    void everyShardRunsOnce();
    void shardsStayWithTheirThread_data() { everyShardRunsOnce_data(); }
    void shardsStayWithTheirThread();
    void tinyRunsDoNotGetLost_data() { everyShardRunsOnce_data(); }
    void tinyRunsDoNotGetLost();
    void runsAfterLongIdleTimes();
    void theLowestFailingShardIsReported_data() { everyShardRunsOnce_data(); }
    void theLowestFailingShardIsReported();
    void oneThreadIsTheCaller();
};

void TestWorkerPool::everyShardRunsOnce_data() {
    QTest::addColumn<int>("threads");
    for (int threads = 1; threads <= 4; ++threads) {
        QTest::addRow("%d", threads) << threads;
    }
}

void TestWorkerPool::everyShardRunsOnce() {
    QFETCH(int, threads);
    WorkerPool pool(threads);
    QCOMPARE(pool.threads(), threads);
    for (int shards = 0; shards < 20; ++shards) {
        std::vector<int> calls(20, 0);
        pool.run(shards, [&](int shard) { ++calls[static_cast<std::size_t>(shard)]; });
        std::vector<int> expected(20, 0);
        std::fill_n(expected.begin(), shards, 1);
        QCOMPARE(calls, expected);
    }
}

void TestWorkerPool::shardsStayWithTheirThread() {
    QFETCH(int, threads);
    WorkerPool pool(threads);
    std::vector<std::thread::id> first(12);
    std::vector<std::thread::id> again(12);
    pool.run(12, [&](int shard) { first[static_cast<std::size_t>(shard)] = std::this_thread::get_id(); });
    pool.run(12, [&](int shard) { again[static_cast<std::size_t>(shard)] = std::this_thread::get_id(); });
    QVERIFY(first == again);
    QVERIFY(first[0] == std::this_thread::get_id());
    for (std::size_t a = 0; a < first.size(); ++a) {
        for (std::size_t b = 0; b < first.size(); ++b) {
            const bool sameThread = a % static_cast<std::size_t>(threads) == b % static_cast<std::size_t>(threads);
            QCOMPARE(first[a] == first[b], sameThread);
        }
    }
}

void TestWorkerPool::tinyRunsDoNotGetLost() {
    QFETCH(int, threads);
    WorkerPool pool(threads);
    std::vector<int> calls(8, 0);
    constexpr int kRuns = 100'000;
    for (int i = 0; i < kRuns; ++i) {
        pool.run(i % 8 + 1, [&](int shard) { ++calls[static_cast<std::size_t>(shard)]; });
    }
    for (int shard = 0; shard < 8; ++shard) {
        QCOMPARE(calls[static_cast<std::size_t>(shard)], kRuns / 8 * (8 - shard));
    }
}

void TestWorkerPool::runsAfterLongIdleTimes() {
    WorkerPool pool(3);
    std::atomic<int> calls = 0;
    for (int i = 0; i < 20; ++i) {
        // Not waiting for something: long enough that the threads give up spinning and sleep.
        QTest::qSleep(3);
        pool.run(3, [&](int shard) {
            if (shard == 2) {
                QTest::qSleep(3);
            }
            ++calls;
        });
    }
    QCOMPARE(calls.load(), 60);
}

void TestWorkerPool::theLowestFailingShardIsReported() {
    QFETCH(int, threads);
    WorkerPool pool(threads);
    for (int repeat = 0; repeat < 100; ++repeat) {
        std::string caught;
        try {
            pool.run(9, [](int shard) {
                if (shard >= 3) {
                    throw std::runtime_error(std::to_string(shard));
                }
            });
        } catch (const std::runtime_error& error) {
            caught = error.what();
        }
        QCOMPARE(caught, std::string("3"));
    }
    std::atomic<int> calls = 0;
    pool.run(9, [&](int) { ++calls; });
    QCOMPARE(calls.load(), 9);
}

void TestWorkerPool::oneThreadIsTheCaller() {
    WorkerPool pool(1);
    bool foreign = false;
    pool.run(5, [&, caller = std::this_thread::get_id()](int) {
        foreign = foreign || std::this_thread::get_id() != caller;
    });
    QVERIFY(!foreign);
}

QTEST_APPLESS_MAIN(TestWorkerPool)
#include "tst_worker_pool.moc"
