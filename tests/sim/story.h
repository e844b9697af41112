// What people do in a run: an admin sets up the engine, users make VMs, label them, write to their
// disks, lose a namespace, and restore a VM by UID. Their own calls never fail.
#pragma once

#include <string>
#include <vector>

#include "tests/sim/machines.h"
#include "tests/sim/world.h"

namespace breakwater::sim {

class Story {
 public:
  explicit Story(World& world);

  // To the end, invariants and all. An error says what went wrong.
  Result<> run();
  // One line: what happened in the run.
  std::string summary();

 private:
  Result<> set_up_engine();
  Result<> create_machines();
  Result<> create_machine(Machine& machine);
  Result<> set_label(const Machine& machine, const Json& value);
  // Writes to the disks, waits for a Backup that must hold what was written, often writes again
  // while it runs, and waits for its end.
  Result<> back_up();
  Result<kube::Object> find_backup(Time started_after);
  // Takes the victim's label away and gives it back later, or changes the cron it names.
  Result<> meddle();
  Result<> destroy();
  Result<> restore();
  Result<> compare();
  // Without faults, everything is protected again.
  Result<> recover();
  // Nobody wants backups any more: the system comes to rest and leaves nothing behind.
  Result<> end();
  Result<bool> at_rest();
  Result<std::vector<std::string>> leftovers();
  Result<> check_repositories();
  Result<> check_repository(const std::filesystem::path& path);

  kube::Client& client() { return world_.client(); }
  Machine& victim() { return machines_.front(); }

  World& world_;
  SeededRandom dice_;
  std::vector<Machine> machines_;  // those that exist
  std::vector<Machine> lost_;
  std::string backup_;  // the last one of the victim that is Completed
  Contents expected_;   // the victim's disks, as that Backup holds them
};

}  // namespace breakwater::sim
