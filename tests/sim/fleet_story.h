// What people do in a fleet: a hub admin writes policies and ConfigMaps, clusters join, VM users
// label VMs; then the hub is away for an hour, a ConfigMap is lost and found, decisions vanish, a
// cluster is given up, a VM is restored. Their own calls never fail.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "tests/sim/fleet_world.h"

namespace breakwater::sim {

class FleetStory {
 public:
  explicit FleetStory(FleetWorld& world) : world_(world), dice_(world.dice().next()) {}

  // To the end, invariants and all. An error says what went wrong.
  Result<> run();
  std::string summary() const;

 private:
  struct Vm {
    size_t cluster = 0;
    kube::Key key;
    bool labelled = false;
    std::string uid;
  };

  Result<> set_up_hub();
  Result<> set_config(const Json& restore);
  Result<> join(size_t number);
  Result<> create_vms();
  Result<> place(size_t number, bool wanted);
  // One bad day, drawn from the seed.
  Result<> misfortune();
  Result<> lose_decisions();
  Result<> lose_config();
  Result<> kill_some();
  Result<> give_up();
  Result<> restore();
  // Without faults everything is as it should be.
  Result<> recover();
  Result<bool> all_is_well();
  Result<bool> is_green(const std::string& policy);
  Result<bool> is_protected(const Vm& vm);
  Result<bool> is_cleared(size_t number);
  bool is_placed(size_t number) const { return placed_.contains(number); }

  kube::Client& hub() { return *world_.hub().client; }
  kube::Client& client(size_t number) { return *world_.cluster(number).client; }

  FleetWorld& world_;
  SeededRandom dice_;
  std::vector<Vm> vms_;
  std::set<size_t> placed_, given_up_;
  std::string told_;
};

}  // namespace breakwater::sim
