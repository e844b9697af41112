// A hub and managed clusters in one process: what `breakwater sandbox up` runs.
//
//   <directory>/<name>/       one sandbox cluster each (sandbox/sandbox.h), the hub's is hub/
//   <directory>/kubeconfig    a context for each; the hub's is the current one
//   <directory>/clusters      their names, the hub's first; kept for the next start
//
// It may be killed at any moment and started again.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "sandbox/sandbox.h"

namespace breakwater::cli {

inline constexpr const char* kHubName = "hub";

struct FleetSettings {
  std::filesystem::path directory;
  std::filesystem::path binary;       // what pods run: our own program
  std::vector<std::string> clusters;  // names of the managed ones
};

class Fleet {
 public:
  // Returns when every API answers. All references outlive the fleet.
  static Result<std::unique_ptr<Fleet>> start(FleetSettings settings, const Clock& clock,
                                              Random& random, Logger log);
  virtual ~Fleet() = default;
  // The hub's API.
  virtual std::string url() const = 0;
};

// "cls1,cls2", or a number of clusters: "2" is the same. kInvalid says what is wrong with it.
Result<std::vector<std::string>> parse_clusters(const std::string& text);
// The names in `directory`, the hub's first; empty if no fleet was ever started there.
std::vector<std::string> fleet_members(const std::filesystem::path& directory);

}  // namespace breakwater::cli
