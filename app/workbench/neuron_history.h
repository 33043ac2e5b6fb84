// SPDX-License-Identifier: GPL-3.0-or-later
// One or two diagnostics and the composites of every unit over all stored frames of a run: what waterfall and inspector
// draw. Frames are read in batches, so that other questions to the store get their turn. GUI thread only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <QObject>
#include <QString>

#include "core/store/records.h"
#include "core/types/error.h"
#include "core/types/snapshot.h"

namespace knife {

class StoreReader;

/// Of one frame, what is kept.
struct FrameDigest {
    struct Site {
        std::string name;
        int units = 0;
        std::vector<float> rua;                ///< empty: not in the frame
        std::vector<float> shown;              ///< the chosen diagnostic; empty: not in the frame, or it is "rua"
        std::vector<CompositeInfo> composites; ///< ascending by unit
    };
    FrameStamp stamp;
    std::vector<Site> sites;

    [[nodiscard]] const Site* find(const std::string& site) const;
};

[[nodiscard]] FrameDigest digest(const FrameStamp& stamp, const NeuronFrame& frame, const std::string& diagnostic);

class NeuronHistory final : public QObject {
    Q_OBJECT

  public:
    /// With more stored frames than this, evenly spaced ones are read.
    static constexpr std::size_t kMaxFrames = 2000;

    /// The store outlives the history.
    NeuronHistory(StoreReader& store, RunId run, const QString& diagnostic, QObject* parent = nullptr);

    /// All stamps of the run so far; reads those that are new.
    void setStamps(const std::vector<FrameStamp>& stamps);
    /// Forgets everything and reads again.
    void restart();
    /// Keeps another diagnostic beside "rua"; reads again unless it is "rua".
    void setDiagnostic(const QString& diagnostic);
    [[nodiscard]] const QString& diagnostic() const { return m_diagnostic; }

    /// In order of time.
    [[nodiscard]] const std::vector<FrameDigest>& frames() const { return m_frames; }
    /// The values of the chosen diagnostic.
    [[nodiscard]] const std::vector<float>& shownValues(const FrameDigest::Site& site) const;

  Q_SIGNALS:
    void restarted();
    void grew(std::size_t firstNew);
    void failed(const knife::Error& error);

  private:
    void readMore();
    void take(std::vector<FrameDigest> batch);

    StoreReader& m_store;
    RunId m_run;
    QString m_diagnostic;
    std::vector<FrameStamp> m_stamps;
    std::size_t m_next = 0; ///< number of the first stamp that has not been read
    std::size_t m_stride = 1;
    bool m_reading = false;
    int m_generation = 0; ///< raised by restart(): answers to older questions are void
    std::vector<FrameDigest> m_frames;
};

} // namespace knife
