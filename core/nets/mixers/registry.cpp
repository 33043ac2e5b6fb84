// SPDX-License-Identifier: GPL-3.0-or-later
#include <array>

#include <fmt/format.h>

#include "core/nets/mixers/iql.h"
#include "core/nets/mixers/mixer.h"
#include "core/nets/mixers/qmix.h"
#include "core/nets/mixers/vdn.h"

namespace knife {

namespace {

constexpr const char* kMethodKey = "method";

template <typename MixerType, typename Config>
Result<std::unique_ptr<Mixer>> make(const Section& section, const MixerShape& shape, const MixerMaterials& materials) {
    Config config;
    if (auto read = readSection(section, config, {kMethodKey}); !read) {
        return tl::unexpected(read.error());
    }
    return std::make_unique<MixerType>(config, shape, materials);
}

template <typename Config>
Result<Section> resolve(const Section& section) {
    Config config;
    if (auto read = readSection(section, config, {kMethodKey}); !read) {
        return tl::unexpected(read.error());
    }
    return writeSection(section.path(), config).mergedWith(section);
}

struct Entry {
    const char* method;
    Result<std::unique_ptr<Mixer>> (*make)(const Section&, const MixerShape&, const MixerMaterials&);
    Result<Section> (*resolve)(const Section&);
};

// A new mixer is one file and one line here.
constexpr std::array kMixers{
    Entry{"iql", &make<IqlMixer, IqlConfig>, &resolve<IqlConfig>},
    Entry{"vdn", &make<VdnMixer, VdnConfig>, &resolve<VdnConfig>},
    Entry{"qmix", &make<QmixMixer, QmixConfig>, &resolve<QmixConfig>},
};

Result<const Entry*> find(const Section& section) {
    const auto method = section.text(kMethodKey, "qmix");
    if (!method) {
        return tl::unexpected(method.error());
    }
    for (const Entry& entry : kMixers) {
        if (*method == entry.method) {
            return &entry;
        }
    }
    return tl::unexpected(section.errorAt(
        kMethodKey, fmt::format("unknown mixer \"{}\"; expected one of {}", *method, fmt::join(mixerMethods(), ", "))));
}

} // namespace

Result<std::unique_ptr<Mixer>> makeMixer(const Section& section, const MixerShape& shape,
                                         const MixerMaterials& materials) {
    const auto entry = find(section);
    if (!entry) {
        return tl::unexpected(entry.error());
    }
    return (*entry)->make(section, shape, materials);
}

Result<Section> resolveMixer(const Section& section) {
    const auto entry = find(section);
    if (!entry) {
        return tl::unexpected(entry.error());
    }
    return (*entry)->resolve(section);
}

std::vector<std::string> mixerMethods() {
    std::vector<std::string> methods;
    for (const Entry& entry : kMixers) {
        methods.emplace_back(entry.method);
    }
    return methods;
}

} // namespace knife
