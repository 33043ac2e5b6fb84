// SPDX-License-Identifier: GPL-3.0-or-later
#include <array>

#include "core/config/method_section.h"
#include "core/plasticity/interventions/continual_backprop.h"
#include "core/plasticity/interventions/gradps.h"
#include "core/plasticity/interventions/intervention.h"
#include "core/plasticity/interventions/knife.h"
#include "core/plasticity/interventions/l2.h"
#include "core/plasticity/interventions/marr.h"
#include "core/plasticity/interventions/neuroplastic_expansion.h"
#include "core/plasticity/interventions/normalise_and_project.h"
#include "core/plasticity/interventions/parseval.h"
#include "core/plasticity/interventions/plasticity_injection.h"
#include "core/plasticity/interventions/reborn.h"
#include "core/plasticity/interventions/redo.h"
#include "core/plasticity/interventions/regrama.h"
#include "core/plasticity/interventions/reset.h"
#include "core/plasticity/interventions/self_normalized_resets.h"
#include "core/plasticity/interventions/shrink_and_perturb.h"
#include "core/plasticity/interventions/upgd.h"
#include "core/plasticity/interventions/weight_clipping.h"

namespace knife {

namespace {

struct Entry {
    const char* method;
    Result<std::unique_ptr<Intervention>> (*make)(const Section&, const FactorizedNet&);
    Result<Section> (*resolve)(const Section&);
};

// A new intervention is one file and one line here.
constexpr std::array kInterventions{
    Entry{"knife", &makeKnife, &resolveMethod<KnifeConfig>},
    Entry{"reset", &makeReset, &resolveMethod<ResetConfig>},
    Entry{"shrink_and_perturb", &makeShrinkAndPerturb, &resolveMethod<ShrinkAndPerturbConfig>},
    Entry{"marr", &makeMarr, &resolveMethod<MarrConfig>},
    Entry{"plasticity_injection", &makePlasticityInjection, &resolveMethod<PlasticityInjectionConfig>},
    Entry{"reborn", &makeReborn, &resolveMethod<RebornConfig>},
    Entry{"redo", &makeRedo, &resolveMethod<RedoConfig>},
    Entry{"continual_backprop", &makeContinualBackprop, &resolveMethod<ContinualBackpropConfig>},
    Entry{"self_normalized_resets", &makeSelfNormalizedResets, &resolveMethod<SelfNormalizedResetsConfig>},
    Entry{"regrama", &makeRegrama, &resolveMethod<RegramaConfig>},
    Entry{"gxd", &makeGxd, &resolveMethod<GxdConfig>},
    Entry{"gradps", &makeGradps, &resolveMethod<GradpsConfig>},
    Entry{"l2", &makeL2, &resolveMethod<L2Config>},
    Entry{"l2_init", &makeL2Init, &resolveMethod<L2InitConfig>},
    Entry{"weight_clipping", &makeWeightClipping, &resolveMethod<WeightClippingConfig>},
    Entry{"upgd", &makeUpgd, &resolveMethod<UpgdConfig>},
    Entry{"normalise_and_project", &makeNormaliseAndProject, &resolveMethod<NormaliseAndProjectConfig>},
    Entry{"parseval", &makeParseval, &resolveMethod<ParsevalConfig>},
    Entry{"neuroplastic_expansion", &makeNeuroplasticExpansion, &resolveMethod<NeuroplasticExpansionConfig>},
};

} // namespace

Result<std::unique_ptr<Intervention>> makeIntervention(const Section& section, const FactorizedNet& net) {
    const auto entry = findMethod(section, kInterventions, {});
    if (!entry) {
        return tl::unexpected(entry.error());
    }
    auto made = (*entry)->make(section, net);
    if (made && (*made)->trigger().trigger == "at_updates" && (*made)->trigger().at.empty()) {
        return tl::unexpected(section.errorAt("at", "trigger = \"at_updates\" needs the updates: at = [1000, 5000]"));
    }
    return made;
}

Result<Section> resolveIntervention(const Section& section) {
    const auto entry = findMethod(section, kInterventions, {});
    if (!entry) {
        return tl::unexpected(entry.error());
    }
    return (*entry)->resolve(section);
}

} // namespace knife
