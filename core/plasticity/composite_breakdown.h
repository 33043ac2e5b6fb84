// SPDX-License-Identifier: GPL-3.0-or-later
// How much each part of every composite unit of a site contributes to the site's consumers.
#pragma once

#include <vector>

#include "core/nets/site.h"
#include "core/types/snapshot.h"

namespace knife {

/// Indices of at most 512 valid rows, spread evenly. validRows: [rows], 0 or 1.
[[nodiscard]] at::Tensor chooseRows(const at::Tensor& validRows);

/// Copies these rows of a tap, which outlive the pass.
[[nodiscard]] SiteTap copyRows(const SiteTap& tap, const at::Tensor& rows);

/// Contributions over all rows of `sample`; ascending by unit. NaN at sites whose parts are not activations of a layer:
/// units of a GRU cell, whose parts share their consumers, and linear ones. The sample must come from a forward pass of
/// the present structure; otherwise the contributions are NaN. The work grows with the number of events of a unit.
[[nodiscard]] std::vector<CompositeInfo> breakDownComposites(const Site& site, const SiteTap& sample);

} // namespace knife
