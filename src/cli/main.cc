// breakwater: disaster recovery for virtual machines on Kubernetes.
#include <csignal>

#include "cli/commands.h"

int main(int argc, char** argv) {
  // A peer that closes a connection is an error of that connection, not of the program.
  std::signal(SIGPIPE, SIG_IGN);
  breakwater::cli::Command program(
      "breakwater", "Backup and restore of KubeVirt virtual machines across a fleet of clusters");
  breakwater::cli::add_demo_command(program);
  breakwater::cli::add_sandbox_command(program);
  breakwater::cli::add_hub_command(program);
  breakwater::cli::add_cluster_command(program);
  breakwater::cli::add_join_command(program);
  breakwater::cli::add_agent_command(program);
  breakwater::cli::add_repo_command(program);
  breakwater::cli::add_data_mover_command(program);
  breakwater::cli::add_version_command(program);
  return program.run(argc, argv);
}
