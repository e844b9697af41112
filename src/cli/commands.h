// The subcommands. Each add_… function adds one command with its options to the program.
#pragma once

#include "cli/command_line.h"

namespace breakwater::cli {

void add_agent_command(Command& program);
void add_cluster_command(Command& program);
void add_data_mover_command(Command& program);
void add_demo_command(Command& program);
void add_hub_command(Command& program);
void add_join_command(Command& program);
void add_repo_command(Command& program);
void add_sandbox_command(Command& program);
void add_version_command(Command& program);

}  // namespace breakwater::cli
