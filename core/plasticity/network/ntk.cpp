// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <span>

#include <ATen/ATen.h>

#include "core/plasticity/network/catalogue.h"
#include "core/plasticity/network/gram.h"
#include "core/plasticity/network/net_copy.h"
#include "core/plasticity/network/spectrum.h"
#include "core/types/counter_rng.h"

namespace knife {

namespace {

constexpr std::size_t kRows = 64;
constexpr double kLargestCondition = 1e12; // beyond this the smallest eigenvalue is rounding
constexpr double kSame = 1e-9;             // squared distance of two gradients over the sum of their squares

struct Moment {
    std::int64_t step = 0;
    std::int64_t episode = 0;
};

// Up to kRows different valid steps.
std::vector<Moment> drawMoments(const ProbeBatch& probe, std::uint64_t seed, std::int64_t update) {
    std::vector<Moment> moments;
    for (std::int64_t episode = 0; episode < probe.episodes; ++episode) {
        for (std::int64_t step = 0; step < probe.lengths[static_cast<std::size_t>(episode)]; ++step) {
            moments.push_back({step, episode});
        }
    }
    CounterRng rng({seed, "diagnostics/ntk", static_cast<std::uint64_t>(update)});
    rng.shuffle(std::span<Moment>(moments));
    moments.resize(std::min(moments.size(), kRows));
    return moments;
}

// Of Q_tot at that moment; what came before it in the episode takes part through the agents' memory.
at::Tensor valueGradient(FactorizedNet& copy, const ProbeBatch& probe, const Moment& moment) {
    const ProbeBatch past = probe.select({moment.episode}, moment.step + 1);
    differentiate(copy, past, [&](const FactorizedNet& net, const JointView& view) {
        return net.mixer().mix(view, nullptr).select(0, moment.step).mean();
    });
    return flatGradient(copy.parameters());
}

// Moments that differ in nothing that the networks read would make every kernel singular: one of each stays.
at::Tensor withoutRepeats(const at::Tensor& gram) {
    const auto k = gram.accessor<double, 2>();
    std::vector<std::int64_t> kept;
    for (std::int64_t i = 0; i < gram.size(0); ++i) {
        const bool known = std::ranges::any_of(
            kept, [&](std::int64_t j) { return k[i][i] + k[j][j] - 2 * k[i][j] <= kSame * (k[i][i] + k[j][j]); });
        if (!known) {
            kept.push_back(i);
        }
    }
    const at::Tensor indices = at::tensor(kept, at::kLong);
    return gram.index_select(0, indices).index_select(1, indices);
}

class NtkDiagnostic final : public NetworkDiagnostic {
  public:
    Result<std::vector<NetworkValue>> measure(const NetworkContext& context) override {
        const auto copy = copyOf(context.online, context.spec);
        if (!copy) {
            return tl::unexpected(copy.error());
        }
        std::vector<at::Tensor> gradients;
        for (const Moment& moment : drawMoments(context.probe, context.seed, context.update)) {
            gradients.push_back(valueGradient(**copy, context.probe, moment));
        }
        const at::NoGradGuard noGrad;
        const at::Tensor gram =
            withoutRepeats(gramOf(at::stack(gradients), gradientSlices((*copy)->parameters()), "all").cpu());
        const std::vector<double> spectrum = eigenvalues(gram);
        const Ranks ranks = ranksOf(spectrum);
        const double least = std::max(spectrum.front(), spectrum.back() / kLargestCondition);
        return std::vector<NetworkValue>{{"ntk/rows", static_cast<double>(gram.size(0))},
                                         {"ntk/srank", ranks.srank},
                                         {"ntk/effective_rank", ranks.effective},
                                         {"ntk/condition", spectrum.back() / least}};
    }
};

} // namespace

std::unique_ptr<NetworkDiagnostic> makeNtk(const DiagnosticsConfig&) {
    return std::make_unique<NtkDiagnostic>();
}

} // namespace knife
