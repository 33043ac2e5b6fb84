// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/ctl/metric_points.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include <fmt/format.h>

#include "app/ctl/output.h"
#include "app/ctl/run_json.h"
#include "core/config/did_you_mean.h"
#include "core/store/run_reader.h"

namespace knife {

namespace {

Result<Series> readPoints(RunReader& reader, const RunId& run, const std::string& metric) {
    auto series = reader.series(run, metric);
    if (!series || series->size() > 0) {
        return series;
    }
    const auto metrics = reader.metrics(run);
    if (!metrics) {
        return tl::unexpected(metrics.error());
    }
    std::vector<std::string> names;
    std::ranges::transform(*metrics, std::back_inserter(names), &MetricRecord::name);
    return fail(ErrorCode::NotFound,
                fmt::format("run {} has no metric \"{}\"{}", run.value, metric, suggestion(metric, names)));
}

Json pointsJson(const RunId& run, const std::string& metric, const Series& series) {
    Json values = Json::array();
    std::ranges::transform(series.value, std::back_inserter(values), &numberOrNull);
    return {
        {"run", run.value},          {"metric", metric},       {"update", series.update}, {"env_step", series.envStep},
        {"episode", series.episode}, {"wall_s", series.wallS}, {"value", values}};
}

} // namespace

int showMetric(const CommandContext& context, const std::string& run, const std::string& metric) {
    const auto reader = RunReader::open(context.workspace);
    if (!reader) {
        return failWith(reader.error(), context.json);
    }
    const auto id = (*reader)->resolve(run);
    if (!id) {
        return failWith(id.error(), context.json);
    }
    const auto series = readPoints(**reader, *id, metric);
    if (!series) {
        return failWith(series.error(), context.json);
    }
    if (context.json) {
        printJson(pointsJson(*id, metric, *series));
        return 0;
    }
    fmt::print("update\tenv_step\tepisode\twall_s\t{}\n", metric);
    for (std::size_t i = 0; i < series->size(); ++i) {
        fmt::print("{}\t{}\t{}\t{}\t{}\n", series->update[i], series->envStep[i], series->episode[i], series->wallS[i],
                   series->value[i]);
    }
    return 0;
}

} // namespace knife
