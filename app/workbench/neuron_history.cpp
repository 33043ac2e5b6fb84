// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/neuron_history.h"

#include <algorithm>

#include "app/workbench/store_reader.h"
#include "app/workbench/text.h"

namespace knife {

namespace {

constexpr std::size_t kBatch = 24;
const QString kRua = QStringLiteral("rua");

std::vector<float> valuesOf(const SiteSnapshot& site, const std::string& diagnostic) {
    const UnitDiagnostic* found = site.find(diagnostic);
    return found != nullptr ? found->values : std::vector<float>();
}

Result<std::vector<FrameDigest>> readBatch(RunReader& reader, const RunId& run, const std::vector<FrameStamp>& stamps,
                                           const std::string& diagnostic) {
    std::vector<FrameDigest> batch;
    for (const FrameStamp& stamp : stamps) {
        Result<NeuronFrame> frame = reader.frame(run, stamp.id);
        if (!frame) {
            return tl::unexpected<Error>(std::move(frame).error());
        }
        batch.push_back(digest(stamp, *frame, diagnostic));
    }
    return batch;
}

} // namespace

const FrameDigest::Site* FrameDigest::find(const std::string& site) const {
    const auto found =
        std::find_if(sites.begin(), sites.end(), [&site](const Site& candidate) { return candidate.name == site; });
    return found == sites.end() ? nullptr : &*found;
}

FrameDigest digest(const FrameStamp& stamp, const NeuronFrame& frame, const std::string& diagnostic) {
    FrameDigest result{stamp, {}};
    for (const SiteSnapshot& site : frame.sites) {
        std::vector<float> shown;
        if (diagnostic != "rua") {
            shown = valuesOf(site, diagnostic);
        }
        result.sites.push_back({site.name, site.units, valuesOf(site, "rua"), std::move(shown), site.composites});
    }
    return result;
}

NeuronHistory::NeuronHistory(StoreReader& store, RunId run, const QString& diagnostic, QObject* parent)
    : QObject(parent), m_store(store), m_run(std::move(run)), m_diagnostic(diagnostic) {}

void NeuronHistory::setStamps(const std::vector<FrameStamp>& stamps) {
    const bool continues = stamps.size() >= m_stamps.size() &&
                           std::equal(m_stamps.begin(), m_stamps.end(), stamps.begin(),
                                      [](const FrameStamp& a, const FrameStamp& b) { return a.id == b.id; });
    m_stamps = stamps;
    if (!continues || m_stamps.size() > 2 * m_stride * kMaxFrames) {
        restart();
    } else {
        readMore();
    }
}

void NeuronHistory::restart() {
    ++m_generation;
    m_reading = false;
    m_next = 0;
    m_stride = 1 + m_stamps.size() / kMaxFrames;
    m_frames.clear();
    Q_EMIT restarted();
    readMore();
}

void NeuronHistory::setDiagnostic(const QString& diagnostic) {
    if (diagnostic == m_diagnostic) {
        return;
    }
    m_diagnostic = diagnostic;
    if (diagnostic == kRua) { // kept for every frame anyway
        ++m_generation;
        m_reading = false;
        Q_EMIT restarted();
        Q_EMIT grew(0);
        readMore();
    } else {
        restart();
    }
}

const std::vector<float>& NeuronHistory::shownValues(const FrameDigest::Site& site) const {
    return m_diagnostic == kRua ? site.rua : site.shown;
}

void NeuronHistory::readMore() {
    if (m_reading || m_next >= m_stamps.size()) {
        return;
    }
    std::vector<FrameStamp> wanted;
    std::size_t next = m_next;
    for (; next < m_stamps.size() && wanted.size() < kBatch; next += m_stride) {
        wanted.push_back(m_stamps[next]);
    }
    m_reading = true;
    m_store.ask<std::vector<FrameDigest>>(
        QStringLiteral("frames/%1").arg(toQString(m_run)),
        [run = m_run, wanted, diagnostic = m_diagnostic.toStdString()](RunReader& reader) {
            return readBatch(reader, run, wanted, diagnostic);
        },
        this,
        [this, next, generation = m_generation](Result<std::vector<FrameDigest>> batch) {
            if (generation != m_generation) {
                return;
            }
            m_reading = false;
            m_next = next;
            if (batch) {
                take(std::move(*batch));
            } else {
                Q_EMIT failed(batch.error());
            }
            readMore();
        });
}

void NeuronHistory::take(std::vector<FrameDigest> batch) {
    const std::size_t first = m_frames.size();
    m_frames.insert(m_frames.end(), std::make_move_iterator(batch.begin()), std::make_move_iterator(batch.end()));
    Q_EMIT grew(first);
}

} // namespace knife
