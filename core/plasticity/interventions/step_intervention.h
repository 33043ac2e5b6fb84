// SPDX-License-Identifier: GPL-3.0-or-later
// A method without surgeries: what it does, it does inside every update.
#pragma once

#include "core/plasticity/interventions/intervention.h"

namespace knife {

class StepIntervention : public Intervention, public UpdateListener {
  public:
    [[nodiscard]] const TriggerConfig& trigger() const final { return m_never; }
    [[nodiscard]] SurgeryPlan propose(const InterventionView& /*view*/) const final { return {}; }
    [[nodiscard]] UpdateListener* listener() final { return this; }

  private:
    [[nodiscard]] static TriggerConfig never() {
        TriggerConfig config;
        config.trigger = "manual";
        return config;
    }
    TriggerConfig m_never = never();
};

} // namespace knife
