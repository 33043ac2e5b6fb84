// SPDX-License-Identifier: GPL-3.0-or-later
// A site is a place whose units are watched and, where it accepts composites, operated on: Linear -> activation, the
// units of a GRU cell, or those of a linear layer without activation.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/nets/composite_linear.h"
#include "core/nets/gru_units.h"
#include "core/nets/injected_linear.h"

namespace knife {

enum class SiteScope : std::uint8_t {
    Agent, ///< one activation row per (step, episode, agent)
    Mixer, ///< one activation row per (step, episode)
};

/// What makes a unit's activation h of its linear part z.
enum class SiteActivation : std::uint8_t {
    Relu, ///< or what has no slope where h = 0 and a slope of 1 elsewhere
    Elu,  ///< slope h + 1 below 0
};

/// A linear layer that reads a site's units.
struct Consumer {
    Parameter* weight = nullptr; ///< [d_out, ...]
    Parameter* bias = nullptr;   ///< [d_out]
    std::int64_t column = 0;     ///< where unit 0 is read; unit j at column + j
    // What holds composites of the reading layer's own units, if something does; SiteList::linkReaders() fills it.
    const GruUnits* gates = nullptr;
    const InjectedLinear* layer = nullptr;
    /// Whether `weight` is not all that reads the units: composites of the layer have rows of their own.
    [[nodiscard]] bool holdsComposites() const {
        return (gates != nullptr && !gates->branches().empty()) || (layer != nullptr && !layer->branches().empty());
    }
};

/// Registered by agents and mixers when they are built; the pointers live as long as the network.
struct Site {
    std::string name; ///< "agent.fc1", "mixer.hyper_w1", …
    SiteScope scope = SiteScope::Agent;
    int units = 0;
    Parameter* weight = nullptr;     ///< [units, d_in]; nullptr: units without one row of their own each
    Parameter* bias = nullptr;       ///< [units]
    std::vector<Consumer> consumers; ///< empty: the units are read by something that is not linear
    // What holds its composites: one of these three, or none where it refuses them.
    CompositeLinear* composite = nullptr;
    GruUnits* gru = nullptr;
    InjectedLinear* linear = nullptr;
    /// The layer whose outgoing weights are this site's incoming rows, if it may hold composites: the outgoing weights
    /// of its active neurons then belong to the rows too.
    const CompositeLinear* feeder = nullptr;
    std::string refusal; ///< why it refuses, for people
    /// Whether a unit whose row and bias are multiplied by r > 0 gives its consumers r times as much.
    bool scales = true;
    SiteActivation activation = SiteActivation::Relu;
    bool onlyByName = false; ///< surgeries that name no sites pass it by

    [[nodiscard]] bool acceptsComposites() const { return composite != nullptr || gru != nullptr || linear != nullptr; }
    /// Whether its units have incoming weights of their own.
    [[nodiscard]] bool hasRows() const { return weight != nullptr || gru != nullptr; }
};

/// Calls visit(holder) with what holds the composites of a site that accepts them. All holders have branches() with
/// `event` and `units`, addBranchStructure(), dropBranches() and parametersPerUnit().
template <typename Visit>
void visitHolder(const Site& site, const Visit& visit) {
    if (site.composite != nullptr) {
        visit(*site.composite);
    } else if (site.gru != nullptr) {
        visit(*site.gru);
    } else if (site.linear != nullptr) {
        visit(*site.linear);
    }
}

/// The refusal of a site whose incoming rows are outgoing weights of composites.
[[nodiscard]] inline std::string behindComposites(const std::string& site, const std::string& feeder) {
    return site + " reads the composites of " + feeder + "; only sites that read raw inputs accept composites";
}

/// Why weights of a site's units are not all in one row and its columns: composites stand before or behind it. Empty:
/// they are.
[[nodiscard]] inline std::string besideComposites(const Site& site) {
    if (site.feeder != nullptr && !site.feeder->branches().empty()) {
        return site.name + " reads composites: part of its units' incoming weights is frozen knowledge";
    }
    for (const Consumer& consumer : site.consumers) {
        if (consumer.holdsComposites()) {
            return site.name + " is read by composites: part of its units' outgoing weights is frozen knowledge";
        }
    }
    return {};
}

/// The consumer of a layer that can hold composites.
[[nodiscard]] inline Consumer consumerOf(const CompositeLinear& layer) {
    return {.weight = layer.out(), .bias = layer.outBiasParameter(), .column = 0};
}

/// Activations of one forward pass, one entry per site; entries of sites that the pass did not reach stay undefined.
/// Valid until the next pass of the network (see SiteTap).
using SiteTaps = std::vector<SiteTap>;

/// Collects the sites of one network.
class SiteList {
  public:
    /// Returns the index that forward passes record under.
    std::size_t add(Site site) {
        m_sites.push_back(std::move(site));
        return m_sites.size() - 1;
    }
    [[nodiscard]] const std::vector<Site>& all() const { return m_sites; }
    [[nodiscard]] const Site* find(const std::string& name) const {
        for (const Site& site : m_sites) {
            if (site.name == name) {
                return &site;
            }
        }
        return nullptr;
    }

    /// Tells consumers what holds composites of theirs, once all sites and layers are registered.
    void linkReaders() {
        for (Site& site : m_sites) {
            for (Consumer& consumer : site.consumers) {
                for (const Site& reader : m_sites) {
                    if (reader.gru != nullptr && reader.gru->cell().input == consumer.weight) {
                        consumer.gates = reader.gru;
                    }
                }
                for (const InjectedLinear* layer : m_injectable) {
                    if (layer->weight() == consumer.weight) {
                        consumer.layer = layer;
                    }
                }
            }
        }
    }

    /// Linear layers without an activation, for injections of plasticity into all of one. They live as long as the
    /// network; one whose units are watched is a site of the same name, too.
    void addInjectable(InjectedLinear& layer) { m_injectable.push_back(&layer); }
    [[nodiscard]] const std::vector<InjectedLinear*>& injectable() const { return m_injectable; }
    [[nodiscard]] InjectedLinear* findInjectable(const std::string& name) const {
        for (InjectedLinear* layer : m_injectable) {
            if (layer->name() == name) {
                return layer;
            }
        }
        return nullptr;
    }

  private:
    std::vector<Site> m_sites;
    std::vector<InjectedLinear*> m_injectable;
};

/// The tap of one site, or nullptr when nothing is recorded.
[[nodiscard]] inline SiteTap* tapOf(SiteTaps* taps, std::size_t index) {
    return taps != nullptr ? &(*taps)[index] : nullptr;
}

} // namespace knife
