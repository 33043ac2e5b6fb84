// SPDX-License-Identifier: GPL-3.0-or-later
// Floating-point rates of the products that a learner needs, and the cost of what lies between them, on one thread.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "core/nets/kernels/pointwise.h"
#include "core/nets/kernels/small_gemm.h"
#include "core/nets/kernels/worker_pool.h"

using namespace knife;

namespace {

std::vector<float> values(std::int64_t count) {
    std::vector<float> result(static_cast<std::size_t>(count));
    std::uint32_t generator = 1;
    for (float& value : result) {
        generator = generator * 1664525U + 1013904223U;
        value = static_cast<float>(generator >> 8U) / static_cast<float>(1U << 23U) - 1.0F;
    }
    return result;
}

void setFlopRate(benchmark::State& state, double flopsPerIteration) {
    state.counters["FLOP/s"] =
        benchmark::Counter(flopsPerIteration * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void setTimePerElement(benchmark::State& state, double elementsPerIteration) {
    state.counters["s/element"] = benchmark::Counter(elementsPerIteration * static_cast<double>(state.iterations()),
                                                     benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

// Arguments m, n, k.
void benchProduct(benchmark::State& state, GemmBackend backend) {
    const auto m = static_cast<int>(state.range(0));
    const auto n = static_cast<int>(state.range(1));
    const auto k = static_cast<int>(state.range(2));
    const SmallGemm gemm = SmallGemm::product({m, n, k, k, n, n}, Accumulate::No, backend);
    const std::vector<float> a = values(m * k);
    const std::vector<float> b = values(k * n);
    std::vector<float> c = values(m * n);
    for (auto _ : state) {
        gemm(a.data(), b.data(), c.data());
        benchmark::ClobberMemory();
    }
    setFlopRate(state, gemm.flops());
    state.SetLabel(gemm.backend() == GemmBackend::Generated ? "generated" : "BLAS");
}

// Weight gradients: m outputs, n inputs, k rows.
void benchTransposed(benchmark::State& state, GemmBackend backend) {
    const auto m = static_cast<int>(state.range(0));
    const auto n = static_cast<int>(state.range(1));
    const auto k = static_cast<int>(state.range(2));
    const SmallGemm gemm = SmallGemm::transposedProduct({m, n, k, m, n, n}, Accumulate::Yes, backend);
    const std::vector<float> a = values(k * m);
    const std::vector<float> b = values(k * n);
    std::vector<float> c(static_cast<std::size_t>(m * n), 0.0F);
    for (auto _ : state) {
        gemm(a.data(), b.data(), c.data());
        benchmark::ClobberMemory();
    }
    setFlopRate(state, gemm.flops());
    state.SetLabel(gemm.backend() == GemmBackend::Generated ? "generated" : "BLAS");
}

void productShapes(benchmark::internal::Benchmark* bench) {
    bench->ArgNames({"m", "n", "k"});
    bench->Args({128, 64, 89})->Args({128, 192, 64})->Args({128, 512, 64})->Args({8, 192, 64})->Args({256, 64, 64});
}

void transposedShapes(benchmark::internal::Benchmark* bench) {
    bench->ArgNames({"m", "n", "k"});
    bench->Args({64, 89, 128})->Args({192, 64, 128})->Args({512, 64, 128})->Args({192, 64, 8});
}

constexpr std::int64_t kRows = 128;
constexpr std::int64_t kHidden = 64;

void benchGruForward(benchmark::State& state) {
    std::vector<float> gates = values(kRows * 4 * kHidden);
    // Without bias the gates that one pass leaves are harmless pre-activations for the next.
    const std::vector<float> bias(4 * kHidden, 0.0F);
    const std::vector<float> hPrev = values(kRows * kHidden);
    std::vector<float> h = hPrev;
    for (auto _ : state) {
        gruForward(bias.data(), kRows, kHidden, {hPrev.data(), kHidden}, {gates.data(), 4 * kHidden},
                   {h.data(), kHidden});
        benchmark::ClobberMemory();
    }
    setTimePerElement(state, static_cast<double>(kRows * kHidden));
}

void benchGruBackward(benchmark::State& state) {
    std::vector<float> gates = values(kRows * 4 * kHidden);
    const std::vector<float> bias = values(4 * kHidden);
    const std::vector<float> hPrev = values(kRows * kHidden);
    std::vector<float> h = hPrev;
    gruForward(bias.data(), kRows, kHidden, {hPrev.data(), kHidden}, {gates.data(), 4 * kHidden}, {h.data(), kHidden});
    const std::vector<float> gradient = values(kRows * kHidden);
    std::vector<float> dh = gradient;
    std::vector<float> dGates = gates;
    for (auto _ : state) {
        // Afresh each time: dh shrinks with every pass and denormal numbers are slow.
        std::copy(gradient.begin(), gradient.end(), dh.begin());
        gruBackward({gates.data(), 4 * kHidden}, {hPrev.data(), kHidden}, kRows, kHidden, {dh.data(), kHidden},
                    {dGates.data(), 4 * kHidden});
        benchmark::ClobberMemory();
    }
    setTimePerElement(state, static_cast<double>(kRows * kHidden));
}

void benchBiasRelu(benchmark::State& state) {
    const std::vector<float> bias = values(kHidden);
    std::vector<float> x = values(kRows * kHidden);
    for (auto _ : state) {
        biasRelu(bias.data(), kRows, kHidden, {x.data(), kHidden});
        benchmark::ClobberMemory();
    }
    setTimePerElement(state, static_cast<double>(kRows * kHidden));
}

void benchColumnSums(benchmark::State& state) {
    const std::int64_t n = state.range(0);
    const std::vector<float> grad = values(kRows * n);
    std::vector<float> sums(static_cast<std::size_t>(n), 0.0F);
    for (auto _ : state) {
        addColumnSums({grad.data(), n}, kRows, n, sums.data());
        benchmark::ClobberMemory();
    }
    setTimePerElement(state, static_cast<double>(kRows * n));
}

// 8 agents, 64 mixing units, one element per generated weight of the first layer.
void benchQmix(benchmark::State& state) {
    constexpr QmixShape kShape{32, 8, 64};
    const std::vector<float> q = values(kShape.rows * kShape.agents);
    const std::vector<float> w1 = values(kShape.rows * kShape.agents * kShape.embed);
    const std::vector<float> b1 = values(kShape.rows * kShape.embed);
    const std::vector<float> w2 = b1;
    const std::vector<float> v = values(kShape.rows);
    std::vector<float> hidden = b1;
    std::vector<float> qTot = v;
    std::vector<float> dq = q;
    std::vector<float> dW1 = w1;
    std::vector<float> dB1 = b1;
    std::vector<float> dW2 = w2;
    std::vector<float> dV = v;
    const QmixInputs inputs{{q.data(), kShape.agents},
                            {w1.data(), kShape.agents * kShape.embed},
                            {b1.data(), kShape.embed},
                            {w2.data(), kShape.embed},
                            {v.data(), 1}};
    const QmixGradients gradients{{dq.data(), kShape.agents},
                                  {dW1.data(), kShape.agents * kShape.embed},
                                  {dB1.data(), kShape.embed},
                                  {dW2.data(), kShape.embed},
                                  {dV.data(), 1}};
    for (auto _ : state) {
        qmixForward(kShape, inputs, {hidden.data(), kShape.embed}, qTot.data());
        qmixBackward(kShape, inputs, {hidden.data(), kShape.embed}, v.data(), gradients);
        benchmark::ClobberMemory();
    }
    setTimePerElement(state, static_cast<double>(kShape.rows * kShape.agents * kShape.embed));
}

void benchEmptyRun(benchmark::State& state) {
    WorkerPool pool(static_cast<int>(state.range(0)));
    for (auto _ : state) {
        pool.run(pool.threads(), [](int shard) { benchmark::DoNotOptimize(shard); });
    }
}

void benchMake(benchmark::State& state) {
    for (auto _ : state) {
        benchmark::DoNotOptimize(SmallGemm::product({128, 192, 64, 64, 192, 192}, Accumulate::No));
    }
}

} // namespace

BENCHMARK_CAPTURE(benchProduct, generated, GemmBackend::Generated)->Apply(productShapes);
BENCHMARK_CAPTURE(benchProduct, blas, GemmBackend::Blas)->Apply(productShapes);
BENCHMARK_CAPTURE(benchTransposed, generated, GemmBackend::Generated)->Apply(transposedShapes);
BENCHMARK_CAPTURE(benchTransposed, blas, GemmBackend::Blas)->Apply(transposedShapes);
BENCHMARK(benchGruForward);
BENCHMARK(benchGruBackward);
BENCHMARK(benchBiasRelu);
BENCHMARK(benchColumnSums)->Arg(64)->Arg(256);
BENCHMARK(benchQmix);
BENCHMARK(benchEmptyRun)->Arg(1)->Arg(2)->UseRealTime();
BENCHMARK(benchMake);
