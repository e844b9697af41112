// Carries an Evaluation out.
#pragma once

#include <optional>
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
// Of spec.remediationAction: "inform" in any case of letters; everything else, absence included,
// enforces.
Mode mode_of(const kube::Object& policy);

// What became of one related object.
struct Enforced {
  enum class State {
    kAsWanted,  // now, or after it was written
    kMissing,
    kDiffers,
    kUnwanted,  // it is there and should not be
  };
  kube::Kind kind;
  kube::Key key;
  State state = State::kAsWanted;
  std::string uid;       // "" if it does not exist
  bool created = false;  // by this policy, now or earlier
};

struct Enforcement {
  int created = 0, changed = 0, removed = 0;
  // What the API refused, one finding an object; with kInform what should be otherwise.
  std::vector<Finding> failures;
  std::vector<Enforced> objects;  // the related ones, in the order of the Evaluation
  // The first failure that passes by itself (the API away, a lost race): no finding, but the round
  // has to be repeated before anything is reported.
  std::optional<Error> interrupted;
};

// Compares each desired object with what `reader` shows and writes only what differs. An object
// that fails does not stop the others. Safe to repeat.
class Enforcer {
 public:
  Enforcer(kube::Reader& reader, kube::Client& client, Logger log)
      : reader_(reader), client_(client), log_(std::move(log)) {}
  Enforcement carry_out(const Evaluation& evaluation, Mode mode);

 private:
  Result<> ensure(const Desired& desired, Enforced& object, Enforcement& done);
  Result<> create(const Desired& desired, Enforced& object, Enforcement& done);
  Result<> write_status(const Desired& desired);
  Result<> remove(const Unwanted& unwanted, Enforcement& done);
  Result<> compare(const Desired& desired, Enforced& object);
  void fail_for(const kube::Kind& kind, const kube::Key& key, const char* reason,
                const Error& error, Enforcement& done);
  void inform(const Evaluation& evaluation, Enforcement& done);
  kube::Reader& reader_;
  kube::Client& client_;
  Logger log_;
};

}  // namespace breakwater::policy
