// SPDX-License-Identifier: GPL-3.0-or-later
#include <array>

#include "core/config/method_section.h"
#include "core/nets/mixers/ddn.h"
#include "core/nets/mixers/diql.h"
#include "core/nets/mixers/dmix.h"
#include "core/nets/mixers/iql.h"
#include "core/nets/mixers/mixer.h"
#include "core/nets/mixers/qatten.h"
#include "core/nets/mixers/qmix.h"
#include "core/nets/mixers/qplex.h"
#include "core/nets/mixers/qtran_alt.h"
#include "core/nets/mixers/qtran_base.h"
#include "core/nets/mixers/resq.h"
#include "core/nets/mixers/riskq.h"
#include "core/nets/mixers/rmix.h"
#include "core/nets/mixers/vdn.h"
#include "core/nets/mixers/weighted_qmix.h"

namespace knife {

namespace {

template <typename MixerType, typename Config>
Result<std::unique_ptr<Mixer>> make(const Section& section, const MixerShape& shape, const MixerMaterials& materials) {
    const auto config = readMethod<Config>(section);
    if (!config) {
        return tl::unexpected(config.error());
    }
    return std::make_unique<MixerType>(*config, shape, materials);
}

struct Entry {
    const char* method;
    Result<std::unique_ptr<Mixer>> (*make)(const Section&, const MixerShape&, const MixerMaterials&);
    Result<Section> (*resolve)(const Section&);
};

// A new mixer is one file and one line here.
constexpr std::array kMixers{
    Entry{"iql", &make<IqlMixer, IqlConfig>, &resolveMethod<IqlConfig>},
    Entry{"vdn", &make<VdnMixer, VdnConfig>, &resolveMethod<VdnConfig>},
    Entry{"qmix", &make<QmixMixer, QmixConfig>, &resolveMethod<QmixConfig>},
    Entry{"qtran_base", &make<QtranBaseMixer, QtranConfig>, &resolveMethod<QtranConfig>},
    Entry{"qtran_alt", &make<QtranAltMixer, QtranConfig>, &resolveMethod<QtranConfig>},
    Entry{"qplex", &make<QplexMixer, QplexConfig>, &resolveMethod<QplexConfig>},
    Entry{"qatten", &make<QattenMixer, QattenConfig>, &resolveMethod<QattenConfig>},
    Entry{"cw_qmix", &make<CwQmixMixer, WeightedQmixConfig>, &resolveMethod<WeightedQmixConfig>},
    Entry{"ow_qmix", &make<OwQmixMixer, WeightedQmixConfig>, &resolveMethod<WeightedQmixConfig>},
    Entry{"resq", &make<ResqMixer, ResqConfig>, &resolveMethod<ResqConfig>},
    Entry{"riskq", &make<RiskqMixer, RiskqConfig>, &resolveMethod<RiskqConfig>},
    Entry{"ddn", &make<DdnMixer, DdnConfig>, &resolveMethod<DdnConfig>},
    Entry{"dmix", &make<DmixMixer, DmixConfig>, &resolveMethod<DmixConfig>},
    Entry{"diql", &make<DiqlMixer, DiqlConfig>, &resolveMethod<DiqlConfig>},
    Entry{"rmix", &make<RmixMixer, RmixConfig>, &resolveMethod<RmixConfig>},
};

} // namespace

Result<std::unique_ptr<Mixer>> makeMixer(const Section& section, const MixerShape& shape,
                                         const MixerMaterials& materials) {
    const auto entry = findMethod(section, kMixers, kDefaultMixerMethod);
    if (!entry) {
        return tl::unexpected(entry.error());
    }
    return (*entry)->make(section, shape, materials);
}

std::vector<std::string> mixerMethods() {
    std::vector<std::string> methods;
    for (const Entry& entry : kMixers) {
        methods.emplace_back(entry.method);
    }
    return methods;
}

Result<Section> resolveMixer(const Section& section) {
    const auto entry = findMethod(section, kMixers, kDefaultMixerMethod);
    if (!entry) {
        return tl::unexpected(entry.error());
    }
    return (*entry)->resolve(section);
}

} // namespace knife
