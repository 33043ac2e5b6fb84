// SPDX-License-Identifier: GPL-3.0-or-later
// Parameters in flat blocks: one contiguous buffer each for values, gradients, masks and optimiser moments, so that
// optimiser, copies, hashes and checkpoints are single passes over memory. Surgery appends blocks and never moves one.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace knife {

/// One tensor of a network. All tensors have the shape of `value` and are views into the block that owns them.
struct Parameter {
    std::string name;
    at::Tensor value;   ///< float32 leaf; requires a gradient in a trainable block
    at::Tensor grad;    ///< this and what follows: undefined in a frozen block and in a set that is not trained
    at::Tensor mask;    ///< 1: trainable entry, 0: frozen entry
    at::Tensor moment1; ///< Adam's first moment
    at::Tensor moment2; ///< second moment of Adam and RMSprop
};

/// Parameters that were declared together. Flat float32 tensors of equal length.
struct ParameterBlock {
    at::Tensor value;
    at::Tensor grad;
    at::Tensor mask;
    at::Tensor moment1;
    at::Tensor moment2;
    bool trainable = true;
    bool anyFrozen = false; ///< whether some mask entry is 0
    std::vector<Parameter*> parameters;
    [[nodiscard]] std::int64_t size() const { return value.numel(); }
};

enum class Trainability : std::uint8_t { Trainable, Frozen };

enum class ParameterUse : std::uint8_t {
    Trained, ///< gradients, masks and moments beside the values
    Copied,  ///< values only, for a target network
};

/// Owns all parameters of one network. Addresses of parameters are stable. Not thread-safe.
class ParameterSet {
  public:
    explicit ParameterSet(ParameterUse use = ParameterUse::Trained, at::Device device = at::kCPU)
        : m_use(use), m_device(device) {}
    [[nodiscard]] ParameterUse use() const { return m_use; }
    /// Where sealed blocks live.
    [[nodiscard]] at::Device device() const { return m_device; }

    /// Announces a parameter with its initial value, in the CPU's memory; it becomes part of the next sealed block.
    Parameter* declare(std::string name, at::Tensor initial);
    /// Packs everything declared since the last seal into one new block.
    void seal(Trainability trainability);

    [[nodiscard]] std::deque<ParameterBlock>& blocks() { return m_blocks; }
    [[nodiscard]] const std::deque<ParameterBlock>& blocks() const { return m_blocks; }
    [[nodiscard]] const std::deque<Parameter>& all() const { return m_parameters; }
    /// Removes the newest blocks until `count` are left. For undoing a surgery that was just done.
    void truncate(std::size_t count);

    [[nodiscard]] std::int64_t count(Trainability trainability) const;
    void zeroGradients();
    /// Copies values from a network of the same structure.
    void copyValuesFrom(const ParameterSet& other);
    /// Moves all values by this share of the way to those of a network of the same structure: 0 keeps them, 1 copies.
    void moveValuesTowards(const ParameterSet& other, double share);
    /// Freezes entries: their gradient is discarded from now on and their moments are cleared. Nothing to do in a set
    /// that is not trained.
    void freeze(const Parameter& parameter, const at::Tensor& entries);

  private:
    ParameterUse m_use;
    at::Device m_device;
    std::deque<Parameter> m_parameters;
    std::deque<ParameterBlock> m_blocks;
    std::vector<Parameter*> m_pending;
};

} // namespace knife
