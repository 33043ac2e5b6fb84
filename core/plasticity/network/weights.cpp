// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include <ATen/ATen.h>

#include "core/nets/initialise.h"
#include "core/plasticity/network/catalogue.h"
#include "core/plasticity/network/net_copy.h"
#include "core/plasticity/network/weight_memory.h"

namespace knife {

namespace {

constexpr int kPowerIterations = 100;
constexpr double kPowerTolerance = 1e-7;

double squareSum(const at::Tensor& tensor) {
    return tensor.square().sum().item<double>();
}

// Largest singular value by power iteration on W^T W (von Mises & Pollaczek-Geiringer 1929), from a drawn start.
double largestSingular(const at::Tensor& matrix, const StreamKey& start) {
    at::Tensor v = drawUniform({matrix.size(1)}, 1.0, start).to(at::kDouble);
    double last = 0.0;
    for (int i = 0; i < kPowerIterations; ++i) {
        const double length = std::sqrt(squareSum(v));
        if (!(length > 0.0)) {
            return 0.0;
        }
        const at::Tensor image = at::mv(matrix, v / length);
        const double value = std::sqrt(squareSum(image));
        if (std::abs(value - last) <= kPowerTolerance * value) {
            return value;
        }
        last = value;
        v = at::mv(matrix.t(), image);
    }
    return last;
}

// Squared sums over several parameters.
struct Sums {
    double square = 0.0;
    double fromInitSq = 0.0;
    double initSq = 0.0;
    double stepSq = 0.0;
    double beforeSq = 0.0;
    void add(const Sums& other) {
        square += other.square;
        fromInitSq += other.fromInitSq;
        initSq += other.initSq;
        stepSq += other.stepSq;
        beforeSq += other.beforeSq;
    }
};

double ratio(double partSq, double wholeSq) {
    return wholeSq > 0.0 ? std::sqrt(partSq / wholeSq) : std::nan("");
}

class WeightsDiagnostic final : public NetworkDiagnostic {
  public:
    Result<std::vector<NetworkValue>> measure(const NetworkContext& context) override {
        const at::NoGradGuard noGrad;
        if (auto known = recallInitial(context.spec); !known) {
            return tl::unexpected(known.error());
        }
        std::vector<NetworkValue> values;
        std::map<std::string, Sums> modules;
        const ParameterSet& parameters = context.online.parameters();
        for (std::size_t i = 0; i < parameters.blocks().size(); ++i) {
            const ParameterBlock& block = parameters.blocks()[i];
            std::int64_t offset = 0;
            for (const Parameter* parameter : block.parameters) {
                const Sums sums = measureOne(*parameter, before(i, block, offset, *parameter), context.seed, values);
                modules[moduleOf(parameter->name)].add(sums);
                modules["all"].add(sums);
                offset += parameter->value.numel();
            }
        }
        for (const auto& [module, sums] : modules) {
            putSums("weights/" + module + "/", sums, values);
        }
        m_memory = rememberWeights("weights", context.update, parameters);
        return values;
    }

    DiagnosticMemory memory() const override { return m_memory; }
    void restore(DiagnosticMemory memory) override { m_memory = std::move(memory); }

  private:
    // The initial weights are a function of the run's seed: nobody has to keep them.
    Result<void> recallInitial(const NetSpec& spec) {
        if (m_initial.empty()) {
            NetSpec plain = spec;
            plain.pool = nullptr;
            const auto net = FactorizedNet::build(plain, ParameterUse::Copied);
            if (!net) {
                return tl::unexpected(net.error());
            }
            for (const Parameter& parameter : (*net)->parameters().all()) {
                m_initial[parameter.name] = parameter.value.detach().to(at::kCPU, at::kDouble);
            }
        }
        return {};
    }

    // The parameter's value at the last call; undefined where there was none.
    at::Tensor before(std::size_t index, const ParameterBlock& block, std::int64_t offset,
                      const Parameter& parameter) const {
        const bool known = index < m_memory.values.size() && m_memory.values[index].numel() == block.size();
        return known ? m_memory.values[index].narrow(0, offset, parameter.value.numel()).view(parameter.value.sizes())
                     : at::Tensor();
    }

    Sums measureOne(const Parameter& parameter, const at::Tensor& before, std::uint64_t seed,
                    std::vector<NetworkValue>& out) const {
        const at::Tensor value = parameter.value.detach().to(at::kCPU, at::kDouble);
        Sums sums{.square = squareSum(value)};
        if (const auto initial = m_initial.find(parameter.name); initial != m_initial.end()) {
            sums.fromInitSq = squareSum(value - initial->second);
            sums.initSq = squareSum(initial->second);
        }
        if (before.defined()) {
            sums.stepSq = squareSum(value - before.to(at::kDouble));
            sums.beforeSq = squareSum(before.to(at::kDouble));
        }
        if (value.dim() == 2) {
            const std::string prefix = "weights/" + parameter.name + "/";
            putSums(prefix, sums, out);
            out.push_back({prefix + "mean_abs", value.abs().mean().item<double>()});
            out.push_back({prefix + "rms", std::sqrt(sums.square / static_cast<double>(value.numel()))});
            out.push_back({prefix + "sigma_max", largestSingular(value, {seed, "diagnostics/power", 0})});
        }
        return sums;
    }

    static void putSums(const std::string& prefix, const Sums& sums, std::vector<NetworkValue>& out) {
        out.push_back({prefix + "l2", std::sqrt(sums.square)});
        out.push_back({prefix + "from_init", ratio(sums.fromInitSq, sums.initSq)});
        out.push_back({prefix + "step_ratio", ratio(sums.stepSq, sums.beforeSq)});
    }

    std::map<std::string, at::Tensor> m_initial;
    DiagnosticMemory m_memory;
};

} // namespace

std::unique_ptr<NetworkDiagnostic> makeWeights(const DiagnosticsConfig&) {
    return std::make_unique<WeightsDiagnostic>();
}

} // namespace knife
