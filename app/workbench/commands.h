// SPDX-License-Identifier: GPL-3.0-or-later
// The commands that the program has. What they do is connected where the parts are put together.
#pragma once

namespace knife {

class ActionRegistry;

namespace command {
inline constexpr char kNewFromFile[] = "run.new_from_file";
inline constexpr char kOpenWorkspace[] = "file.open_workspace";
inline constexpr char kQuit[] = "file.quit";
inline constexpr char kStart[] = "run.start"; ///< continue a paused run, resume one that ended early
inline constexpr char kPause[] = "run.pause";
inline constexpr char kStep[] = "run.step";
inline constexpr char kRunTo[] = "run.run_to";
inline constexpr char kStop[] = "run.stop";
inline constexpr char kEvaluate[] = "run.evaluate";
inline constexpr char kCheckpoint[] = "run.checkpoint";
inline constexpr char kOperate[] = "neurons.operate";
inline constexpr char kUndo[] = "neurons.undo";
inline constexpr char kSelectStagnant[] = "neurons.select_stagnant";
inline constexpr char kClearSelection[] = "neurons.clear_selection";
inline constexpr char kNewest[] = "view.newest"; ///< the time cursor back to now
inline constexpr char kFindRun[] = "view.find_run";
inline constexpr char kThemeSystem[] = "view.theme_system";
inline constexpr char kThemeLight[] = "view.theme_light";
inline constexpr char kThemeDark[] = "view.theme_dark";
inline constexpr char kRestoreLayout[] = "view.restore_layout";
inline constexpr char kFullScreen[] = "view.full_screen";
inline constexpr char kWhatsThis[] = "help.whats_this";
inline constexpr char kAbout[] = "help.about";
} // namespace command

void addCommands(ActionRegistry& registry);

} // namespace knife
