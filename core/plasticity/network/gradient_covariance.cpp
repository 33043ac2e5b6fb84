// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <set>

#include <ATen/ATen.h>

#include "core/plasticity/network/catalogue.h"
#include "core/plasticity/network/gram.h"
#include "core/plasticity/network/net_copy.h"
#include "core/plasticity/network/spectrum.h"

namespace knife {

namespace {

constexpr std::int64_t kEpisodes = 32;

// The gradient of one episode's own mean TD loss, with the targets held.
at::Tensor episodeGradient(FactorizedNet& copy, const ProbeBatch& probe, std::int64_t episode) {
    const ProbeBatch one = probe.select({episode}, probe.lengths[static_cast<std::size_t>(episode)]);
    differentiate(copy, one, [&](const FactorizedNet& net, const JointView& view) {
        return net.mixer()
            .loss({.online = view,
                   .targets = one.targets,
                   .bootstrap = one.bootstrap,
                   .weights = one.weights(),
                   .update = one.number},
                  nullptr)
            .total;
    });
    return flatGradient(copy.parameters());
}

class GradientCovarianceDiagnostic final : public NetworkDiagnostic {
  public:
    Result<std::vector<NetworkValue>> measure(const NetworkContext& context) override {
        const auto copy = copyOf(context.online, context.spec);
        if (!copy) {
            return tl::unexpected(copy.error());
        }
        const ProbeBatch& probe = context.probe;
        std::vector<at::Tensor> gradients;
        for (std::int64_t e = std::max<std::int64_t>(0, probe.episodes - kEpisodes); e < probe.episodes; ++e) {
            gradients.push_back(episodeGradient(**copy, probe, e));
        }
        const std::vector<GradientSlice> slices = gradientSlices((*copy)->parameters());
        std::set<std::string> modules{"all"};
        for (const GradientSlice& slice : slices) {
            modules.insert(slice.module);
        }
        const at::NoGradGuard noGrad;
        const at::Tensor stacked = at::stack(gradients);
        std::vector<NetworkValue> values;
        for (const std::string& module : modules) {
            putModule("gradient_covariance/" + module + "/", gramOf(stacked, slices, module), values);
        }
        values.push_back({"gradient_covariance/episodes", static_cast<double>(gradients.size())});
        return values;
    }

  private:
    static void putModule(const std::string& prefix, const at::Tensor& gram, std::vector<NetworkValue>& out) {
        const PairedCosines cosines = cosinesOf(gram);
        out.push_back({prefix + "mean_cosine", cosines.mean});
        out.push_back({prefix + "share_opposed", cosines.opposed});
        out.push_back({prefix + "share_aligned", cosines.aligned});
        out.push_back({prefix + "effective_rank", ranksOf(eigenvalues(gram)).effective});
    }
};

} // namespace

std::unique_ptr<NetworkDiagnostic> makeGradientCovariance(const DiagnosticsConfig&) {
    return std::make_unique<GradientCovarianceDiagnostic>();
}

} // namespace knife
