// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/learning/joint_values.h"

#include <cmath>

#include <ATen/ATen.h>

namespace knife {

JointValues jointValues(const FactorizedNet& net, const InputLayout& layout, std::span<const float> obs,
                        std::span<const float> state, int task) {
    const at::NoGradGuard noGrad;
    at::Tensor inputs = at::empty({layout.agents, layout.width()});
    for (int a = 0; a < layout.agents; ++a) {
        layout.write(obs.data() + a * layout.obs, task, a, -1, inputs.data_ptr<float>() + a * layout.width());
    }
    inputs = inputs.to(net.device());
    const NetPass pass = net.pass(inputs.unsqueeze(0), Keep::Nothing, nullptr);
    ActMemory memory = net.initialMemory(layout.agents);
    const at::Tensor q = net.act(inputs, memory).cpu().contiguous();
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
    at::Tensor actions = at::empty({rows, layout.agents}, at::kLong);
    for (std::int64_t row = 0; row < rows; ++row) {
        std::int64_t rest = row;
        for (int a = layout.agents - 1; a >= 0; --a) {
            actions.data_ptr<std::int64_t>()[row * layout.agents + a] = rest % layout.actions;
            rest /= layout.actions;
        }
    }
    const auto everyRow = [&](const at::Tensor& one) {
        return one.defined() ? one.unsqueeze(0).expand({rows, layout.agents, -1}).contiguous() : one;
    };
    const at::Tensor stateRow =
        at::tensor(std::vector<float>(state.begin(), state.end())).unsqueeze(0).to(net.device());
    JointView view{.steps = 1,
                   .episodes = rows,
                   .outputs = pass.agent.outputs.defined() ? everyRow(pass.agent.outputs[0]) : at::Tensor(),
                   .hidden = everyRow(pass.agent.hidden[0]),
                   .inputs = everyRow(inputs),
                   .state = stateRow.expand({rows, stateRow.size(1)}).contiguous(),
                   .unavailable = at::zeros({rows, layout.agents, layout.actions}, at::kBool).to(net.device()),
                   .actions = actions.to(net.device()),
                   .further = {},
                   .noise = {0, "mixer/noise", 0}};
    for (const at::Tensor& outputs : pass.further) {
        view.further.push_back(everyRow(outputs[0]));
    }
    const at::Tensor qTot = net.mixer().expected(view).cpu().contiguous();
    values.qTot.assign(qTot.data_ptr<float>(), qTot.data_ptr<float>() + rows);
    return values;
}

} // namespace knife
