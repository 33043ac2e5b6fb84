// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nets/mixers/qplex_kernel.h"

#include <algorithm>
#include <cmath>

#include "core/nets/fused/grow.h"
#include "core/nets/kernels/pointwise.h"

namespace knife {

namespace {

constexpr auto kTiny = static_cast<float>(QplexMixer::kTiny);

void sigmoid(float* values, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) {
        values[i] = 1.F / (1.F + std::exp(-values[i]));
    }
}

// The derivative of |x|, 0 at 0.
float signOf(float x) {
    return static_cast<float>((x > 0.F) - (x < 0.F));
}

} // namespace

float* QplexKernel::Net::forward(const RowBlock& block, std::int64_t slot, const float* x) {
    kernel.forward(block.rows, slot, x, at(slot));
    return at(slot);
}

void QplexKernel::Net::backward(const RowBlock& block, int shard, const float* x) {
    kernel.backward(block.rows, block.first, shard, x, at(block.first));
}

QplexKernel::QplexKernel(const QplexMixer& mixer, WorkerPool& pool)
    : m_mixer(mixer),
      m_pool(pool),
      m_agents(mixer.agents()),
      m_features(mixer.state() + mixer.agents() * mixer.actions()),
      m_w(mixer.w(), mixer.agents()),
      m_v(mixer.v(), mixer.agents()) {
    for (const QplexMixer::Extractors& nets : mixer.extractors()) {
        m_extractors.emplace_back(nets, m_agents);
    }
}

template <class Visit>
void QplexKernel::eachNet(const Visit& visit) {
    if (m_mixer.config().weightedHead) {
        visit(m_w);
        visit(m_v);
    }
    for (Extractors& nets : m_extractors) {
        visit(nets.key);
        visit(nets.agents);
        visit(nets.action);
    }
}

template <class Work>
void QplexKernel::eachBlock(const Work& work) {
    m_pool.run(m_blocks.shards(), [&](int shard) {
        for (const RowBlock& block : m_blocks.of(shard)) {
            work(block, m_blocks.slot(block, shard));
        }
    });
}

void QplexKernel::arrange(std::int64_t rows, bool keepAll) {
    m_blocks.arrange(rows, keepAll);
    grow(m_stateAndActions, rows * m_features);
    m_lambda.assign(static_cast<std::size_t>(rows * m_agents), 0.F);
}

void QplexKernel::load(Net& net) {
    net.kernel.load(m_blocks.slots(), RowBlocks::sizes(), m_blocks.shards());
    grow(net.values, m_blocks.slots() * net.width);
}

void QplexKernel::forward(const MixInputs& inputs, float* joint, Keep keep, SiteTaps* taps) {
    arrange(inputs.rows, keep == Keep::Gradient || taps != nullptr);
    m_inputs = inputs;
    for (std::int64_t row = 0; row < inputs.rows; ++row) {
        describeActions(row);
    }
    for (Extractors& nets : m_extractors) {
        for (Net* net : {&nets.key, &nets.agents, &nets.action}) {
            load(*net);
        }
        eachBlock([&](const RowBlock& block, std::int64_t slot) { addImportance(nets, block, slot); });
    }
    if (m_mixer.config().weightedHead) {
        load(m_w);
        load(m_v);
    }
    eachBlock([&](const RowBlock& block, std::int64_t slot) {
        if (m_mixer.config().weightedHead) {
            const float* state = m_inputs.state + block.first * m_mixer.state();
            m_w.forward(block, slot, state);
            m_v.forward(block, slot, state);
        }
        for (std::int64_t r = 0; r < block.rows; ++r) {
            joint[block.first + r] = mixRow(block.first + r, slot + r);
        }
    });
    if (taps != nullptr) {
        eachNet([&](Net& net) { net.kernel.tap(*taps, inputs.rows); });
    }
}

void QplexKernel::describeActions(std::int64_t row) {
    const std::int64_t width = m_mixer.state();
    float* to = m_stateAndActions.data() + row * m_features;
    std::copy_n(m_inputs.state + row * width, width, to);
    std::fill_n(to + width, m_features - width, 0.F);
    for (std::int64_t a = 0; a < m_agents; ++a) {
        to[width + a * m_mixer.actions() + m_inputs.actions[row * m_agents + a]] = 1.F;
    }
}

void QplexKernel::addImportance(Extractors& nets, const RowBlock& block, std::int64_t slot) {
    const float* state = m_inputs.state + block.first * m_mixer.state();
    const float* key = nets.key.forward(block, slot, state);
    float* agents = nets.agents.forward(block, slot, state);
    float* action = nets.action.forward(block, slot, m_stateAndActions.data() + block.first * m_features);
    sigmoid(agents, block.rows * m_agents);
    sigmoid(action, block.rows * m_agents);
    float* lambda = m_lambda.data() + block.first * m_agents;
    for (std::int64_t r = 0; r < block.rows; ++r) {
        const float weight = std::abs(key[r]) + kTiny;
        for (std::int64_t i = r * m_agents; i < (r + 1) * m_agents; ++i) {
            lambda[i] += weight * agents[i] * action[i];
        }
    }
}

float QplexKernel::mixRow(std::int64_t row, std::int64_t slot) {
    const QplexConfig& config = m_mixer.config();
    const float shift = config.isMinusOne ? 1.F : 0.F;
    const float* q = m_inputs.q + row * m_agents;
    const float* best = m_inputs.best + row * m_agents;
    const float* lambda = m_lambda.data() + row * m_agents;
    const float* w = config.weightedHead ? m_w.at(slot) : nullptr;
    const float* v = config.weightedHead ? m_v.at(slot) : nullptr;
    float values = 0.F;
    float advantages = 0.F;
    for (std::int64_t a = 0; a < m_agents; ++a) {
        const float scale = config.weightedHead ? std::abs(w[a]) + kTiny : 1.F;
        values += config.weightedHead ? scale * q[a] + v[a] : q[a];
        advantages += scale * (q[a] - best[a]) * (lambda[a] - shift);
    }
    return values + advantages;
}

void QplexKernel::backward(const float* dJoint, float* dQ) {
    const int shards = m_blocks.shards();
    eachNet([&](Net& net) { net.kernel.beginBackward(shards); });
    m_pool.run(shards, [&](int shard) { backwardShard(shard, dJoint, dQ); });
    eachNet([](Net& net) { net.kernel.endBackward(); });
}

void QplexKernel::backwardShard(int shard, const float* dJoint, float* dQ) {
    const std::vector<RowBlock>& blocks = m_blocks.of(shard);
    const auto stateOf = [&](const RowBlock& block) {
        return m_inputs.state + block.first * m_mixer.state();
    };
    for (const RowBlock& block : blocks) {
        for (std::int64_t row = block.first; row < block.first + block.rows; ++row) {
            unmixRow(row, dJoint[row], dQ + row * m_agents);
        }
        if (m_mixer.config().weightedHead) {
            m_w.backward(block, shard, stateOf(block));
            m_v.backward(block, shard, stateOf(block));
        }
    }
    for (Extractors& nets : m_extractors) {
        for (const RowBlock& block : blocks) {
            importanceBackward(nets, block);
            nets.key.backward(block, shard, stateOf(block));
            nets.agents.backward(block, shard, stateOf(block));
            nets.action.backward(block, shard, m_stateAndActions.data() + block.first * m_features);
        }
    }
}

// With L = lambda (- 1) and A = w (q - m): Q_tot = sum (w q + v) + sum A L. A stopped gradient leaves out A L, but for
// its lambda.
void QplexKernel::unmixRow(std::int64_t row, float dJoint, float* dQ) {
    const QplexConfig& config = m_mixer.config();
    const float shift = config.isMinusOne ? 1.F : 0.F;
    const float* q = m_inputs.q + row * m_agents;
    const float* best = m_inputs.best + row * m_agents;
    float* lambda = m_lambda.data() + row * m_agents;
    // Everything was kept: slots are rows.
    float* w = config.weightedHead ? m_w.at(row) : nullptr;
    float* v = config.weightedHead ? m_v.at(row) : nullptr;
    for (std::int64_t a = 0; a < m_agents; ++a) {
        const float scale = config.weightedHead ? std::abs(w[a]) + kTiny : 1.F;
        const float difference = q[a] - best[a];
        const float throughAdvantage = config.isStopGradient ? 0.F : lambda[a] - shift;
        dQ[a] = dJoint * scale * (1.F + throughAdvantage);
        lambda[a] = dJoint * scale * difference;
        if (config.weightedHead) {
            w[a] = dJoint * (q[a] + difference * throughAdvantage) * signOf(w[a]);
            v[a] = dJoint;
        }
    }
}

void QplexKernel::importanceBackward(Extractors& nets, const RowBlock& block) {
    const float* dLambda = m_lambda.data() + block.first * m_agents;
    float* key = nets.key.at(block.first);
    float* agents = nets.agents.at(block.first);
    float* action = nets.action.at(block.first);
    for (std::int64_t r = 0; r < block.rows; ++r) {
        const float weight = std::abs(key[r]) + kTiny;
        float dWeight = 0.F;
        for (std::int64_t i = r * m_agents; i < (r + 1) * m_agents; ++i) {
            const float both = dLambda[i] * agents[i] * action[i];
            dWeight += both;
            // sigmoid' = sigmoid (1 - sigmoid)
            agents[i] = weight * both * (1.F - agents[i]);
            action[i] = weight * both * (1.F - action[i]);
        }
        key[r] = dWeight * signOf(key[r]);
    }
}

} // namespace knife
