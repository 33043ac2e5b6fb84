// SPDX-License-Identifier: GPL-3.0-or-later
// Fills every view with plausible values and saves a picture of each, light and dark:
//   widget_gallery FOLDER
#include <cmath>
#include <functional>
#include <iostream>
#include <limits>

#include <QApplication>
#include <QDir>
#include <QElapsedTimer>
#include <QEventLoop>
#include <QGridLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QMouseEvent>
#include <QStandardItemModel>
#include <QTimer>
#include <QToolButton>

#include "fake_data.h"
#include "widgets/curves_panel.h"
#include "widgets/env/env_panel.h"
#include "widgets/icons.h"
#include "widgets/log_panel.h"
#include "widgets/message_bar.h"
#include "widgets/neurons/neuron_heatmap.h"
#include "widgets/neurons/waterfall_view.h"
#include "widgets/plot/plot_view.h"
#include "widgets/run_panel.h"
#include "widgets/surgery_panel.h"
#include "widgets/theme.h"
#include "widgets/unit_inspector.h"

using namespace knife;

namespace {

void settle(int milliseconds) {
    QEventLoop loop;
    QTimer::singleShot(milliseconds, &loop, &QEventLoop::quit);
    loop.exec();
}

class Gallery {
  public:
    Gallery(QString folder, QString theme) : m_folder(std::move(folder)), m_theme(std::move(theme)) {}

    template <typename View, typename... Arguments>
    void show(const QString& name, QSize ems, const std::function<void(View&)>& fill, Arguments&&... arguments) {
        View view(std::forward<Arguments>(arguments)...);
        const int em = view.fontMetrics().height();
        view.resize(ems * em);
        view.show();
        fill(view);
        settle(120);
        view.grab().save(path(name));
        std::cout << path(name).toStdString() << '\n';
    }

    [[nodiscard]] QString path(const QString& name) const {
        return QStringLiteral("%1/%2-%3.png").arg(m_folder, name, m_theme);
    }

  private:
    QString m_folder;
    QString m_theme;
};

std::vector<PlotMark> marks() {
    return {{16'000, MarkKind::TaskSwitch, "task 2: shifted optimum"},
            {16'400, MarkKind::Surgery, "knife: 6 units"},
            {32'000, MarkKind::TaskSwitch, "task 3: penalty ramp"},
            {32'400, MarkKind::Surgery, "knife: 9 units"},
            {40'000, MarkKind::Checkpoint, "checkpoint"}};
}

void fillPlot(PlotView& plot) {
    plot.setTitle("train/loss");
    plot.setAxisLabels("environment steps", "loss");
    plot.setLegendVisible(true);
    for (int run = 0; run < 3; ++run) {
        fake::CurveData curve = fake::learningCurve(4000, 48'000, 8.0 - run, static_cast<unsigned>(run + 1));
        if (run == 1) {
            for (std::size_t i = 1000; i < 1400; ++i) {
                curve.y[i] = std::numeric_limits<double>::quiet_NaN();
            }
            curve.y[2500] = 400.0;
        }
        const QString id = QString::number(run);
        std::vector<double> lower = curve.y;
        std::vector<double> upper = curve.y;
        for (std::size_t i = 0; i < lower.size(); ++i) {
            lower[i] -= 0.8;
            upper[i] += 0.8;
        }
        SeriesStyle style;
        style.label = QString("qmix-knife seed %1").arg(run);
        style.colour = run;
        plot.setSeriesStyle(id, style);
        if (run == 0) {
            plot.setBand(id, curve.x, lower, upper);
        }
        plot.setSeries(id, curve.x, curve.y);
    }
    plot.setMarks(marks());
    plot.setLevels({{7.0, "optimum 7"}});
    plot.setCursor(25'000.0);
    plot.setCrosshair(36'000.0);
}

void fillCurves(CurvesPanel& panel) {
    panel.setMetrics({"test/return", "test/optimal_share", "train/loss", "train/return", "train/grad_norm",
                      "neurons/stagnant_share", "explore/epsilon"});
    panel.setShownMetrics({"test/return", "train/loss", "neurons/stagnant_share", "train/grad_norm"});
    panel.setSmoothing(1000);
    unsigned seed = 1;
    for (const QString& metric : panel.shownMetrics()) {
        for (int run = 0; run < 3; ++run) {
            const fake::CurveData curve = fake::learningCurve(metric == "test/return" ? 48 : 2000, 48'000,
                                                              metric == "train/loss" ? 0.004 : 8.0, seed++);
            panel.setSeries({QString("run%1").arg(run), metric, QString("matrix_sequence seed %1").arg(run), run,
                             curve.x, curve.y});
        }
    }
    panel.setMarks(marks());
    panel.setCursor(25'000.0);
}

void fillWaterfall(WaterfallView& view) {
    view.start("agent.fc1", "rua", 64, "environment steps");
    view.setScale({ColourScale::Kind::LogAroundOne, 1.0 / 16, 16.0});
    for (int frame = 0; frame < 200; ++frame) {
        view.append(240.0 * frame, fake::neuronFrame(0.06 * frame)->sites[0].diagnostics[0].values);
    }
    view.setCursor(25'000.0);
}

UnitReport unitReport() {
    UnitReport report = *reportFromFrame(*fake::neuronFrame(), {"agent.fc1", 14});
    report.xLabel = "environment steps";
    const fake::CurveData rua = fake::learningCurve(300, 48'000, 1.0, 9);
    report.ruaX = rua.x;
    for (const double value : rua.y) {
        report.rua.push_back(std::max(0.01, value * value));
    }
    for (int i = 0; i < 150; ++i) {
        const double x = 24'000 + 160.0 * i;
        report.parts.x.push_back(x);
        report.parts.knowledge.push_back(0.8);
        report.parts.active.push_back(0.35 + 0.25 * (1 - std::exp(-i / 60.0)));
        report.parts.compensation.push_back(0.35);
        report.parts.drift.push_back(0.3 * (1 - std::exp(-i / 60.0)));
    }
    report.events = {{24'000, "operated: knife, task switch"}, {36'000, "operated: knife, by hand"}};
    return report;
}

/// Runs as a controller's model would hand them over.
class Runs final : public QStandardItemModel {
  public:
    Runs() : QStandardItemModel(0, 4) {
        setHorizontalHeaderLabels({"Run", "Progress", "Return", "Steps"});
        setHeaderData(1, Qt::Horizontal, true, RunProgressRole);
        horizontalHeaderItem(2)->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
        horizontalHeaderItem(3)->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
        QStandardItem* first = add(nullptr, "matrix_sequence seed 0", RunState::Running, 0.42, "7.91", "20.2k", 0);
        add(first, "fork at 16k: operated", RunState::Paused, 0.35, "7.40", "16.8k", 1);
        add(first, "fork at 16k: untouched", RunState::Interrupted, 0.35, "3.02", "16.8k", -1);
        add(nullptr, "matrix_sequence seed 1", RunState::Finished, 1.0, "8.00", "48k", 2);
        add(nullptr, "predator_prey seed 0", RunState::Failed, 0.07, "n/a", "14k", -1);
        add(nullptr, "predator_prey seed 1", RunState::Idle, -1, "", "", -1);
        add(nullptr, "predator_prey seed 2", RunState::Stopping, 0.99, "31.5", "198k", -1);
    }

  private:
    QStandardItem* add(QStandardItem* parent, const char* name, RunState state, double progress, const char* score,
                       const char* steps, int colour) {
        auto* item = new QStandardItem(name);
        item->setData(QString(name), RunIdRole);
        item->setData(static_cast<int>(state), RunStateRole);
        if (progress >= 0) {
            item->setData(progress, RunProgressRole);
        }
        if (colour >= 0) {
            item->setData(colour, RunColourRole);
        }
        QList<QStandardItem*> row = {item, new QStandardItem, new QStandardItem(score), new QStandardItem(steps)};
        row[2]->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
        row[3]->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
        parent != nullptr ? parent->appendRow(row) : appendRow(row);
        return item;
    }
};

void fillLog(LogPanel& panel) {
    const QDateTime time = QDateTime(QDate(2026, 5, 4), QTime(12, 0));
    panel.append({time, LogLevel::Info, "trainer", "Started matrix_sequence, seed 0, 2 threads", 0});
    panel.append({time.addSecs(9), LogLevel::Info, "trainer", "Task 2: shifted optimum", 400});
    panel.append({time.addSecs(10), LogLevel::Info, "surgeon", "KNIFE on 6 units of 2 sites, no output changed", 400});
    panel.append({time.addSecs(31), LogLevel::Warning, "store", "Writing took 1.2 s; the disk is slow", {}});
    panel.append({time.addSecs(55), LogLevel::Error, "predator_prey seed 0", "The loss is NaN at update 812", 812});
}

void fillIcons(QWidget& sheet) {
    auto* grid = new QGridLayout(&sheet);
    int place = 0;
    for (const QString& name : iconNames()) {
        auto* button = new QToolButton(&sheet);
        button->setIcon(icon(name));
        button->setIconSize({32, 32});
        button->setText(name);
        button->setToolButtonStyle(Qt::ToolButtonTextUnderIcon);
        button->setEnabled(place % 7 != 6);
        grid->addWidget(button, place / 8, place % 8);
        ++place;
    }
    auto* application = new QLabel(&sheet);
    application->setPixmap(applicationIcon().pixmap(64, 64));
    grid->addWidget(application, place / 8, place % 8);
}

void paintRest(Gallery& gallery) {
    gallery.show<UnitInspector>("inspector", {26, 46}, [](UnitInspector& view) { view.setReport(unitReport()); });
    gallery.show<UnitInspector>("inspector-empty", {26, 14}, [](UnitInspector&) {});
    gallery.show<SurgeryPanel>("surgery", {34, 34}, [](SurgeryPanel& view) {
        view.setFrame(fake::neuronFrame());
        view.setSelection({{"agent.fc1", 3}, {"agent.fc1", 4}, {"agent.rnn", 7}, {"mixer.hyper_w1.hidden", 20}});
        view.setRunState(RunState::Paused);
        view.setReceipts(fake::receipts());
    });
    gallery.show<SurgeryPanel>("surgery-idle", {30, 30}, [](SurgeryPanel&) {});
    Runs runs;
    gallery.show<RunPanel>(
        "runs", {30, 20}, [](RunPanel& view) { view.setCurrentRun("fork at 16k: operated"); }, &runs);
    QStandardItemModel none(0, 4);
    gallery.show<RunPanel>(
        "runs-empty", {24, 16}, [](RunPanel&) {}, &none);
    gallery.show<EnvPanel>("matrix", {44, 20}, [](EnvPanel& view) { view.setView(fake::matrixGame()); });
    gallery.show<EnvPanel>("matrix-three-agents", {44, 20},
                           [](EnvPanel& view) { view.setView(fake::threeAgentGame()); });
    gallery.show<EnvPanel>("board", {30, 32}, [](EnvPanel& view) {
        view.setView(fake::predatorPrey());
        QWidget* board = view.findChild<QWidget*>("boardView");
        settle(50);
        // Rest the mouse on the second agent, so that its sight shows.
        const BoardView scene = std::get<BoardView>(fake::predatorPrey().scene);
        const auto& agent = scene.pieces[1];
        const double cell = std::min(board->width(), board->height()) / 10.6;
        const QPointF place(board->rect().center() + QPointF((agent.column - 4.5) * cell, (agent.row - 4.5) * cell));
        QMouseEvent move(QEvent::MouseMove, place, board->mapToGlobal(place), Qt::NoButton, Qt::NoButton,
                         Qt::NoModifier);
        QApplication::sendEvent(board, &move);
    });
    gallery.show<EnvPanel>("battle", {44, 52}, [](EnvPanel& view) { view.setView(fake::battle(9, 10)); });
    const auto selectFirst = [](EnvPanel& view, const char* scene) {
        settle(50);
        QKeyEvent right(QEvent::KeyPress, Qt::Key_Right, Qt::NoModifier);
        auto* widget = view.findChild<QWidget*>(scene);
        widget->setFocus();
        QApplication::sendEvent(widget, &right);
    };
    gallery.show<EnvPanel>("battle-cones", {36, 50}, [&](EnvPanel& view) {
        view.setView(fake::battle(27, 30, 0.5F));
        selectFirst(view, "battleView");
    });
    gallery.show<EnvPanel>("hunt", {36, 50}, [&](EnvPanel& view) {
        view.setView(fake::hunt());
        selectFirst(view, "planeView");
    });
    gallery.show<EnvPanel>("recorded", {36, 50}, [&](EnvPanel& view) {
        auto recording = std::make_shared<EpisodeRecording>();
        recording->clocks.envStep = EnvStep{48'000};
        recording->moments.assign(25, fake::battle(9, 10));
        view.setRecording(std::move(recording), 0, 2);
        view.setSource(EpisodeBar::Source::Recorded);
        selectFirst(view, "battleView");
    });
    gallery.show<EnvPanel>("env-empty", {30, 12}, [](EnvPanel&) {});
    gallery.show<LogPanel>("log", {60, 12}, fillLog);
    gallery.show<MessageBar>("message-error", {60, 3}, [](MessageBar& bar) {
        for (int i = 0; i < 3; ++i) {
            bar.post({MessageBar::Message::Severity::Error,
                      "The run predator_prey seed 0 ended: the loss is NaN. Everything up to update 800 is kept.",
                      "update 812, task pred_prey_punish", "Resume", "resume"});
        }
    });
    gallery.show<MessageBar>("message-note", {60, 3}, [](MessageBar& bar) {
        bar.post({MessageBar::Message::Severity::Information,
                  "This workspace is opened by another program: reading only.",
                  {},
                  {},
                  {}});
    });
    gallery.show<QWidget>("icons", {50, 14}, fillIcons);
}

void paintAll(Gallery& gallery) {
    gallery.show<PlotView>("plot", {50, 22}, fillPlot);
    gallery.show<PlotView>("plot-export", {50, 22}, [&gallery](PlotView& plot) {
        fillPlot(plot);
        settle(60);
        if (const auto written = plot.exportTo(gallery.path("exported"), {600, 320}); !written) {
            std::cerr << written.error().describe() << '\n';
        }
    });
    gallery.show<CurvesPanel>("curves", {70, 36}, fillCurves);
    gallery.show<CurvesPanel>("curves-empty", {40, 18}, [](CurvesPanel&) {});
    gallery.show<NeuronHeatmap>("heatmap", {70, 26}, [](NeuronHeatmap& view) {
        view.setFrame(fake::neuronFrame());
        view.setSource("live, update 1200");
        view.setSelection({{"agent.fc1", 3}, {"agent.fc1", 4}, {"mixer.hyper_w1.hidden", 20}});
    });
    gallery.show<NeuronHeatmap>("heatmap-signed", {50, 30}, [](NeuronHeatmap& view) {
        view.setFrame(fake::neuronFrame());
        view.setDiagnostic("activation_mean");
    });
    gallery.show<NeuronHeatmap>("heatmap-activity", {50, 20}, [](NeuronHeatmap& view) {
        view.setFrame(fake::neuronFrame());
        view.setDiagnostic("activity");
    });
    gallery.show<NeuronHeatmap>("heatmap-large", {60, 36},
                                [](NeuronHeatmap& view) { view.setFrame(fake::largeFrame(10'000)); });
    gallery.show<NeuronHeatmap>("heatmap-empty", {40, 14}, [](NeuronHeatmap&) {});
    gallery.show<WaterfallView>("waterfall", {60, 14}, fillWaterfall);
    gallery.show<WaterfallView>("waterfall-empty", {40, 10}, [](WaterfallView&) {});
}

} // namespace

int main(int argc, char** argv) {
    QApplication application(argc, argv);
    if (argc != 2) {
        std::cerr << "usage: widget_gallery FOLDER\n";
        return 2;
    }
    QApplication::setStyle("fusion");
    QDir().mkpath(argv[1]);
    for (const Theme theme : {Theme::Light, Theme::Dark}) {
        QApplication::setPalette(*themePalette(theme));
        Gallery gallery(argv[1], toString(theme));
        paintAll(gallery);
        paintRest(gallery);
    }
    return 0;
}
