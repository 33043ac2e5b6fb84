// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/mixers/sum_kernel.h"

#include <algorithm>
#include <numeric>

namespace knife {

void SumKernel::forward(const MixInputs& inputs, float* joint, Keep, SiteTaps*) {
    m_rows = inputs.rows;
    for (std::int64_t row = 0; row < m_rows; ++row) {
        joint[row] = std::accumulate(inputs.q + row * m_agents, inputs.q + (row + 1) * m_agents, 0.F);
    }
}

void SumKernel::backward(const float* dJoint, float* dQ) {
    for (std::int64_t row = 0; row < m_rows; ++row) {
        std::fill_n(dQ + row * m_agents, m_agents, dJoint[row]);
    }
}

void IdentityKernel::forward(const MixInputs& inputs, float* joint, Keep, SiteTaps*) {
    m_rows = inputs.rows;
    std::copy_n(inputs.q, m_rows * m_agents, joint);
}

void IdentityKernel::backward(const float* dJoint, float* dQ) {
    std::copy_n(dJoint, m_rows * m_agents, dQ);
}

} // namespace knife
