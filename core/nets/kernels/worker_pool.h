// SPDX-License-Identifier: GPL-3.0-or-later
// Threads of our own for fork and join inside one update. Which thread computes what is fixed, so results repeat.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <thread>
#include <vector>

namespace knife {

/// The caller of run() and `threads - 1` threads that live as long as the pool. Not thread-safe: one run() at a time,
/// and none from inside a job.
class WorkerPool {
  public:
    /// threads >= 1; with 1 no thread is made. Throws std::system_error if the system gives no more threads.
    explicit WorkerPool(int threads);
    /// Joins the threads.
    ~WorkerPool();
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    [[nodiscard]] int threads() const { return m_threads; }

    /// Calls job(shard) once for every shard in [0, shards) and returns when all calls have ended. Thread t of the pool
    /// takes the shards t, t + threads, … in this order; thread 0 is the caller. What jobs wrote is visible to the
    /// caller afterwards. Thread-local settings of the caller do not reach the other threads. Allocates nothing.
    /// A thread whose job throws skips the rest of its shards; of several exceptions that of the lowest shard is
    /// rethrown, once all threads are done.
    template <class Job>
    void run(int shards, const Job& job) {
        runErased(shards, {&job, [](const void* erased, int shard) {
                               (*static_cast<const Job*>(erased))(shard);
                           }});
    }

  private:
    struct ErasedJob {
        const void* job = nullptr;
        void (*call)(const void* job, int shard) = nullptr;
    };
    /// Aligned so that no two threads write to one cache line.
    struct alignas(64) Failure {
        std::exception_ptr exception;
        int shard = 0;
    };

    void runErased(int shards, const ErasedJob& job);
    void runShardsOf(int thread);
    void rethrowFirst();
    void work(int thread);
    void close();

    const int m_threads;
    ErasedJob m_job;
    int m_shards = 0;
    std::vector<Failure> m_failures; ///< one per thread
    bool m_closing = false;
    // Publishes the members above to the workers; they hand their results back through the second counter.
    alignas(64) std::atomic<std::uint32_t> m_round = 0;
    alignas(64) std::atomic<std::uint32_t> m_running = 0;
    std::vector<std::jthread> m_workers;
};

} // namespace knife
