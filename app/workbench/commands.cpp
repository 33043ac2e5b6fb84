// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/commands.h"

#include <QCoreApplication>

#include "app/workbench/action_registry.h"

namespace knife {

namespace {

QString text(const char* source) {
    return QCoreApplication::translate("Commands", source);
}

/// The sentence for runs in none of the states that a command needs; empty when the command can be used.
QString unlessState(const CommandContext& context, std::initializer_list<RunState> states, const char* obstacle) {
    if (!context.state) {
        return text("Choose a run in the list first.");
    }
    for (const RunState state : states) {
        if (*context.state == state) {
            return {};
        }
    }
    return text(obstacle);
}

QString unlessAttached(const CommandContext& context) {
    return context.attached ? QString() : text("The run process does not answer.");
}

QString whileStart(const CommandContext& context) {
    if (context.state == RunState::Paused) {
        return unlessAttached(context);
    }
    return unlessState(context, {RunState::Interrupted, RunState::Failed},
                       "Only a run that is paused, interrupted or failed can go on.");
}

QString whilePausable(const CommandContext& context) {
    const QString obstacle = unlessState(context, {RunState::Running}, "The run is not running.");
    return obstacle.isEmpty() ? unlessAttached(context) : obstacle;
}

QString whilePaused(const CommandContext& context) {
    const QString obstacle = unlessState(context, {RunState::Paused}, "Pause the run first.");
    return obstacle.isEmpty() ? unlessAttached(context) : obstacle;
}

QString whileTraining(const CommandContext& context) {
    const QString obstacle =
        unlessState(context, {RunState::Running, RunState::Paused}, "The run is neither running nor paused.");
    return obstacle.isEmpty() ? unlessAttached(context) : obstacle;
}

QString whileStoppable(const CommandContext& context) {
    const QString obstacle = unlessState(context, {RunState::Running, RunState::Pausing, RunState::Paused},
                                         "The run is neither running nor paused.");
    return obstacle.isEmpty() ? unlessAttached(context) : obstacle;
}

QString whileOperable(const CommandContext& context) {
    if (const QString obstacle = whileTraining(context); !obstacle.isEmpty()) {
        return obstacle;
    }
    if (context.operating) {
        return text("A surgery is under way.");
    }
    return context.operable ? QString() : text("Select units of a site that accepts composites first.");
}

QString whileUndoable(const CommandContext& context) {
    if (const QString obstacle = whilePaused(context); !obstacle.isEmpty()) {
        return obstacle;
    }
    return context.undoable ? QString() : text("Training has gone on since the last surgery, or there was none.");
}

QString whileThereIsARun(const CommandContext& context) {
    return context.state ? QString() : text("Choose a run in the list first.");
}

void addFileCommands(ActionRegistry& registry) {
    registry.add({command::kNewFromFile,
                  text("Experiment &File…"),
                  "new",
                  {QKeySequence::New},
                  text("Start a run from an experiment file of your own"),
                  {},
                  false,
                  {}});
    registry.add({command::kOpenWorkspace,
                  text("&Open Workspace…"),
                  "open",
                  {QKeySequence::Open},
                  text("Open another folder of runs"),
                  text("A workspace is a folder that holds runs: their curves, neurons, surgeries and checkpoints. A "
                       "folder without one gets a new, empty workspace."),
                  false,
                  {}});
    registry.add({command::kQuit,
                  text("&Quit"),
                  "",
                  {QKeySequence(Qt::CTRL | Qt::Key_Q)},
                  text("Close the window; runs go on in the background"),
                  {},
                  false,
                  {}});
}

void addRunCommands(ActionRegistry& registry) {
    registry.add({command::kStart,
                  text("&Continue"),
                  "start",
                  {QKeySequence(Qt::Key_F5)},
                  text("Train on: continue a paused run, resume an interrupted one from its last checkpoint"),
                  {},
                  false,
                  whileStart});
    registry.add({command::kPause,
                  text("&Pause"),
                  "pause",
                  {QKeySequence(Qt::Key_F6)},
                  text("Finish the current update, then wait"),
                  {},
                  false,
                  whilePausable});
    registry.add({command::kStep,
                  text("Single S&tep"),
                  "step",
                  {QKeySequence(Qt::Key_F10)},
                  text("Train for one update, then pause again"),
                  {},
                  false,
                  whilePaused});
    registry.add({command::kRunTo,
                  text("&Run To…"),
                  "run-to",
                  {QKeySequence(Qt::CTRL | Qt::Key_F10)},
                  text("Train until a chosen environment step, then pause"),
                  {},
                  false,
                  whileTraining});
    registry.add({command::kStop,
                  text("&Stop"),
                  "stop",
                  {QKeySequence(Qt::SHIFT | Qt::Key_F5)},
                  text("Write a checkpoint and end the run"),
                  text("Writes a checkpoint and ends the process. Start goes on from there; what is stored stays."),
                  false,
                  whileStoppable});
    registry.add({command::kEvaluate,
                  text("&Evaluate Now"),
                  "evaluate",
                  {QKeySequence(Qt::CTRL | Qt::Key_E)},
                  text("Play greedy episodes now and store their return"),
                  {},
                  false,
                  whileTraining});
    registry.add({command::kCheckpoint,
                  text("Save C&heckpoint"),
                  "save",
                  {QKeySequence(Qt::CTRL | Qt::Key_K)},
                  text("Store everything that is needed to continue bit for bit"),
                  {},
                  false,
                  whileTraining});
}

void addNeuronCommands(ActionRegistry& registry) {
    registry.add(
        {command::kOperate,
         text("&Operate"),
         "operate",
         {QKeySequence(Qt::CTRL | Qt::Key_Return)},
         text("Turn the selected units into composites: knowledge + active − compensation"),
         text("Each selected unit is frozen as knowledge, and gets a fresh active neuron together with a frozen "
              "compensation that starts out equal to it. So no output changes at the moment of surgery; the "
              "receipt says what was measured."),
         false,
         whileOperable});
    registry.add({command::kUndo,
                  text("&Undo Surgery"),
                  "undo",
                  {QKeySequence::Undo},
                  text("Take the newest surgery back, as long as no update has followed it"),
                  {},
                  false,
                  whileUndoable});
    registry.add({command::kSelectStagnant,
                  text("&Select Stagnant Units"),
                  "neuron",
                  {QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_A)},
                  text("Select every unit whose relative update activity lies below the threshold"),
                  {},
                  false,
                  whileThereIsARun});
    registry.add({command::kClearSelection,
                  text("&Clear Selection"),
                  "clear",
                  {QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_D)},
                  text("Select no unit"),
                  {},
                  false,
                  whileThereIsARun});
}

void addViewCommands(ActionRegistry& registry) {
    registry.add({command::kNewest,
                  text("Follow &Newest"),
                  "",
                  {QKeySequence(Qt::CTRL | Qt::Key_End)},
                  text("Let all panels show the newest moment again"),
                  {},
                  false,
                  whileThereIsARun});
    registry.add({command::kFindRun,
                  text("&Find Run"),
                  "search",
                  {QKeySequence::Find},
                  text("Filter the list of runs"),
                  {},
                  false,
                  {}});
    registry.add(
        {command::kThemeSystem, text("&System Theme"), "", {}, text("Colours as the desktop has them"), {}, true, {}});
    registry.add({command::kThemeLight, text("&Light Theme"), "", {}, text("Dark text on light ground"), {}, true, {}});
    registry.add({command::kThemeDark, text("&Dark Theme"), "", {}, text("Light text on dark ground"), {}, true, {}});
    registry.add({command::kRestoreLayout,
                  text("&Restore Default Layout"),
                  "",
                  {},
                  text("Put all panels back where they were at first"),
                  {},
                  false,
                  {}});
    registry.add({command::kFullScreen,
                  text("F&ull Screen"),
                  "",
                  {QKeySequence(Qt::Key_F11)},
                  text("Use the whole screen"),
                  {},
                  true,
                  {}});
    registry.add({command::kWhatsThis,
                  text("&What’s This?"),
                  "",
                  {QKeySequence::WhatsThis},
                  text("Click on something to read what it is"),
                  {},
                  false,
                  {}});
    registry.add(
        {command::kAbout, text("&About KNIFE Workbench"), "", {}, text("Version and licences"), {}, false, {}});
}

} // namespace

void addCommands(ActionRegistry& registry) {
    addFileCommands(registry);
    addRunCommands(registry);
    addNeuronCommands(registry);
    addViewCommands(registry);
}

} // namespace knife
