// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/kernels/worker_pool.h"

#include <cassert>
#include <utility>

namespace knife {

namespace {

// Long enough to bridge the gap between two steps of a sequence (some 10 µs), short enough to leave the core to others;
// and while spinning the core is offered to whoever else wants it, who may be the thread that is waited for.
constexpr int kSpins = 2048;
constexpr int kSpinsPerOffer = 64;

void relax() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

// Blocks until the counter differs from `old`.
void awaitChange(const std::atomic<std::uint32_t>& counter, std::uint32_t old) {
    for (int spin = 0; spin < kSpins; ++spin) {
        if (counter.load(std::memory_order_acquire) != old) {
            return;
        }
        relax();
        if (spin % kSpinsPerOffer == kSpinsPerOffer - 1) {
            std::this_thread::yield();
        }
    }
    counter.wait(old, std::memory_order_acquire);
}

} // namespace

WorkerPool::WorkerPool(int threads) : m_threads(threads), m_failures(static_cast<std::size_t>(threads)) {
    assert(threads >= 1);
    m_workers.reserve(static_cast<std::size_t>(threads - 1));
    try {
        for (int thread = 1; thread < threads; ++thread) {
            m_workers.emplace_back([this, thread] { work(thread); });
        }
    } catch (...) {
        close();
        throw;
    }
}

WorkerPool::~WorkerPool() {
    close();
}

void WorkerPool::close() {
    m_closing = true;
    m_round.fetch_add(1, std::memory_order_release);
    m_round.notify_all();
}

void WorkerPool::runErased(int shards, const ErasedJob& job) {
    m_job = job;
    m_shards = shards;
    if (m_threads == 1 || shards <= 1) {
        runShardsOf(0);
        rethrowFirst();
        return;
    }
    m_running.store(static_cast<std::uint32_t>(m_threads - 1), std::memory_order_relaxed);
    m_round.fetch_add(1, std::memory_order_release);
    m_round.notify_all();
    runShardsOf(0);
    while (const std::uint32_t running = m_running.load(std::memory_order_acquire)) {
        awaitChange(m_running, running);
    }
    rethrowFirst();
}

void WorkerPool::runShardsOf(int thread) {
    int shard = thread;
    try {
        for (; shard < m_shards; shard += m_threads) {
            m_job.call(m_job.job, shard);
        }
    } catch (...) {
        m_failures[static_cast<std::size_t>(thread)] = {std::current_exception(), shard};
    }
}

void WorkerPool::rethrowFirst() {
    Failure first;
    for (Failure& failure : m_failures) {
        if (failure.exception && (!first.exception || failure.shard < first.shard)) {
            std::swap(first, failure);
        }
        failure.exception = nullptr;
    }
    if (first.exception) {
        std::rethrow_exception(std::move(first.exception));
    }
}

void WorkerPool::work(int thread) {
    for (std::uint32_t seen = 0;;) {
        awaitChange(m_round, seen);
        // A round begins only when all threads have ended the one before it, so none is missed.
        ++seen;
        if (m_closing) {
            return;
        }
        runShardsOf(thread);
        if (m_running.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            m_running.notify_one();
        }
    }
}

} // namespace knife
