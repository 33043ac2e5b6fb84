// SPDX-License-Identifier: GPL-3.0-or-later
// What the store's tests share: a workspace that goes away with the test, and random content.
#pragma once

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <string>

#include <QTemporaryDir>
#include <QTest>

#include "core/store/run_reader.h"
#include "core/store/run_writer.h"
#include "core/store/workspace.h"

namespace knife::test {

/// Fails the test with the error's own words.
#define KNIFE_VERIFY(result)                                                                                           \
    do {                                                                                                               \
        const auto& knifeResult = (result);                                                                            \
        QVERIFY2(knifeResult.has_value(), knifeResult ? "" : knifeResult.error().describe().c_str());                  \
    } while (false)

/// An empty folder whose name is as unpleasant as names get.
class TemporaryWorkspace {
  public:
    TemporaryWorkspace() : m_path(std::filesystem::path(m_folder.path().toStdString()) / "Läufe % 100 ? #1 und 数据") {}
    [[nodiscard]] const std::filesystem::path& path() const { return m_path; }

  private:
    QTemporaryDir m_folder;
    std::filesystem::path m_path;
};

inline Clocks clocksAt(std::int64_t update) {
    return {UpdateStep{update}, EnvStep{update * 50}, Episode{update / 2}, static_cast<double>(update) * 0.01};
}

inline NewRun newRun(const std::string& experiment = "test") {
    NewRun run;
    run.experiment = experiment;
    run.seed = std::numeric_limits<std::uint64_t>::max();
    run.configToml = "[experiment]\nname = \"test\"\n";
    run.totalEnvSteps = 1000;
    run.build = "test 1";
    return run;
}

/// Equal to the bit: NaN equals the same NaN, and 0 differs from -0.
inline bool sameBits(double a, double b) {
    return std::memcmp(&a, &b, sizeof a) == 0;
}

template <typename T>
bool sameBits(const std::vector<T>& a, const std::vector<T>& b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

inline bool sameBits(const Series& a, const Series& b) {
    return sameBits(a.update, b.update) && sameBits(a.envStep, b.envStep) && sameBits(a.episode, b.episode) &&
           sameBits(a.wallS, b.wallS) && sameBits(a.value, b.value);
}

inline std::string readFile(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

inline void writeFile(const std::filesystem::path& file, const std::string& content) {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << content;
}

/// Every file below a folder with its bytes.
inline std::map<std::string, std::string> contentOf(const std::filesystem::path& folder) {
    std::map<std::string, std::string> content;
    if (std::filesystem::is_regular_file(folder)) {
        content[folder.string()] = readFile(folder);
        return content;
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        content[entry.path().string()] = entry.is_regular_file() ? readFile(entry.path()) : "(folder)";
    }
    return content;
}

} // namespace knife::test
