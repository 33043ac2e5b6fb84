// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plasticity/network/network_diagnostics.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace knife {

namespace {

bool names(const std::vector<std::string>& list, const std::string& name) {
    return std::ranges::find(list, name) != list.end();
}

// The tensor library throws, for example where an eigenvalue solver meets NaN.
Result<std::vector<NetworkValue>> measured(NetworkDiagnostic& diagnostic, ProbeOccasion occasion,
                                           const NetworkContext& context) {
    try {
        return occasion == ProbeOccasion::Update ? diagnostic.afterUpdate(context) : diagnostic.measure(context);
    } catch (const std::exception& exception) {
        const std::string text = exception.what();
        return fail(ErrorCode::Internal, text.substr(0, text.find('\n')));
    }
}

} // namespace

NetworkDiagnostics::NetworkDiagnostics(const DiagnosticsConfig& config) {
    for (const std::string& name : networkDiagnosticNames()) {
        const bool perEvaluation = names(config.perEvaluation, name);
        const bool perTask = names(config.perTask, name);
        if (perEvaluation || perTask) {
            m_entries.push_back({name, perEvaluation, perTask, makeNetworkDiagnostic(name, config)});
        }
    }
}

bool NetworkDiagnostics::Entry::acts(ProbeOccasion occasion, std::int64_t update) const {
    switch (occasion) {
    case ProbeOccasion::Evaluation:
        return perEvaluation;
    case ProbeOccasion::TaskBegins:
        return perTask;
    case ProbeOccasion::TaskEnds:
        return perTask && !perEvaluation;
    case ProbeOccasion::Update:
        return diagnostic->isDue(update);
    }
    return false;
}

bool NetworkDiagnostics::isDue(ProbeOccasion occasion, std::int64_t update) const {
    return std::ranges::any_of(m_entries, [&](const Entry& entry) { return entry.acts(occasion, update); });
}

NetworkReport NetworkDiagnostics::report(ProbeOccasion occasion, const NetworkContext& context) {
    NetworkReport report;
    for (const Entry& entry : m_entries) {
        if (!entry.acts(occasion, context.update)) {
            continue;
        }
        auto values = measured(*entry.diagnostic, occasion, context);
        if (values) {
            report.values.insert(report.values.end(), values->begin(), values->end());
        } else {
            report.failures.push_back(std::move(values.error()).within("measuring \"" + entry.name + "\""));
        }
    }
    return report;
}

std::vector<DiagnosticMemory> NetworkDiagnostics::memories() const {
    std::vector<DiagnosticMemory> memories;
    for (const Entry& entry : m_entries) {
        if (DiagnosticMemory memory = entry.diagnostic->memory(); memory.update >= 0) {
            memories.push_back(std::move(memory));
        }
    }
    return memories;
}

void NetworkDiagnostics::restore(std::vector<DiagnosticMemory> memories) {
    for (DiagnosticMemory& memory : memories) {
        const auto entry = std::ranges::find(m_entries, memory.diagnostic, &Entry::name);
        if (entry != m_entries.end()) {
            entry->diagnostic->restore(std::move(memory));
        }
    }
}

} // namespace knife
