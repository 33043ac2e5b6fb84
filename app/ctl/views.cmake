# SPDX-License-Identifier: GPL-3.0-or-later
# Commands that only read a workspace: no tensor library in here.
find_package(tomlplusplus REQUIRED)

add_library(knife_ctl_views STATIC
  compare_command.cpp compare_json.cpp compare_runs.cpp compare_study.cpp compare_tables.cpp doctor_command.cpp
  integer_option.cpp metric_points.cpp neurons_command.cpp output.cpp run_json.cpp runs_command.cpp show_command.cpp)
target_link_libraries(knife_ctl_views
  PUBLIC workbench_options knife_store CLI11::CLI11 nlohmann_json::nlohmann_json
  PRIVATE knife_config knife_protocol knife_stats tomlplusplus::tomlplusplus fmt::fmt)
