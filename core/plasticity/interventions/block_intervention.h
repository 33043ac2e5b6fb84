// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "core/plasticity/interventions/step_blocks.h"
#include "core/plasticity/interventions/step_intervention.h"

namespace knife {

/// A method that acts on blocks of parameters in every update; what it remembers beside them is its state.
class BlockIntervention : public StepIntervention {
  public:
    /// Sees what a surgery has added or rebuilt before it is trained.
    void rebuilt() override { m_blocks.follow(); }
    [[nodiscard]] std::string save() const override { return m_blocks.save(); }
    [[nodiscard]] bool restore(std::string_view saved) override { return m_blocks.restore(saved); }

  protected:
    explicit BlockIntervention(StepBlocks blocks) : m_blocks(std::move(blocks)) {}
    [[nodiscard]] StepBlocks& blocks() { return m_blocks; }

  private:
    StepBlocks m_blocks;
};

} // namespace knife
