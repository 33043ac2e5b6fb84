// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTest>

#include <cstring>
#include <limits>
#include <thread>
#include <vector>

#include <rapidcheck.h>

#include "close_to.h"
#include "core/nets/kernels/small_gemm.h"

using namespace knife;

namespace {

enum class Kind { Product, Transposed };

struct Case {
    GemmShape shape;
    Kind kind = Kind::Product;
    Accumulate accumulate = Accumulate::No;
    std::vector<float> a;
    std::vector<float> b;
    std::vector<float> c;
};

SmallGemm make(const Case& problem, GemmBackend backend) {
    return problem.kind == Kind::Product ? SmallGemm::product(problem.shape, problem.accumulate, backend)
                                         : SmallGemm::transposedProduct(problem.shape, problem.accumulate, backend);
}

Case makeCase(GemmShape shape, Kind kind, Accumulate accumulate, std::uint32_t seed) {
    Draw draw(seed);
    const int rowsOfA = kind == Kind::Product ? shape.m : shape.k;
    return {shape,
            kind,
            accumulate,
            draw.uniform(rowsOfA * shape.lda, 1.0F),
            draw.uniform(shape.k * shape.ldb, 1.0F),
            draw.uniform(shape.m * shape.ldc, 1.0F)};
}

Case randomCase() {
    const auto size = rc::gen::weightedOneOf<int>({{1, rc::gen::just(1)}, {6, rc::gen::inRange(1, 140)}});
    const auto gap = rc::gen::weightedOneOf<int>({{2, rc::gen::just(0)}, {1, rc::gen::inRange(1, 20)}});
    GemmShape shape{*size, *size, *size, 0, 0, 0};
    const Kind kind = *rc::gen::element(Kind::Product, Kind::Transposed);
    shape.lda = (kind == Kind::Product ? shape.k : shape.m) + *gap;
    shape.ldb = shape.n + *gap;
    shape.ldc = shape.n + *gap;
    return makeCase(shape, kind, *rc::gen::element(Accumulate::No, Accumulate::Yes),
                    *rc::gen::arbitrary<std::uint32_t>());
}

std::vector<double> reference(const Case& p) {
    std::vector<double> c(p.c.begin(), p.c.end());
    const auto at = [](int row, int stride, int column) {
        return static_cast<std::size_t>(row * stride + column);
    };
    for (int i = 0; i < p.shape.m; ++i) {
        for (int j = 0; j < p.shape.n; ++j) {
            double sum = p.accumulate == Accumulate::Yes ? c[at(i, p.shape.ldc, j)] : 0.0;
            for (int l = 0; l < p.shape.k; ++l) {
                const std::size_t ofA = p.kind == Kind::Product ? at(i, p.shape.lda, l) : at(l, p.shape.lda, i);
                sum += static_cast<double>(p.a[ofA]) * static_cast<double>(p.b[at(l, p.shape.ldb, j)]);
            }
            c[at(i, p.shape.ldc, j)] = sum;
        }
    }
    return c;
}

// The product computed on copies that begin `offset` floats behind where an allocator puts them.
std::vector<float> computed(const Case& p, const SmallGemm& gemm, std::size_t offset = 0) {
    const auto moved = [offset](const std::vector<float>& values) {
        std::vector<float> copy(offset, 0.0F);
        copy.insert(copy.end(), values.begin(), values.end());
        return copy;
    };
    const std::vector<float> a = moved(p.a);
    const std::vector<float> b = moved(p.b);
    std::vector<float> c = moved(p.c);
    gemm(a.data() + offset, b.data() + offset, c.data() + offset);
    return {c.begin() + static_cast<std::ptrdiff_t>(offset), c.end()};
}

constexpr GemmBackend kBackends[] = {GemmBackend::Generated, GemmBackend::Blas};

} // namespace

class TestSmallGemm : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void agreesWithTheDefinition();
    void agreesOnLongSums();
    void leavesGapsBetweenRowsAlone();
    void overwritingReadsNothing();
    void emptySizesAreAllowed();
    void aWrongStrideIsSeen();
    void repeatsBitForBitAtEveryAlignment();
    void repeatsBitForBitInEveryThread();
    void equalKernelsCancelExactly();
};

void TestSmallGemm::agreesWithTheDefinition() {
    QVERIFY(rc::check("both backends, both orders", [] {
        const Case problem = randomCase();
        for (const GemmBackend backend : kBackends) {
            RC_ASSERT(worstError(computed(problem, make(problem, backend)), reference(problem), 1.0) < 1e-5);
        }
    }));
}

void TestSmallGemm::agreesOnLongSums() {
    const Case problem = makeCase({64, 89, 5000, 64, 89, 89}, Kind::Transposed, Accumulate::Yes, 1);
    for (const GemmBackend backend : kBackends) {
        QVERIFY(worstError(computed(problem, make(problem, backend)), reference(problem), 50.0) < 1e-5);
    }
}

void TestSmallGemm::leavesGapsBetweenRowsAlone() {
    QVERIFY(rc::check("columns behind n keep their bits", [] {
        const Case problem = randomCase();
        for (const GemmBackend backend : kBackends) {
            const std::vector<float> result = computed(problem, make(problem, backend));
            for (std::size_t i = 0; i < result.size(); ++i) {
                if (static_cast<int>(i) % problem.shape.ldc >= problem.shape.n) {
                    RC_ASSERT(std::memcmp(&result[i], &problem.c[i], sizeof(float)) == 0);
                }
            }
        }
    }));
}

void TestSmallGemm::overwritingReadsNothing() {
    for (const Kind kind : {Kind::Product, Kind::Transposed}) {
        Case problem = makeCase({13, 21, 13, 13, 21, 21}, kind, Accumulate::No, 2);
        std::fill(problem.c.begin(), problem.c.end(), std::numeric_limits<float>::quiet_NaN());
        for (const GemmBackend backend : kBackends) {
            QVERIFY(worstError(computed(problem, make(problem, backend)), reference(problem), 1.0) < 1e-5);
        }
    }
}

void TestSmallGemm::emptySizesAreAllowed() {
    for (const GemmBackend backend : kBackends) {
        for (const Kind kind : {Kind::Product, Kind::Transposed}) {
            for (const GemmShape shape : {GemmShape{0, 4, 3, 3, 4, 4}, GemmShape{3, 0, 3, 3, 1, 1}}) {
                const Case problem = makeCase(shape, kind, Accumulate::No, 3);
                QVERIFY(bitEqual(computed(problem, make(problem, backend)), problem.c));
            }
            Case problem = makeCase({4, 5, 0, 4, 5, 5}, kind, Accumulate::Yes, 3);
            QVERIFY(bitEqual(computed(problem, make(problem, backend)), problem.c));
            problem.accumulate = Accumulate::No;
            QVERIFY(bitEqual(computed(problem, make(problem, backend)), std::vector<float>(20, 0.0F)));
        }
    }
}

void TestSmallGemm::aWrongStrideIsSeen() {
    const Case problem = makeCase({16, 24, 12, 20, 30, 24}, Kind::Product, Accumulate::No, 4);
    for (const GemmBackend backend : kBackends) {
        Case wrong = problem;
        wrong.shape.lda -= 1;
        QVERIFY(worstError(computed(problem, make(wrong, backend)), reference(problem), 1.0) > 0.1);
        wrong = problem;
        wrong.shape.ldb -= 1;
        QVERIFY(worstError(computed(problem, make(wrong, backend)), reference(problem), 1.0) > 0.1);
    }
}

void TestSmallGemm::repeatsBitForBitAtEveryAlignment() {
    QVERIFY(rc::check("alignment does not matter", [] {
        const Case problem = randomCase();
        for (const GemmBackend backend : kBackends) {
            const SmallGemm gemm = make(problem, backend);
            const std::vector<float> first = computed(problem, gemm);
            for (std::size_t offset = 1; offset < 17; offset += 3) {
                RC_ASSERT(bitEqual(computed(problem, gemm, offset), first));
            }
        }
    }));
}

void TestSmallGemm::repeatsBitForBitInEveryThread() {
    for (const Kind kind : {Kind::Product, Kind::Transposed}) {
        const Case problem = makeCase({128, 192, 128, 128, 192, 192}, kind, Accumulate::Yes, 5);
        for (const GemmBackend backend : kBackends) {
            const std::vector<float> expected = computed(problem, make(problem, backend));
            std::vector<char> same(4, 0);
            {
                std::vector<std::jthread> threads;
                for (char& result : same) {
                    threads.emplace_back([&] {
                        bool equal = true;
                        for (int i = 0; i < 50; ++i) {
                            equal = equal && bitEqual(computed(problem, make(problem, backend)), expected);
                        }
                        result = equal ? 1 : 0;
                    });
                }
            }
            QCOMPARE(same, std::vector<char>(4, 1));
        }
    }
}

void TestSmallGemm::equalKernelsCancelExactly() {
    QVERIFY(rc::check("A·B from one kernel minus A·B from its twin is +0", [] {
        const Case problem = randomCase();
        const std::vector<float> active = computed(problem, make(problem, GemmBackend::Generated));
        const std::vector<float> twin = computed(problem, make(problem, GemmBackend::Generated), 5);
        for (std::size_t i = 0; i < active.size(); ++i) {
            RC_ASSERT(active[i] - twin[i] == 0.0F && !std::signbit(active[i] - twin[i]));
        }
    }));
}

QTEST_APPLESS_MAIN(TestSmallGemm)
#include "tst_small_gemm.moc"
