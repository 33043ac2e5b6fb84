// SPDX-License-Identifier: GPL-3.0-or-later
// The trainable parameters that a method acts on in every update, with what it remembers beside each block. Blocks
// come with surgeries and go when one is undone or a layer is reset; a block's memory begins when it is first seen.
// Surgeries that take others out rebuild the blocks that stay: one of the same names and values is still the same.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/nets/factorized_net.h"

namespace knife {

class StepBlocks {
  public:
    enum class Layout : std::uint8_t {
        Parameters, ///< one target for each parameter, in its shape
        Runs,       ///< neighbours together, flat: fewer and longer passes
    };
    enum class Storage : std::uint8_t {
        Nothing, ///< memories follow from the network as it was built
        Added,   ///< those of blocks that surgeries added
        All,
        AllAsBits, ///< of all, each float one bit: whether it is not 0
    };
    /// Tensors are views into the block; values do not ask for gradients.
    struct Target {
        const Parameter* parameter = nullptr; ///< the first one
        std::int64_t offset = 0;              ///< within the block
        at::Tensor value;
        at::Tensor grad;
        at::Tensor mask;
        double number = 0.0; ///< Choice::number of the first parameter
        [[nodiscard]] std::int64_t size() const { return value.numel(); }
    };
    struct Block {
        const ParameterBlock* block = nullptr;
        at::Tensor identity;            ///< its values; kept, so that no later block can be taken for it
        std::vector<std::string> names; ///< of its parameters
        std::vector<Target> targets;
        at::Tensor memory; ///< float; undefined where the method keeps none
    };
    struct Choice {
        std::function<bool(const Parameter&)> accepts;
        /// Made again whenever the list is; empty: 0.
        std::function<double(const Parameter&)> number = {};
        /// The memory of a block that is seen for the first time; empty: none.
        std::function<at::Tensor(const Block&)> memory = {};
    };

    /// `net` must outlive this. Its blocks, as they are now, are seen at once.
    StepBlocks(const FactorizedNet& net, Layout layout, Storage storage, Choice choice);

    /// One entry for each block of the network, those without targets too. Cheap where nothing has changed; must be
    /// called after a surgery before values change.
    std::vector<Block>& follow();

    /// Memories as bytes.
    [[nodiscard]] std::string save() const;
    /// Takes them back; nothing is taken from an empty text. False: they are another network's.
    [[nodiscard]] bool restore(std::string_view saved);

  private:
    [[nodiscard]] Block look(const ParameterBlock& block) const;
    /// The entry of a block; nullptr: not seen yet.
    [[nodiscard]] const Block* entryOf(const ParameterBlock& block) const;
    /// The memory of a block that has been rebuilt; undefined: there is none.
    [[nodiscard]] at::Tensor memoryOfRebuilt(const Block& rebuilt) const;
    [[nodiscard]] bool isStored(std::size_t index, const Block& block) const;

    const FactorizedNet& m_net;
    Layout m_layout;
    Storage m_storage;
    Choice m_choice;
    std::vector<Block> m_blocks;
    std::size_t m_builtWith = 0; ///< blocks of the network as it was built
};

} // namespace knife
