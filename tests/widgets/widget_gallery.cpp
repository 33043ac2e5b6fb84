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
#include <QTimer>

#include "fake_data.h"
#include "widgets/curves_panel.h"
#include "widgets/neurons/neuron_heatmap.h"
#include "widgets/neurons/waterfall_view.h"
#include "widgets/plot/plot_view.h"
#include "widgets/theme.h"

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
        const QString path = QStringLiteral("%1/%2-%3.png").arg(m_folder, name, m_theme);
        view.grab().save(path);
        std::cout << path.toStdString() << '\n';
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

void paintAll(Gallery& gallery) {
    gallery.show<PlotView>("plot", {50, 22}, fillPlot);
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
    }
    return 0;
}
