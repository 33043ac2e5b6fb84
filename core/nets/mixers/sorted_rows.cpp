// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/mixers/sorted_rows.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <functional>
#include <numeric>
#include <vector>

#include <ATen/ATen.h>

namespace knife {

namespace {

constexpr std::uint32_t kSign = 0x80000000U;

// Unsigned integers in the order of the floats. Unlike those they order NaN too, which sorting relies on.
std::uint32_t keyOf(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    return (bits & kSign) != 0 ? ~bits : bits | kSign;
}

float valueOf(std::uint32_t key) {
    return std::bit_cast<float>((key & kSign) != 0 ? key ^ kSign : ~key);
}

// Calls rowResult(row's keys, row's number) for every row of values [..., K]; the keys may be reordered.
template <typename RowResult>
at::Tensor reduceRows(const at::Tensor& values, RowResult rowResult) {
    const at::Tensor rows = values.detach().cpu().contiguous();
    const auto width = static_cast<std::size_t>(rows.size(-1));
    at::Tensor results = at::empty(rows.sizes().slice(0, rows.sizes().size() - 1), at::kFloat);
    std::vector<std::uint32_t> keys(width);
    const float* from = rows.data_ptr<float>();
    for (std::int64_t row = 0; row < results.numel(); ++row) {
        std::transform(from, from + width, keys.begin(), keyOf);
        results.data_ptr<float>()[row] = rowResult(keys, row);
        from += width;
    }
    return results.to(values.device());
}

} // namespace

at::Tensor sortedRows(const at::Tensor& values) {
    const at::Tensor rows = values.detach().cpu().contiguous();
    const auto width = static_cast<std::size_t>(rows.size(-1));
    at::Tensor order = at::empty(rows.sizes(), at::kLong);
    std::vector<std::uint64_t> keys(width); // the value's key, then its place in the row
    const float* from = rows.data_ptr<float>();
    auto* to = order.data_ptr<std::int64_t>();
    for (std::int64_t done = 0; done < rows.numel(); done += rows.size(-1)) {
        for (std::size_t k = 0; k < width; ++k) {
            keys[k] = std::uint64_t{keyOf(from[k])} << 32U | k;
        }
        std::ranges::sort(keys);
        std::ranges::transform(keys, to,
                               [](std::uint64_t key) { return static_cast<std::int64_t>(key & 0xffffffffU); });
        from += width;
        to += width;
    }
    return values.gather(-1, order.to(values.device()));
}

at::Tensor weighSorted(const at::Tensor& values, const at::Tensor& weights) {
    const at::Tensor weight = weights.cpu().contiguous();
    return reduceRows(values, [&](std::vector<std::uint32_t>& keys, std::int64_t) {
        std::ranges::sort(keys);
        return std::transform_reduce(keys.begin(), keys.end(), weight.data_ptr<float>(), 0.F, std::plus<>(),
                                     [](std::uint32_t key, float w) { return valueOf(key) * w; });
    });
}

at::Tensor tailMeans(const at::Tensor& values, const at::Tensor& counts) {
    const at::Tensor count = counts.cpu().contiguous();
    return reduceRows(values, [&](std::vector<std::uint32_t>& keys, std::int64_t row) {
        const std::int64_t n = count.data_ptr<std::int64_t>()[row];
        const auto end = keys.begin() + n;
        if (end != keys.end()) {
            std::nth_element(keys.begin(), end, keys.end());
        }
        const float sum = std::transform_reduce(keys.begin(), end, 0.F, std::plus<>(), valueOf);
        return sum / static_cast<float>(n);
    });
}

} // namespace knife
