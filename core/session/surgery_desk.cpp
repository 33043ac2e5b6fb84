// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/session/surgery_desk.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/types/counted.h"

namespace knife {

namespace {

std::string eventNumber(std::int64_t surgery) {
    return nlohmann::ordered_json{{"event", surgery}}.dump();
}

std::string summaryOf(const SurgeryReceipt& receipt) {
    std::size_t units = 0;
    for (const SiteReceipt& site : receipt.sites) {
        units += site.units.size();
    }
    const std::size_t places = receipt.sites.size();
    const std::string what = units > 0 ? fmt::format("{} at {}", counted(units, "unit"), counted(places, "site"))
                                       : counted(places, "whole module");
    return fmt::format("{} ({}): {}, largest change of Q {}, of Q_tot {}", receipt.plan.intervention,
                       receipt.plan.reason, what, receipt.change.q, receipt.change.qTot);
}

OutputChange changeBetween(const std::optional<Probe>& before, const std::optional<Probe>& after) {
    return before && after ? Learner::difference(*before, *after) : OutputChange{};
}

} // namespace

SurgeryDesk::SurgeryDesk(Ward ward, std::uint64_t seed, HeldBatch held, SiteInputsOf inputs)
    : m_ward(ward),
      m_held(std::move(held)),
      m_surgeon(ward.learner.online(), ward.learner.target(), seed, std::move(inputs)) {}

SurgeryDesk::Before SurgeryDesk::remember() const {
    Before before{.diagnostics = m_ward.diagnostics.state(), .gathered = {}};
    for (const auto& intervention : m_ward.interventions) {
        before.gathered.push_back(intervention->save());
    }
    return before;
}

std::optional<Probe> SurgeryDesk::measure(const std::optional<Batch>& batch) const {
    return batch ? std::optional(m_ward.learner.probe(*batch)) : std::nullopt;
}

Result<std::optional<SurgeryReceipt>> SurgeryDesk::operate(const SurgeryPlan& plan) {
    TrainingCounters& counters = m_ward.counters;
    const std::optional<Batch> batch = m_held();
    const std::optional<Probe> probe = measure(batch);
    // Before anything is touched: what has been gathered belongs to parameters that a surgery may rebuild.
    Before before = remember();
    auto sites = m_surgeon.apply(plan, counters.surgeries);
    if (!sites) {
        return tl::unexpected(sites.error());
    }
    if (sites->empty()) {
        return std::optional<SurgeryReceipt>();
    }
    m_before = std::move(before);
    SurgeryReceipt receipt{.event = counters.receipts,
                           .clocks = counters.clocks,
                           .plan = plan,
                           .sites = std::move(*sites),
                           .change = changeBetween(probe, measure(batch))};
    const bool startAnew = m_surgeon.startsUnitsAnew(plan);
    for (SiteReceipt& touched : receipt.sites) {
        noteRua(touched);
        if (startAnew) {
            touch(touched);
        }
    }
    if (!startAnew) {
        m_ward.diagnostics.forgetComposites();
    }
    for (const auto& intervention : m_ward.interventions) {
        intervention->rebuilt();
        if (startAnew) {
            intervention->touched(receipt.sites);
        }
    }
    counters.receipts += 1;
    counters.surgeries += 1;
    m_lastReceipt = receipt;
    m_ward.store.surgery(receipt);
    m_ward.store.event(counters.clocks, "surgery", summaryOf(receipt), eventNumber(receipt.event));
    return std::optional(std::move(receipt));
}

Result<SurgeryReceipt> SurgeryDesk::undo() {
    if (!m_surgeon.canUndo()) {
        return fail(ErrorCode::IllegalTransition,
                    "there is no surgery to undo: an update has followed the last one, or there was none");
    }
    TrainingCounters& counters = m_ward.counters;
    const std::optional<Batch> batch = m_held();
    const std::optional<Probe> probe = measure(batch);
    m_surgeon.undo();
    m_ward.diagnostics.restore(m_before.diagnostics);
    for (std::size_t i = 0; i < m_ward.interventions.size(); ++i) {
        (void)m_ward.interventions[i]->restore(m_before.gathered[i]); // it fits: it is its own
    }
    SurgeryReceipt receipt = m_lastReceipt;
    const std::int64_t undone = receipt.event;
    receipt.event = counters.receipts;
    receipt.plan.intervention = "undo";
    receipt.clocks = counters.clocks;
    receipt.change = changeBetween(probe, measure(batch));
    for (SiteReceipt& site : receipt.sites) {
        site.kind = "restored";
        site.frozenParameters = -site.frozenParameters;
        site.trainableParameters = -site.trainableParameters;
    }
    // The next surgery gets this one's parameter names and draws: a run goes on as if the undone one had never been.
    counters.receipts += 1;
    counters.surgeries -= 1;
    m_ward.store.surgery(receipt);
    m_ward.store.event(counters.clocks, "surgery_undone", fmt::format("surgery {} undone", undone),
                       eventNumber(undone));
    return receipt;
}

void SurgeryDesk::noteRua(SiteReceipt& touched) const {
    const auto& sites = m_ward.learner.online().sites().all();
    const auto site = std::ranges::find(sites, touched.site, &Site::name);
    if (site == sites.end()) {
        return; // a module: all of its units were touched
    }
    const std::vector<float>& rua = m_ward.diagnostics.lastRua(static_cast<std::size_t>(site - sites.begin()));
    for (const int unit : touched.units) {
        touched.ruaBefore.push_back(rua.empty() ? std::nanf("") : rua[static_cast<std::size_t>(unit)]);
    }
}

void SurgeryDesk::touch(const SiteReceipt& touched) {
    const auto& sites = m_ward.learner.online().sites().all();
    for (std::size_t i = 0; i < sites.size(); ++i) {
        if (sites[i].name == touched.site && !touched.units.empty()) {
            m_ward.diagnostics.touch(i, touched.units);
        } else if (touched.units.empty() && (sites[i].name + ".").starts_with(touched.site + ".")) {
            std::vector<int> all(static_cast<std::size_t>(sites[i].units));
            std::iota(all.begin(), all.end(), 0);
            m_ward.diagnostics.touch(i, all);
        }
    }
}

} // namespace knife
