// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/learning/joint_values.h"

#include <cmath>

#include <ATen/ATen.h>

namespace knife {

JointValues jointValues(const FactorizedNet& net, const InputLayout& layout, std::span<const float> obs,
                        std::span<const float> state) {
    const at::NoGradGuard noGrad;
    at::Tensor inputs = at::empty({layout.agents, layout.width()});
    for (int a = 0; a < layout.agents; ++a) {
        layout.write(obs.data() + a * layout.obs, a, -1, inputs.data_ptr<float>() + a * layout.width());
    }
    at::Tensor memory = net.agent().initialMemory(layout.agents);
    const at::Tensor q = net.agent().act(inputs, memory).contiguous();
    JointValues values;
    const float* qs = q.data_ptr<float>();
    for (int a = 0; a < layout.agents; ++a) {
        values.q.emplace_back(qs + a * layout.actions, qs + (a + 1) * layout.actions);
    }
    const double jointActions = std::pow(layout.actions, layout.agents);
    if (jointActions > static_cast<double>(kMaxJointActions)) {
        return values;
    }
    const auto rows = static_cast<std::int64_t>(jointActions);
    at::Tensor chosen = at::empty({rows, layout.agents});
    for (std::int64_t row = 0; row < rows; ++row) {
        std::int64_t rest = row;
        for (int a = layout.agents - 1; a >= 0; --a) {
            chosen.data_ptr<float>()[row * layout.agents + a] = qs[a * layout.actions + rest % layout.actions];
            rest /= layout.actions;
        }
    }
    const at::Tensor stateRow = at::tensor(std::vector<float>(state.begin(), state.end())).unsqueeze(0);
    const at::Tensor qTot =
        net.mixer().mix(chosen, stateRow.expand({rows, stateRow.size(1)}).contiguous(), nullptr).mean(1).contiguous();
    values.qTot.assign(qTot.data_ptr<float>(), qTot.data_ptr<float>() + rows);
    return values;
}

} // namespace knife
