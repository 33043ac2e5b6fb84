// SPDX-License-Identifier: GPL-3.0-or-later
// Plausible values for the views: what a run of QMIX with KNIFE at a task switch might look like. Always the same.
#pragma once

#include <memory>
#include <vector>

#include "core/types/env_view.h"
#include "core/types/snapshot.h"
#include "core/types/surgery_plan.h"

namespace knife::fake {

/// Sites of a small QMIX with RUA, activity, gradient norm and mean activation; some composites.
[[nodiscard]] std::shared_ptr<const NeuronFrame> neuronFrame(double phase = 0.0);
/// One site of this many units.
[[nodiscard]] std::shared_ptr<const NeuronFrame> largeFrame(int units);

[[nodiscard]] EnvView matrixGame();
[[nodiscard]] EnvView threeAgentGame();
[[nodiscard]] EnvView predatorPrey();
/// So many agents and enemies of all types that there are, around a plateau; the last agent and the first enemy dead.
[[nodiscard]] EnvView battle(int agents, int enemies, float coneAngle = 0.F);
/// Three predators after two prey, one of which is touched, between landmarks.
[[nodiscard]] EnvView hunt();

[[nodiscard]] std::vector<SurgeryReceipt> receipts();

/// A learning curve that rises, falls at every switch and recovers; `points` long, over x in [0, end].
struct CurveData {
    std::vector<double> x;
    std::vector<double> y;
};
[[nodiscard]] CurveData learningCurve(int points, double end, double top, unsigned seed);

} // namespace knife::fake
