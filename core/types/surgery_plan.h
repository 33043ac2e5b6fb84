// SPDX-License-Identifier: GPL-3.0-or-later
// Surgery as data: a plan says which units are replaced and how; a receipt says what applying it measurably did.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "core/types/clocks.h"

namespace knife {

/// What happens to the optimiser's moments of the touched rows and columns (new, trainable entries start at these).
enum class OptimiserPolicy : std::uint8_t {
    MeanFill, ///< second moments: mean over healthy rows of the same tensor; first moments 0
    Zero,     ///< all moments 0
    Keep,     ///< moments stay as they are, where the entries existed before
    ResetAll, ///< moments of the whole network 0
};

/// What happens to the target network.
enum class TargetPolicy : std::uint8_t {
    Mirror,   ///< the same surgery on the target's own weights: its function is kept too
    HardSync, ///< online weights are copied right after the surgery
    None,     ///< nothing: the target follows at its next copy. Not for surgeries that add parameters
};

/// The units of one site that one plan touches. Ascending, no repeats.
struct SiteOperation {
    std::string site;
    std::vector<int> units;
    std::vector<float> values = {}; ///< empty, or one per unit; the plan's operation says what they mean
    std::vector<int> partners = {}; ///< empty, or another unit of the site for each one; -1: none
    std::vector<int> groups = {};   ///< empty, or for each unit the group of every agent, unit by unit
    bool operator==(const SiteOperation&) const = default;
};

struct SurgeryPlan {
    std::string intervention = "knife";    ///< registered name of the method that asks for it
    std::string operation = "compose";     ///< registered name of what is done
    std::string settings;                  ///< the operation's options as TOML; empty: its defaults
    std::string reason;                    ///< "task_switch", "periodic", "by_hand", …
    std::vector<SiteOperation> operations; ///< on units
    std::vector<std::string> modules;      ///< on all parameters of these names or below: "agent", "mixer.v", …
    OptimiserPolicy optimiser = OptimiserPolicy::MeanFill;
    TargetPolicy target = TargetPolicy::Mirror;
    bool operator==(const SurgeryPlan&) const = default;

    [[nodiscard]] bool empty() const {
        return modules.empty() &&
               std::ranges::all_of(operations, [](const SiteOperation& at) { return at.units.empty(); });
    }
};

/// Largest absolute change over a held batch of replayed episodes, valid steps only; batch size 0 means not measured.
struct OutputChange {
    double q = 0.0;          ///< of any agent's action values, online network
    double qTot = 0.0;       ///< of Q_tot at the actions taken, online network
    double targetQTot = 0.0; ///< of the target network's Q_tot
    double loss = 0.0;       ///< of the learner's loss
    int episodes = 0;        ///< size of the held batch
    bool operator==(const OutputChange&) const = default;

    /// NaN if any of them is: an unknown change must not pass for none.
    [[nodiscard]] double max() const {
        double largest = q;
        for (const double value : {qTot, targetQTot, loss}) {
            largest = value > largest || std::isnan(value) ? value : largest;
        }
        return largest;
    }
};

struct SiteReceipt {
    std::string site;                     ///< or the module
    std::vector<int> units;               ///< empty for a module
    std::string kind;                     ///< what each unit became, "composite" or "reset" for example
    std::vector<float> ruaBefore;         ///< one per unit; NaN when there was no finished window
    std::int64_t frozenParameters = 0;    ///< added by this surgery at this site
    std::int64_t trainableParameters = 0; ///< fresh ones; of composites, in place of as many that froze
    bool operator==(const SiteReceipt&) const = default;
};

struct SurgeryReceipt {
    std::int64_t event = 0; ///< serial number of the surgery within its run, from 0
    Clocks clocks;
    SurgeryPlan plan;
    std::vector<SiteReceipt> sites;
    OutputChange change;
    bool operator==(const SurgeryReceipt&) const = default;
};

} // namespace knife
