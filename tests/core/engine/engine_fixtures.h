// SPDX-License-Identifier: GPL-3.0-or-later
// Small worlds, made-up episodes and learners for the tests of nets, learning and plasticity. A setup or a name that
// does not exist throws, which fails the test.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/learning/batch.h"
#include "core/learning/learner.h"
#include "core/nets/factorized_net.h"
#include "core/nets/kernels/worker_pool.h"
#include "core/plasticity/unit_statistic.h"

namespace knife::test {

enum class End : std::uint8_t { Terminated, Truncated };

using Episodes = std::vector<std::shared_ptr<const EpisodeRecord>>;

/// Three agents, four actions, observations of five and states of six entries, ten steps.
[[nodiscard]] EnvSpec smallWorld();

/// Random observations, legal random actions, rewards in (-1, 1); a function of `number` and `length`.
[[nodiscard]] std::shared_ptr<const EpisodeRecord> randomEpisode(const EnvSpec& spec, int length, End end,
                                                                 std::uint64_t number);
/// One episode per length, terminated and truncated in turn.
[[nodiscard]] Episodes randomEpisodes(const EnvSpec& spec, const std::vector<int>& lengths, std::uint64_t number = 0);

struct Setup {
    EnvSpec spec = smallWorld();
    std::string agentKind = "rnn";
    std::string mixer = "method = \"qmix\"\nembed = 8\nhypernet_embed = 12";
    std::int64_t hidden = 16;
    std::uint64_t seed = 1;
    std::shared_ptr<WorkerPool> pool = std::make_shared<WorkerPool>(1); ///< none: the reference path
    AgentConfig agent;
    LearningConfig learning;

    [[nodiscard]] InputLayout layout() const { return {spec, agent}; }
    [[nodiscard]] NetSpec net() const;
    [[nodiscard]] std::unique_ptr<Learner> learner() const;
    [[nodiscard]] Batch batch(const Episodes& episodes) const { return makeBatch(episodes, spec, layout()); }
};

[[nodiscard]] std::unique_ptr<FactorizedNet> buildNet(const NetSpec& spec);
[[nodiscard]] Section sectionOf(const std::string& toml, const std::string& path);

[[nodiscard]] const Parameter& parameterNamed(const FactorizedNet& net, const std::string& name);
[[nodiscard]] const Site& siteNamed(const FactorizedNet& net, const std::string& name);
[[nodiscard]] std::size_t siteIndex(const FactorizedNet& net, const std::string& name);

/// A view of agents with a single action each, whose values are q [rows, N].
[[nodiscard]] JointView chosenValues(const at::Tensor& q, const at::Tensor& state);

/// A plan by hand; everything but the operations is as by default.
[[nodiscard]] SurgeryPlan planOf(std::vector<SiteOperation> operations);

/// A tensor of draws from U(-1, 1).
[[nodiscard]] at::Tensor randomTensor(const std::vector<std::int64_t>& shape, std::uint64_t number);

/// What a statistic says under that name.
[[nodiscard]] std::vector<float> readingOf(const UnitStatistic& statistic, const std::string& name);

/// Equal shapes and equal bytes: NaN equals itself, -0 is not 0.
[[nodiscard]] bool sameBits(const at::Tensor& a, const at::Tensor& b);
/// All values, masks, moments and block structure of two networks are equal, bit for bit.
[[nodiscard]] bool sameBits(const ParameterSet& a, const ParameterSet& b);

/// Everything of a parameter set, copied.
struct ParameterCopy {
    struct Block {
        at::Tensor value;
        at::Tensor mask;
        at::Tensor moment1;
        at::Tensor moment2;
        bool anyFrozen = false;
    };
    std::vector<Block> blocks;
    explicit ParameterCopy(const ParameterSet& parameters);
    [[nodiscard]] bool sameBitsAs(const ParameterSet& parameters) const;
};

} // namespace knife::test
