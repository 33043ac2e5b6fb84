// SPDX-License-Identifier: GPL-3.0-or-later
// How much each part of every composite unit of a site contributes to the site's consumers.
#pragma once

#include <vector>

#include "core/nets/site.h"
#include "core/types/snapshot.h"

namespace knife {

/// Contributions over (at most 512 of) the valid rows of one batch; ascending by unit. `tap` must come from a
/// forward pass of the present structure; otherwise the contributions are NaN.
[[nodiscard]] std::vector<CompositeInfo> breakDownComposites(const Site& site, const SiteTap& tap,
                                                             const at::Tensor& validRows);

} // namespace knife
