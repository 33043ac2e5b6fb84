// SPDX-License-Identifier: GPL-3.0-or-later
// One moment of a battle or a hunt from the value to the pixels, in milliseconds: 60 frames a second leave 16.
#include <benchmark/benchmark.h>

#include <QApplication>
#include <QImage>
#include <QKeyEvent>

#include "fake_data.h"
#include "widgets/env/battle_widget.h"
#include "widgets/env/env_panel.h"
#include "widgets/env/plane_widget.h"

using namespace knife;

namespace {

constexpr int kSide = 800;

void benchBattle(benchmark::State& state) {
    const int team = static_cast<int>(state.range(0)) / 2;
    BattleView battle = std::get<BattleView>(fake::battle(team, team, state.range(1) != 0 ? 0.5F : 0.F).scene);
    BattleWidget widget;
    widget.resize(kSide, kSide);
    QImage image(kSide, kSide, QImage::Format_ARGB32_Premultiplied);
    for (auto _ : state) {
        battle.units[0].x += 0.01F; // another moment each time, so that nothing is left out
        widget.setBattle(battle);
        widget.render(&image);
    }
    benchmark::DoNotOptimize(image.constBits());
}

void benchHunt(benchmark::State& state) {
    PlaneView plane = std::get<PlaneView>(fake::hunt().scene);
    PlaneWidget widget;
    widget.resize(kSide, kSide);
    QImage image(kSide, kSide, QImage::Format_ARGB32_Premultiplied);
    float step = 0.01F;
    for (auto _ : state) {
        plane.bodies[0].x += step;
        step = -step;
        widget.setPlane(plane);
        widget.render(&image);
    }
    benchmark::DoNotOptimize(image.constBits());
}

// With the tables of an agent that is selected, of as many features and actions as 27m_vs_30m has.
void benchPanel(benchmark::State& state) {
    EnvView view = fake::battle(27, 30);
    auto& battle = std::get<BattleView>(view.scene);
    view.featureNames.resize(285, "enemy 12 distance");
    battle.actionNames.resize(36, "target 12");
    for (ChoiceView& choice : view.choices) {
        choice.observation.resize(285, 0.5F);
        choice.values.resize(36, 1.F);
        choice.legal.resize(36, 1);
    }
    EnvPanel panel;
    panel.resize(kSide, kSide);
    panel.setView(view);
    QKeyEvent right(QEvent::KeyPress, Qt::Key_Right, Qt::NoModifier);
    QCoreApplication::sendEvent(panel.findChild<BattleWidget*>(), &right);
    QImage image(kSide, kSide, QImage::Format_ARGB32_Premultiplied);
    for (auto _ : state) {
        battle.units[0].x += 0.01F;
        view.choices[0].observation[3] += 1.F;
        panel.setView(view);
        panel.render(&image);
    }
    benchmark::DoNotOptimize(image.constBits());
}

} // namespace

BENCHMARK(benchBattle)
    ->Args({60, 0})
    ->Args({60, 1})
    ->Args({10, 0})
    ->ArgNames({"units", "cones"})
    ->Unit(benchmark::kMillisecond);
BENCHMARK(benchHunt)->Unit(benchmark::kMillisecond);
BENCHMARK(benchPanel)->Unit(benchmark::kMillisecond);

int main(int argc, char** argv) {
    qputenv("QT_QPA_PLATFORM", "offscreen");
    const QApplication application(argc, argv);
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
