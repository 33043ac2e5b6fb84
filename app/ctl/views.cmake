# SPDX-License-Identifier: GPL-3.0-or-later
# Commands that only read a workspace: no tensor library in here.
add_library(knife_ctl_views STATIC output.cpp)
target_link_libraries(knife_ctl_views
  PUBLIC workbench_options knife_store CLI11::CLI11
  PRIVATE nlohmann_json::nlohmann_json fmt::fmt)
