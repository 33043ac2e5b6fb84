// SPDX-License-Identifier: GPL-3.0-or-later
// Which parameters a method that acts in every update works on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/config/section.h"
#include "core/nets/factorized_net.h"
#include "core/types/error.h"

namespace knife {

enum class ParameterKind : std::uint8_t {
    Matrix, ///< weights of a linear layer, incoming or outgoing
    Bias,
    Norm, ///< gain or shift of a LayerNorm
};
[[nodiscard]] ParameterKind kindOf(const Parameter& parameter);

struct StepScope {
    /// Dotted beginnings of names: "agent", "mixer.v", "agent.head.bias"; empty: everything.
    std::vector<std::string> modules;
    std::vector<std::string> except; ///< the same, left out
};
void describe(FieldVisitor& visitor, StepScope& scope);

[[nodiscard]] bool covers(const StepScope& scope, const Parameter& parameter);
/// ErrorCode::Usage with the place of a name that no parameter has.
[[nodiscard]] Result<void> checkScope(const Section& section, const StepScope& scope, const FactorizedNet& net);

/// How many inputs the layer of a matrix or bias reads; 0 where the parameter belongs to no such layer.
[[nodiscard]] std::int64_t fanIn(const Parameter& parameter, const FactorizedNet& net);

} // namespace knife
