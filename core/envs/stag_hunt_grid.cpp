// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/envs/stag_hunt_grid.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace knife {

namespace {

constexpr int kWallFeature = 3; // in one-hot mode
constexpr float kBeyondCone = -1.F;

} // namespace

StagHuntGrid::StagHuntGrid(const Layout& layout)
    : m_layout(layout),
      m_features((layout.oneHot ? 5 : 3) + (layout.ghosts ? 1 : 0)),
      m_seenColumns(layout.columns + 2 * layout.sightColumns),
      m_occupants(static_cast<std::size_t>(layout.rows * layout.columns * 3)),
      m_visibleAt(static_cast<std::size_t>(layout.agents), -1),
      m_state(static_cast<std::size_t>(layout.rows * layout.columns * m_features)),
      m_seen(static_cast<std::size_t>((layout.rows + 2 * layout.sightRows) * m_seenColumns * m_features)) {
    clear();
}

int StagHuntGrid::windowSize() const {
    return (2 * m_layout.sightRows + 1) * (2 * m_layout.sightColumns + 1) * m_features;
}

int StagHuntGrid::coneSize(bool narrow) const {
    const int cut = narrow ? 1 : -1;
    return (2 * m_layout.sightRows - cut) * (2 * m_layout.sightColumns - cut) * m_features;
}

int StagHuntGrid::wholeSize() const {
    return m_layout.rows * m_layout.columns * (m_features + 1);
}

void StagHuntGrid::clear() {
    std::fill(m_occupants.begin(), m_occupants.end(), std::uint8_t{0});
    std::fill(m_visibleAt.begin(), m_visibleAt.end(), -1);
    std::fill(m_state.begin(), m_state.end(), 0.F);
    std::fill(m_seen.begin(), m_seen.end(), 0.F);
    if (m_layout.walls) {
        markWalls();
    }
}

void StagHuntGrid::markWalls() {
    const int feature = m_layout.oneHot ? kWallFeature : 0;
    const float mark = m_layout.oneHot ? 1.F : -1.F;
    for (int row = -m_layout.sightRows; row < m_layout.rows + m_layout.sightRows; ++row) {
        for (int column = -m_layout.sightColumns; column < m_layout.columns + m_layout.sightColumns; ++column) {
            if (!inside({row, column})) {
                m_seen[seenIndex({row, column}) * static_cast<std::size_t>(m_features) +
                       static_cast<std::size_t>(feature)] = mark;
            }
        }
    }
}

void StagHuntGrid::put(GridCell cell, Occupant kind, int index) {
    const auto feature = static_cast<std::size_t>(kind);
    const auto features = static_cast<std::size_t>(m_features);
    ++m_occupants[this->index(cell) * 3 + feature];
    m_state[this->index(cell) * features + feature] = 1.F;
    if (kind == Occupant::Agent) {
        m_visibleAt[static_cast<std::size_t>(index)] = static_cast<int>(this->index(cell));
        markSeenAgent(cell);
    } else {
        m_seen[seenIndex(cell) * features + feature] = m_layout.ids ? static_cast<float>(index + 1) : 1.F;
    }
}

void StagHuntGrid::take(GridCell cell, Occupant kind, int index) {
    const auto feature = static_cast<std::size_t>(kind);
    const auto features = static_cast<std::size_t>(m_features);
    std::uint8_t& count = m_occupants[this->index(cell) * 3 + feature];
    assert(count > 0);
    --count;
    m_state[this->index(cell) * features + feature] = count > 0 ? 1.F : 0.F;
    if (kind == Occupant::Agent) {
        hideAgent(cell, index);
    } else {
        m_seen[seenIndex(cell) * features + feature] = 0.F;
    }
}

void StagHuntGrid::hideAgent(GridCell cell, int index) {
    m_visibleAt[static_cast<std::size_t>(index)] = -1;
    markSeenAgent(cell);
}

// Agents may share a cell when they do not block each other; the one with the highest index shows.
void StagHuntGrid::markSeenAgent(GridCell cell) {
    float mark = 0.F;
    const auto here = static_cast<int>(index(cell));
    for (std::size_t agent = 0; agent < m_visibleAt.size(); ++agent) {
        if (m_visibleAt[agent] == here) {
            mark = m_layout.ids ? static_cast<float>(agent + 1) : 1.F;
        }
    }
    m_seen[seenIndex(cell) * static_cast<std::size_t>(m_features)] = mark;
}

void StagHuntGrid::markGhost(GridCell corner, bool ghost) {
    const auto features = static_cast<std::size_t>(m_features);
    m_seen[seenIndex(corner) * features + features - 1] = ghost ? -1.F : 1.F;
}

bool StagHuntGrid::inside(GridCell cell) const {
    return cell.row >= 0 && cell.row < m_layout.rows && cell.column >= 0 && cell.column < m_layout.columns;
}

GridCell StagHuntGrid::neighbour(GridCell cell, int direction) const {
    constexpr int kRows[4] = {0, 1, 0, -1};
    constexpr int kColumns[4] = {1, 0, -1, 0};
    GridCell next{cell.row + kRows[direction], cell.column + kColumns[direction]};
    if (inside(next)) {
        return next;
    }
    if (!m_layout.toroidal) {
        return cell;
    }
    return {(next.row + m_layout.rows) % m_layout.rows, (next.column + m_layout.columns) % m_layout.columns};
}

void StagHuntGrid::copyWindow(GridCell centre, float* out) const {
    const auto features = static_cast<std::size_t>(m_features);
    const int height = 2 * m_layout.sightRows + 1;
    const int cells = 2 * m_layout.sightColumns + 1;
    const std::size_t width = static_cast<std::size_t>(cells) * features;
    const std::size_t pitch = static_cast<std::size_t>(m_seenColumns) * features;
    const float* from = m_seen.data() + at(centre.row, m_seenColumns, centre.column) * features;
    for (int row = 0; row < height; ++row) {
        std::memcpy(out, from, width * sizeof(float));
        out += width;
        from += pitch;
    }
}

void StagHuntGrid::copyCone(GridCell centre, int facing, bool narrow, float* out) const {
    const int sight = m_layout.sightRows;
    const int cut = narrow ? 1 : 0;
    const int side = 2 * sight + 1 - 2 * cut;
    const auto features = static_cast<std::size_t>(m_features);
    std::fill(out, out + static_cast<std::size_t>(side * side) * features, kBeyondCone);
    // Depth 0 is the farthest line that is seen; each line nearer to the agent is two cells shorter.
    for (int depth = 0; depth <= sight - cut; ++depth) {
        for (int along = depth; along < side - depth; ++along) {
            const int near = 2 * sight - depth;   // the same depth from the far side of the full window
            const int nearOut = side - 1 - depth; // and of what is written
            const int across = along + cut;
            GridCell seen;
            GridCell written;
            switch (facing) {
            case 0:
                seen = {across, near};
                written = {along, nearOut};
                break;
            case 1:
                seen = {near, across};
                written = {nearOut, along};
                break;
            case 2:
                seen = {across, depth};
                written = {along, depth};
                break;
            default:
                seen = {depth, across};
                written = {depth, along};
                break;
            }
            const std::size_t from =
                static_cast<std::size_t>((centre.row + seen.row) * m_seenColumns + centre.column + seen.column) *
                features;
            const std::size_t to = static_cast<std::size_t>(written.row * side + written.column) * features;
            std::copy_n(m_seen.data() + from, features, out + to);
        }
    }
}

void StagHuntGrid::copyWhole(GridCell self, float* out) const {
    const auto features = static_cast<std::size_t>(m_features);
    const std::size_t cells = m_state.size() / features;
    for (std::size_t cell = 0; cell < cells; ++cell) {
        std::copy_n(m_state.data() + cell * features, features, out + cell * (features + 1));
        out[cell * (features + 1) + features] = 0.F;
    }
    out[index(self) * (features + 1) + features] = 1.F;
}

} // namespace knife
