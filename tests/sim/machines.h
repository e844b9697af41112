// The VMs of a run and the bytes on their disks.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "kube/client.h"

namespace breakwater::sim {

struct Machine {
  kube::Key key;
  std::string cron;                // the name in its label; "" is never labelled
  std::vector<std::string> disks;  // names of its claims
  std::string uid;                 // as the API has it now

  bool labelled() const { return !cron.empty(); }
};

// By claim: what is on the disk, whole.
using Contents = std::map<std::string, std::string>;

// Two or three: vm-1 is labelled, vm-10 is not, whose name and namespace may invite mistakes.
std::vector<Machine> draw_machines(Random& random);

kube::Object claim_object(const Machine& machine, const std::string& disk, uint64_t size);
kube::Object machine_object(const Machine& machine);

// The raw file behind a claim; "" while it is not bound.
Result<std::string> disk_file(kube::Client& client, const kube::Key& claim);
// Writes a few runs of random bytes, of zeros, and of repeated text over the disks.
Result<> scribble(kube::Client& client, const Machine& machine, Random& random);
Result<Contents> read_disks(kube::Client& client, const Machine& machine);

}  // namespace breakwater::sim
