// What a policy decides, as a value.
//
// A policy is a pure function from a view of the cluster and its configuration to an Evaluation:
// what should exist, what should not, and what is wrong. Nothing is read or written while it
// decides, so its whole behaviour is a table of inputs and outputs (tests/policy). One Enforcer
// carries any Evaluation out (policy/enforcer.h).
#pragma once

#include <string>
#include <vector>

#include "kube/kind.h"
#include "kube/object.h"

namespace breakwater::policy {

// Something an operator should know: who, what kind of problem, one sentence.
struct Finding {
  kube::Kind kind;  // of the object concerned
  kube::Key object;
  std::string reason;   // one CamelCase word, stable: "UnknownSchedule"
  std::string message;  // names the field and what would be right

  friend bool operator==(const Finding&, const Finding&) = default;
};

// One object as it should be. Members given must be in the live object as they are given (objects
// merge, everything else is equal, null means absent); members not given are left alone.
struct Desired {
  enum class Mode {
    kEnsure,  // create it if it is absent
    kPatch,   // only if it exists
  };
  kube::Kind kind;
  kube::Object object;
  Mode mode = Mode::kEnsure;
};

struct Unwanted {
  kube::Kind kind;
  kube::Key key;
  std::string uid;  // only this very object is removed
};

struct Evaluation {
  std::vector<Desired> desired;
  std::vector<Unwanted> unwanted;
  std::vector<Finding> findings;
};

}  // namespace breakwater::policy
