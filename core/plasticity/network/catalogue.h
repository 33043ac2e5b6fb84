// SPDX-License-Identifier: GPL-3.0-or-later
// Makers of all diagnostics of whole networks; registry.cpp gives them their names.
#pragma once

#include <memory>

#include "core/plasticity/network/diagnostic.h"

namespace knife {

/// Ranks and norms of the features at every site and in the agents' memory.
[[nodiscard]] std::unique_ptr<NetworkDiagnostic> makeRanks(const DiagnosticsConfig& config);
/// Norms, distances and largest singular values of the online network's matrices. Keeps the weights of its last call.
[[nodiscard]] std::unique_ptr<NetworkDiagnostic> makeWeights(const DiagnosticsConfig& config);
/// Policy and values against the target network, errors, overestimation, credit.
[[nodiscard]] std::unique_ptr<NetworkDiagnostic> makeBehaviour(const DiagnosticsConfig& config);
/// Change of policy and values over a number of updates. Keeps the weights that it compares with.
[[nodiscard]] std::unique_ptr<NetworkDiagnostic> makeChurn(const DiagnosticsConfig& config);
/// How the gradients of single episodes agree (Lyle et al. 2023).
[[nodiscard]] std::unique_ptr<NetworkDiagnostic> makeGradientCovariance(const DiagnosticsConfig& config);
/// Spectrum of the empirical neural tangent kernel of Q_tot.
[[nodiscard]] std::unique_ptr<NetworkDiagnostic> makeNtk(const DiagnosticsConfig& config);
/// How well the weights can still be fitted to new targets (Lyle et al. 2022).
[[nodiscard]] std::unique_ptr<NetworkDiagnostic> makeTrainability(const DiagnosticsConfig& config);

} // namespace knife
