// SPDX-License-Identifier: GPL-3.0-or-later
#include <rapidcheck.h>

#include "core/store/chunks.h"
#include "store_test.h"

using namespace knife;
using namespace knife::test;

namespace {

double doubleOf(std::uint64_t bits) {
    double value = 0.0;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

/// Any bits in every column: clocks that run backwards and overflow are kept too.
Series anySeries(std::size_t count) {
    Series series;
    for (std::size_t i = 0; i < count; ++i) {
        series.update.push_back(*rc::gen::arbitrary<std::int64_t>());
        series.envStep.push_back(*rc::gen::arbitrary<std::int64_t>());
        series.episode.push_back(*rc::gen::arbitrary<std::int64_t>());
        series.wallS.push_back(doubleOf(*rc::gen::arbitrary<std::uint64_t>()));
        series.value.push_back(doubleOf(*rc::gen::arbitrary<std::uint64_t>()));
    }
    return series;
}

Series steadySeries(std::size_t count) {
    Series series;
    for (std::size_t i = 0; i < count; ++i) {
        const Clocks clocks = clocksAt(static_cast<std::int64_t>(i));
        series.update.push_back(clocks.update.value);
        series.envStep.push_back(clocks.envStep.value);
        series.episode.push_back(clocks.episode.value);
        series.wallS.push_back(clocks.wallS);
        series.value.push_back(static_cast<double>(static_cast<float>(std::sin(static_cast<double>(i)))));
    }
    return series;
}

std::span<const std::byte> bytesOf(const std::string& text) {
    return std::as_bytes(std::span(text));
}

} // namespace

class TestChunks : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void aChunkComesBackToTheBit() {
        QVERIFY(rc::check("decode(encode(points)) == points", [] {
            const auto count = *rc::gen::inRange<std::size_t>(1, 60);
            const Series series = anySeries(count);
            Series back;
            RC_ASSERT(decodeChunk(bytesOf(encodeChunk(series, 0, count)), count, back).has_value());
            RC_ASSERT(sameBits(back, series));
        }));
    }

    void partsOfASeriesAreAppended() {
        const Series series = steadySeries(kChunkPoints);
        Series back;
        for (std::size_t begin = 0; begin < kChunkPoints; begin += 1024) {
            KNIFE_VERIFY(decodeChunk(bytesOf(encodeChunk(series, begin, 1024)), 1024, back));
        }
        QVERIFY(sameBits(back, series));
    }

    void regularClocksTakeHardlyAnyRoom() {
        const Series series = steadySeries(kChunkPoints);
        const std::string bytes = encodeChunk(series, 0, kChunkPoints);
        qInfo("%.1f bytes per point", static_cast<double>(bytes.size()) / kChunkPoints);
        QVERIFY(bytes.size() < kChunkPoints * 12);
    }

    void everySingleFlippedBitIsNoticed() {
        const Series series = steadySeries(40);
        const std::string bytes = encodeChunk(series, 0, 40);
        for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
            std::string flipped = bytes;
            flipped[bit / 8] = static_cast<char>(static_cast<unsigned char>(flipped[bit / 8]) ^ 1U << bit % 8);
            Series back;
            const Result<void> decoded = decodeChunk(bytesOf(flipped), 40, back);
            QVERIFY(!decoded);
            QVERIFY(decoded.error().code == ErrorCode::Corrupt);
            QCOMPARE(back.size(), 0U);
        }
    }

    void everyCutIsNoticed() {
        const std::string bytes = encodeChunk(steadySeries(40), 0, 40);
        for (std::size_t length = 0; length < bytes.size(); ++length) {
            Series back;
            QVERIFY(!decodeChunk(bytesOf(bytes.substr(0, length)), 40, back));
        }
        Series back;
        QVERIFY(!decodeChunk(bytesOf(bytes), 41, back));
    }

    void rangeOfFiniteValues() {
        const double nan = std::numeric_limits<double>::quiet_NaN();
        const double infinity = std::numeric_limits<double>::infinity();
        QVERIFY(std::isnan(finiteRange({}).minimum));
        const std::vector<double> none = {nan, infinity, -infinity};
        QVERIFY(std::isnan(finiteRange(none).maximum));
        const std::vector<double> negative = {-2.0, nan, -7.0, -infinity, -1.5};
        QCOMPARE(finiteRange(negative).minimum, -7.0);
        QCOMPARE(finiteRange(negative).maximum, -1.5);
        const std::vector<double> huge = {std::numeric_limits<double>::max(), std::numeric_limits<double>::lowest()};
        QCOMPARE(finiteRange(huge).minimum, std::numeric_limits<double>::lowest());
        QCOMPARE(finiteRange(huge).maximum, std::numeric_limits<double>::max());
    }

    void theFrontIsDropped() {
        Series series = steadySeries(10);
        dropFront(series, 0);
        QCOMPARE(series.size(), 10U);
        dropFront(series, 4);
        QCOMPARE(series.size(), 6U);
        QCOMPARE(series.update.front(), 4);
        dropFront(series, 6);
        QCOMPARE(series.size(), 0U);
    }
};

QTEST_APPLESS_MAIN(TestChunks)
#include "tst_chunks.moc"
