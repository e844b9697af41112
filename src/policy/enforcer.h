// Carries an Evaluation out.
#pragma once

#include <string>
#include <vector>

#include "base/log.h"
#include "kube/client.h"
#include "policy/evaluation.h"

namespace breakwater::policy {

enum class Mode {
  kInform,   // report only
  kEnforce,  // apply and report
};

struct Enforcement {
  int created = 0, changed = 0, removed = 0;
  std::vector<Finding> failures;  // what the API refused, one finding an object
};

// Compares each desired object with what `reader` shows and writes only what differs. An object
// that fails does not stop the others. Safe to repeat.
class Enforcer {
 public:
  Enforcer(kube::Reader& reader, kube::Client& client, Logger log)
      : reader_(reader), client_(client), log_(std::move(log)) {}
  Enforcement carry_out(const Evaluation& evaluation, Mode mode);

 private:
  Result<> ensure(const Desired& desired, Enforcement& done);
  Result<> write_status(const Desired& desired);
  Result<> remove(const Unwanted& unwanted, Enforcement& done);
  kube::Reader& reader_;
  kube::Client& client_;
  Logger log_;
};

}  // namespace breakwater::policy
