// SPDX-License-Identifier: GPL-3.0-or-later
// The pure part of the unit controller: from values to values.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <QCoreApplication>

#include "app/workbench/clock_axis.h"
#include "app/workbench/text.h"
#include "app/workbench/unit_controller.h"

namespace knife {

namespace {

QString text(const char* source) {
    return QCoreApplication::translate("UnitReport", source);
}

const CompositeInfo* compositeOf(const std::vector<CompositeInfo>& composites, int unit) {
    const auto found = std::find_if(composites.begin(), composites.end(),
                                    [unit](const CompositeInfo& composite) { return composite.unit == unit; });
    return found == composites.end() ? nullptr : &*found;
}

void appendParts(CompositeHistory& parts, double x, const CompositeInfo& composite) {
    parts.x.push_back(x);
    parts.knowledge.push_back(static_cast<double>(composite.knowledgeRms));
    parts.active.push_back(static_cast<double>(composite.activeRms));
    parts.compensation.push_back(static_cast<double>(composite.compensationRms));
    parts.drift.push_back(static_cast<double>(composite.driftRms));
}

void appendMoment(UnitReport& report, double x, const std::vector<float>& rua,
                  const std::vector<CompositeInfo>& composites) {
    const auto index = static_cast<std::size_t>(report.unit.index);
    report.ruaX.push_back(x);
    report.rua.push_back(index < rua.size() ? static_cast<double>(rua[index])
                                            : std::numeric_limits<double>::quiet_NaN());
    if (const CompositeInfo* composite = compositeOf(composites, report.unit.index)) {
        appendParts(report.parts, x, *composite);
    }
}

std::vector<UnitEvent> eventsOf(const NeuronRef& unit, const std::vector<SurgeryReceipt>& surgeries, XClock clock) {
    std::vector<UnitEvent> events;
    for (const SurgeryReceipt& receipt : surgeries) {
        for (const SiteReceipt& site : receipt.sites) {
            if (site.site == unit.site &&
                std::find(site.units.begin(), site.units.end(), unit.index) != site.units.end()) {
                const QString reason = toQString(receipt.plan.reason).replace('_', ' ');
                const bool isUndo = receipt.plan.intervention == "undo";
                events.push_back({clockValue(receipt.clocks, clock),
                                  isUndo ? text("operation undone")
                                         : text("operated: %1, %2").arg(toQString(receipt.plan.intervention), reason)});
            }
        }
    }
    return events;
}

} // namespace

QString explainDiagnostic(const QString& name) {
    static constexpr std::array<std::pair<const char*, const char*>, 17> kExplanations{{
        {"rua", "Relative update activity: the unit's activity divided by the mean over its layer. Below the lower "
                "threshold a unit is stagnant, above the upper one volatile."},
        {"activity", "Gradient norm over weight norm of the unit's incoming weights, mean over the window."},
        {"grad_norm", "Norm of the gradient of the unit's incoming weights, mean over the window."},
        {"weight_norm", "Norm of the unit's incoming weights, mean over the window."},
        {"activation", "Mean activation over valid steps."},
        {"dormancy", "Mean absolute activation divided by the mean over the layer; low means dormant."},
        {"firing_share", "Share of valid steps on which the unit is above zero."},
        {"saliency", "Magnitude of the product of gradient and incoming weights: what the loss would lose with the "
                     "row, to first order."},
        {"distance", "How far the incoming weights have moved from birth, over their norm then."},
        {"grama", "Mean magnitude of the gradient before the activation, divided by the mean over the layer; low "
                  "means that the unit hardly learns."},
        {"efficiency", "Share of the unit's gradient that is left when the gradients of all agents are added; low "
                       "means that they cancel each other."},
        {"gxd", "What the loss would change by, to first order, if the unit gave nothing."},
        {"gxd_centred", "What the loss would change by, to first order, if the unit always gave its mean."},
        {"utility", "What the unit contributes to its consumers: outgoing weight times mean absolute activation."},
        {"utility_adaptable", "The unit's contribution divided by the mean magnitude of its incoming weights."},
        {"saturation", "Share of valid steps on which the activation is nearly flat."},
        {"rua_agent", "Relative update activity by the gradient of this agent's steps alone."},
    }};
    QString family = name; // "rua_agent2" is one of "rua_agent"
    while (name.startsWith(QLatin1String("rua_agent")) && family.back().isDigit()) {
        family.chop(1);
    }
    const auto found = std::find_if(kExplanations.begin(), kExplanations.end(),
                                    [&family](const auto& entry) { return family == QLatin1String(entry.first); });
    return found == kExplanations.end() ? QString() : text(found->second);
}

std::optional<UnitReport> unitReport(const NeuronFrame& frame, const NeuronRef& unit,
                                     const std::vector<FrameDigest>& history,
                                     const std::vector<SurgeryReceipt>& surgeries, XClock clock) {
    std::optional<UnitReport> report = reportFromFrame(frame, unit);
    if (!report) {
        return std::nullopt;
    }
    report->xLabel = axisTitle(clock);
    for (UnitFigure& figure : report->figures) {
        figure.explanation = explainDiagnostic(figure.name);
    }
    for (const FrameDigest& digest : history) {
        if (const FrameDigest::Site* site = digest.find(unit.site)) {
            appendMoment(*report, clockValue(digest.stamp.clocks, clock), site->rua, site->composites);
        }
    }
    const double now = clockValue(frame.clocks, clock);
    if (report->ruaX.empty() || now > report->ruaX.back()) { // a live frame, newer than what is stored
        const auto site = std::find_if(frame.sites.begin(), frame.sites.end(),
                                       [&unit](const SiteSnapshot& one) { return one.name == unit.site; });
        const UnitDiagnostic* rua = site->find("rua");
        appendMoment(*report, now, rua != nullptr ? rua->values : std::vector<float>(), site->composites);
    }
    report->events = eventsOf(unit, surgeries, clock);
    return report;
}

ColourScale historyScale(const NeuronHistory& history, const std::string& site, const NeuronFrame& thresholds) {
    if (history.diagnostic() == QLatin1String("rua")) {
        // Fixed to the thresholds, so that the same colour always means the same activity.
        const double reach =
            4.0 * std::max<double>(thresholds.volatileAbove, 1.0 / std::max(thresholds.staleBelow, 1e-3F));
        return {ColourScale::Kind::LogAroundOne, 1.0 / reach, reach};
    }
    float lowest = 0.F;
    float highest = 0.F;
    for (const FrameDigest& frame : history.frames()) {
        const FrameDigest::Site* found = frame.find(site);
        for (const float value : found != nullptr ? history.shownValues(*found) : std::vector<float>()) {
            if (std::isfinite(value)) {
                lowest = std::min(lowest, value);
                highest = std::max(highest, value);
            }
        }
    }
    if (lowest < 0.F) {
        const double reach = std::max<double>(-lowest, highest);
        return {ColourScale::Kind::AroundZero, -reach, reach};
    }
    return {ColourScale::Kind::Linear, 0.0, highest > 0.F ? static_cast<double>(highest) : 1.0};
}

} // namespace knife
