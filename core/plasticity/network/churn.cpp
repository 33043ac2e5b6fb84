// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/plasticity/network/catalogue.h"
#include "core/plasticity/network/net_copy.h"
#include "core/plasticity/network/policy_change.h"
#include "core/plasticity/network/weight_memory.h"

namespace knife {

namespace {

// A scheduled call at update k keeps theta_k; after k + n updates, for each n, both weights are asked about the newest
// episodes. That is the churn over n updates without keeping the weights of every update.
class ChurnDiagnostic final : public NetworkDiagnostic {
  public:
    explicit ChurnDiagnostic(std::vector<std::int64_t> distances) : m_distances(std::move(distances)) {}

    Result<std::vector<NetworkValue>> measure(const NetworkContext& context) override {
        if (!isOpen()) { // otherwise calls come faster than the longest distance
            m_memory = rememberWeights("churn", context.update, context.online.parameters());
        }
        return std::vector<NetworkValue>{};
    }

    bool isDue(std::int64_t update) const override {
        return isOpen() && std::ranges::find(m_distances, update - m_memory.update) != m_distances.end();
    }

    Result<std::vector<NetworkValue>> afterUpdate(const NetworkContext& context) override {
        std::vector<NetworkValue> values;
        const std::int64_t distance = context.update - m_memory.update;
        const bool comparable = fits(m_memory, context.online.parameters());
        if (comparable) {
            const auto earlier = copyOf(context.online, context.spec);
            if (!earlier) {
                return tl::unexpected(earlier.error());
            }
            putBack(m_memory, (*earlier)->parameters());
            const NetReading before = read(**earlier, context.probe);
            putChange(changeBetween(before, context.reading, context.probe), fmt::format("since_{}", distance), values);
        }
        if (!comparable || distance >= *std::ranges::max_element(m_distances)) {
            m_memory = {};
        }
        return values;
    }

    DiagnosticMemory memory() const override { return m_memory; }
    void restore(DiagnosticMemory memory) override { m_memory = std::move(memory); }

  private:
    bool isOpen() const { return m_memory.update >= 0 && !m_distances.empty(); }

    std::vector<std::int64_t> m_distances; ///< updates
    DiagnosticMemory m_memory;
};

} // namespace

std::unique_ptr<NetworkDiagnostic> makeChurn(const DiagnosticsConfig& config) {
    return std::make_unique<ChurnDiagnostic>(config.churnUpdates);
}

} // namespace knife
