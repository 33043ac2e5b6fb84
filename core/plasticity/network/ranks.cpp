// SPDX-License-Identifier: GPL-3.0-or-later
#include <ATen/ATen.h>

#include "core/plasticity/network/catalogue.h"
#include "core/plasticity/network/features.h"
#include "core/plasticity/network/spectrum.h"

namespace knife {

namespace {

void measurePlace(const Features& features, bool centred, std::vector<NetworkValue>& out) {
    const std::string prefix = "rank/" + features.place + "/";
    const auto put = [&](const char* name, double value) {
        out.push_back({prefix + name, value});
    };
    const std::int64_t rows = features.rows.size(0);
    put("rows", static_cast<double>(rows));
    put("too_few_rows", rows < features.rows.size(1) ? 1.0 : 0.0);
    if (rows == 0) {
        return;
    }
    at::Tensor exact = features.rows.to(at::kDouble);
    const at::Tensor norms = exact.square().sum(1).sqrt();
    put("norm_mean", norms.mean().item<double>());
    put("norm_max", norms.max().item<double>());
    if (centred) {
        exact = exact - exact.mean(0, /*keepdim=*/true);
    }
    const Ranks ranks = ranksOf(singularValues(exact));
    put("srank", ranks.srank);
    put("approximate", ranks.approximate);
    put("effective", ranks.effective);
    put("frob_stable", ranks.frobStable);
    put("participation", ranks.participation);
    put("participation_sq", ranks.participationSq);
}

class RanksDiagnostic final : public NetworkDiagnostic {
  public:
    explicit RanksDiagnostic(bool centred) : m_centred(centred) {}

    Result<std::vector<NetworkValue>> measure(const NetworkContext& context) override {
        const at::NoGradGuard noGrad;
        std::vector<NetworkValue> values;
        for (const Features& features : featuresOf(context.online, context.probe, context.reading, context.td.taps)) {
            measurePlace(features, m_centred, values);
        }
        return values;
    }

  private:
    bool m_centred;
};

} // namespace

std::unique_ptr<NetworkDiagnostic> makeRanks(const DiagnosticsConfig& config) {
    return std::make_unique<RanksDiagnostic>(config.ranksCentred);
}

} // namespace knife
