// An engine and a mover for every namespace that has a DataProtectionApplication, started when it
// appears.
//
// Where the install policy says that OADP is the engine (status.engine of any VirtInstallPolicy),
// Velero does the engine's part and ours rests. Without an install policy OADP is the engine where
// operators are installed by OLM.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "kube/client.h"
#include "kube/controller.h"

namespace breakwater::cli {

struct EngineStarts {
  // The controllers of one namespace; either may be empty. Their names differ between namespaces.
  std::function<std::vector<kube::ControllerSpec>(const std::string& ns)> engine;
  std::function<std::vector<kube::ControllerSpec>(const std::string& ns)> mover;
  // Adds one to the Runner that runs the starter.
  std::function<void(kube::ControllerSpec)> add;
};

struct EnginesServices {
  kube::Reader& reader;
  kube::Client& client;
  const Clock& clock;
  Logger log;
};

// Controller "engines". A namespace once served stays so until the process ends: without a
// DataProtectionApplication its controllers find nothing to do. What the services refer to outlives
// it.
kube::ControllerSpec make_engines_controller(EnginesServices services, EngineStarts starts);

}  // namespace breakwater::cli
