// SPDX-License-Identifier: GPL-3.0-or-later
// What `runs`, `show`, `neurons` and `doctor` print and return, over a workspace that the test has written.
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>

#include <CLI/CLI.hpp>
#include <QTemporaryDir>
#include <QTest>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "app/ctl/doctor_command.h"
#include "app/ctl/neurons_command.h"
#include "app/ctl/output.h"
#include "app/ctl/runs_command.h"
#include "app/ctl/show_command.h"
#include "core/store/run_writer.h"
#include "core/store/workspace.h"

using namespace knife;
using Json = nlohmann::ordered_json;

namespace {

struct Output {
    int code = -1;
    std::string out;
    std::string err;
    [[nodiscard]] Json json() const { return Json::parse(out, nullptr, false); }
};

/// Collects one of the standard streams in a file.
class Capture {
  public:
    explicit Capture(std::FILE* stream) : m_stream(stream), m_file(std::tmpfile()) {
        std::fflush(m_stream);
        m_saved = dup(fileno(m_stream));
        dup2(fileno(m_file), fileno(m_stream));
    }
    Capture(const Capture&) = delete;
    Capture& operator=(const Capture&) = delete;
    ~Capture() { std::fclose(m_file); }
    std::string finish() {
        std::fflush(m_stream);
        dup2(m_saved, fileno(m_stream));
        close(m_saved);
        std::rewind(m_file);
        std::string text;
        for (int letter = 0; (letter = std::fgetc(m_file)) != EOF;) {
            text += static_cast<char>(letter);
        }
        return text;
    }

  private:
    std::FILE* m_stream;
    std::FILE* m_file;
    int m_saved = -1;
};

/// Runs a command line as main() does.
Output run(const std::filesystem::path& workspace, std::vector<std::string> arguments) {
    CommandContext context;
    context.workspace = workspace;
    CLI::App root("test");
    root.require_subcommand(1);
    root.fallthrough();
    root.add_flag("--json", context.json);
    addRunsCommand(root, context);
    addShowCommand(root, context);
    addNeuronsCommand(root, context);
    addDoctorCommand(root, context, {{"LibTorch", "1.2.3"}});
    std::reverse(arguments.begin(), arguments.end());
    root.parse(arguments);
    Output output;
    Capture out(stdout);
    Capture err(stderr);
    output.code = context.action();
    output.err = err.finish();
    output.out = out.finish();
    return output;
}

Clocks clocksAt(std::int64_t update) {
    return {UpdateStep{update}, EnvStep{update * 10}, Episode{update}, static_cast<double>(update)};
}

NeuronFrame frameAt(std::int64_t update) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    NeuronFrame frame;
    frame.clocks = clocksAt(update);
    frame.sites = {{"agent.fc1",
                    5,
                    true,
                    "",
                    {{"rua", {0.1F, 0.25F, 4.0F, 4.5F, nan}},
                     {"dormancy", {0.F, 0.05F, 1.F, 1.F, 1.F}},
                     {"firing_share", {0.F, 0.5F, 1.F, 1.F, 1.F}}},
                    {{1, 2, 0.5F, 0.25F, 0.25F, 0.125F}}},
                   {"mixer.v", 2, false, "not monotone", {{"rua", {nan, nan}}}, {}}};
    return frame;
}

} // namespace

class TestReadCommands : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void init() {
        m_folder = std::make_unique<QTemporaryDir>();
        m_workspace = std::filesystem::path(m_folder->path().toStdString()) / "Läufe 1";
        QVERIFY(prepareWorkspace(m_workspace).has_value());
        NewRun description;
        description.experiment = "matrix_sequence";
        description.seed = 18446744073709551615U;
        description.configToml = "[experiment]\nname = \"matrix_sequence\"\nsteps = 1000\n[learning]\nlr = 0.5\n";
        description.totalEnvSteps = 1000;
        m_writer = std::move(*RunWriter::create(m_workspace, description));
        QVERIFY(m_writer->beginSegment(clocksAt(0), "start").has_value());
        m_writer->point(m_writer->metric("test/return"), clocksAt(10), 7.5);
        m_writer->point(m_writer->metric("train/loss"), clocksAt(10), std::numeric_limits<double>::quiet_NaN());
        m_writer->event(clocksAt(20), "task_switch", "easy → hard",
                        R"({"task":1,"from":"easy","to":"hard","final_test_return":3.5})");
        SurgeryReceipt receipt;
        receipt.clocks = clocksAt(20);
        receipt.plan.reason = "task_switch";
        receipt.sites = {{"agent.fc1", {1, 4}, "composite", {0.1F, 0.2F}, 10, 20},
                         {"mixer.hyper_w1", {0}, "composite", {0.1F}, 1, 2}};
        receipt.change.loss = 0.0;
        m_writer->surgery(receipt);
        m_writer->frame(frameAt(10));
        m_writer->frame(frameAt(20));
        m_writer->progress(clocksAt(50), RunState::Running, "hard", 1234.0);
        QVERIFY(m_writer->flush().has_value());
    }

    void runsAsJson() {
        const Output output = run(m_workspace, {"runs", "--json"});
        QCOMPARE(output.code, 0);
        const Json list = output.json();
        QCOMPARE(list.size(), 1U);
        QCOMPARE(list[0]["run"].get<std::string>(), m_writer->id().value);
        QCOMPARE(list[0]["experiment"].get<std::string>(), std::string("matrix_sequence"));
        QCOMPARE(list[0]["seed"].get<std::uint64_t>(), std::uint64_t{18446744073709551615U});
        QCOMPARE(list[0]["status"].get<std::string>(), std::string("running"));
        QCOMPARE(list[0]["progress"].get<double>(), 0.5);
        QCOMPARE(list[0]["test_return"].get<double>(), 7.5);
        QVERIFY(list[0]["parent"].is_null());
    }

    void runsAsTable() {
        const Output output = run(m_workspace, {"runs"});
        QCOMPARE(output.code, 0);
        for (const char* part : {"run", "progress", "50 %", "1234", "7.5", "running"}) {
            QVERIFY2(output.out.find(part) != std::string::npos, output.out.c_str());
        }
    }

    void showAsJson() {
        const Json run1 = run(m_workspace, {"--json", "show", "last"}).json();
        QCOMPARE(run1["config"]["learning"]["lr"].get<double>(), 0.5);
        QVERIFY(run1["config_toml"].get<std::string>().starts_with("[experiment]"));
        QCOMPARE(run1["segments"].size(), 1U);
        QVERIFY(run1["segments"][0]["end"].is_null());

        QCOMPARE(run1["tasks"].size(), 2U);
        QCOMPARE(run1["tasks"][0]["name"].get<std::string>(), std::string("easy"));
        QCOMPARE(run1["tasks"][0]["final_test_return"].get<double>(), 3.5);
        QCOMPARE(run1["tasks"][1]["name"].get<std::string>(), std::string("hard"));
        QCOMPARE(run1["tasks"][1]["begin"]["env_step"].get<int>(), 200);

        QCOMPARE(run1["surgeries"].size(), 2U);
        QCOMPARE(run1["surgeries"][0]["site"].get<std::string>(), std::string("agent.fc1"));
        QVERIFY(run1["surgeries"][0]["units"] == Json({1, 4}));
        QCOMPARE(run1["surgeries"][0]["kind"].get<std::string>(), std::string("composite"));
        QCOMPARE(run1["surgeries"][0]["update"].get<int>(), 20);
        QCOMPARE(run1["surgeries"][0]["max_abs_change"].get<double>(), 0.0);

        QCOMPARE(run1["metrics"].size(), 2U);
        QCOMPARE(run1["metrics"][0]["last"].get<double>(), 7.5);
        QVERIFY(run1["metrics"][1]["last"].is_null());
        QCOMPARE(run1["events"][0]["payload"]["to"].get<std::string>(), std::string("hard"));
    }

    void showAsText() {
        const Output output = run(m_workspace, {"show", m_writer->id().value.substr(0, 6)});
        QCOMPARE(output.code, 0);
        for (const char* part : {"matrix_sequence, seed 18446744073709551615", "easy → hard", "Surgeries", "agent.fc1",
                                 "1 4", "test/return", "lr = 0.5"}) {
            QVERIFY2(output.out.find(part) != std::string::npos, output.out.c_str());
        }
    }

    void neuronsAsJson() {
        const Json frame = run(m_workspace, {"neurons", "last", "--json"}).json();
        QCOMPARE(frame["update"].get<int>(), 20);
        QCOMPARE(frame["sites"].size(), 2U);
        const Json& site = frame["sites"][0];
        QCOMPARE(site["units"].get<int>(), 5);
        QCOMPARE(site["stagnant"].get<int>(), 1); // 0.25 itself is not below it
        QCOMPARE(site["volatile"].get<int>(), 1);
        QCOMPARE(site["dormant"].get<int>(), 2);
        QCOMPARE(site["dead"].get<int>(), 1);
        QCOMPARE(site["composites"][0]["unit"].get<int>(), 1);
        QVERIFY(site["diagnostics"]["rua"][4].is_null());
        QVERIFY(frame["sites"][1]["stagnant"].is_null()); // not measured, which is not the same as none
        QCOMPARE(frame["sites"][1]["refusal"].get<std::string>(), std::string("not monotone"));
    }

    void neuronsAtAnUpdate() {
        QCOMPARE(run(m_workspace, {"neurons", "last", "--at", "19", "--json"}).json()["update"].get<int>(), 10);
        const Output before = run(m_workspace, {"neurons", "last", "--at", "9"});
        QCOMPARE(before.code, 1);
        QVERIFY(before.err.starts_with("knifectl: "));
    }

    void neuronsAsTables() {
        const Output output = run(m_workspace, {"neurons", "last", "--units", "--site", "agent.fc1"});
        QCOMPARE(output.code, 0);
        QVERIFY(output.out.find("K 0.5  A 0.25  C 0.25  drift 0.125 (2 surgeries)") != std::string::npos);
        QVERIFY(output.out.find("mixer.v") == std::string::npos);
        QCOMPARE(run(m_workspace, {"neurons", "last", "--site", "nowhere"}).code, 1);
    }

    void doctor() {
        const Output output = run(m_workspace, {"doctor", "--json"});
        QCOMPARE(output.code, 0);
        const Json json = output.json();
        QCOMPARE(json["versions"]["LibTorch"].get<std::string>(), std::string("1.2.3"));
        QVERIFY(json["versions"].contains("SQLite"));
        QCOMPARE(json["health"]["runs"].get<int>(), 1);
        QVERIFY(json["problems"].empty());
        QVERIFY(run(m_workspace, {"doctor"}).out.find("the workspace is sound") != std::string::npos);
    }

    void doctorFindsAForeignWorkspace() {
        const std::filesystem::path other = m_workspace.parent_path() / "other";
        std::filesystem::create_directories(other / "workspace.sqlite");
        const Output output = run(other, {"doctor", "--json"});
        QCOMPARE(output.code, 1);
        QCOMPARE(output.json()["problems"].size(), 1U);
        QCOMPARE(run(m_workspace.parent_path() / "nowhere", {"doctor"}).code, 0); // not created yet
    }

    void doctorFindsAFolderOfOtherThings() {
        const std::filesystem::path other = m_workspace.parent_path() / "holiday";
        std::filesystem::create_directories(other / "pictures");
        const Output output = run(other, {"doctor"});
        QCOMPARE(output.code, 1);
        QVERIFY(output.out.find("holds other things (pictures)") != std::string::npos);
    }

    void unknownRunsAndWorkspacesAreErrors() {
        for (const std::vector<std::string>& arguments :
             {std::vector<std::string>{"show", "nobody"}, std::vector<std::string>{"neurons", "nobody"}}) {
            const Output output = run(m_workspace, arguments);
            QCOMPARE(output.code, 1);
            QVERIFY(output.out.empty());
            QCOMPARE(std::count(output.err.begin(), output.err.end(), '\n'), 1);
            std::vector<std::string> asJson = arguments;
            asJson.emplace_back("--json");
            const Json error = run(m_workspace, asJson).json()["error"];
            QCOMPARE(error["code"].get<std::string>(), std::string("not_found"));
            QVERIFY(output.err.find(error["message"].get<std::string>()) != std::string::npos);
        }
        QCOMPARE(run(m_workspace.parent_path() / "nowhere", {"runs"}).code, 1);
    }

    void aFreshUserHasNoRuns() {
        qputenv("XDG_DATA_HOME", m_folder->path().toUtf8() + "/data");
        const Output output = run(defaultWorkspacePath(), {"runs", "--json"});
        QCOMPARE(output.code, 0);
        QCOMPARE(output.out, std::string("[]\n"));
        QVERIFY(!std::filesystem::exists(defaultWorkspacePath()));
    }

    void numbersForPeople() {
        QCOMPARE(formatNumber(std::nan("")), std::string("—"));
        QCOMPARE(formatPercent(0.5), std::string("50 %"));
        QCOMPARE(formatAge(-5), std::string("0 s"));
        QCOMPARE(formatAge(59'999), std::string("59 s"));
        QCOMPARE(formatAge(3'600'000), std::string("1 h"));
        QCOMPARE(formatAge(200'000'000), std::string("2 d"));
    }

  private:
    std::unique_ptr<QTemporaryDir> m_folder;
    std::filesystem::path m_workspace;
    std::unique_ptr<RunWriter> m_writer;
};

QTEST_APPLESS_MAIN(TestReadCommands)
#include "tst_read_commands.moc"
