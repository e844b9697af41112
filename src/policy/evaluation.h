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
  enum class Weight {
    kViolation,  // wrong: the policy is NonCompliant
    kPending,    // not yet: the policy is Pending, unless something is wrong
    kNotice,     // worth saying; changes nothing
  };
  kube::Kind kind;  // of the object concerned
  kube::Key object;
  std::string reason;   // one CamelCase word, stable: "UnknownSchedule"
  std::string message;  // names the field and what would be right; the same until something changes
  Weight weight = Weight::kViolation;

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
  // Members of the object, such as "data", that must be as given and hold nothing else.
  std::vector<std::string> whole = {};
  // A merge patch for the object when it is created, and only then: who made it, and members that
  // cannot be changed later.
  Json at_creation = {};
  // Whether the policy answers for it: named in status.relatedObjects, and a violation where the
  // policy only informs. False for reports (VirtualMachineProtections) and stamps.
  bool related = true;
};

struct Unwanted {
  kube::Kind kind;
  kube::Key key;
  std::string uid;      // only this very object is removed
  bool related = true;  // as Desired::related
};

struct Evaluation {
  std::vector<Desired> desired;    // carried out in this order
  std::vector<Unwanted> unwanted;  // after that, in this order
  std::vector<Finding> findings;
  // Not empty: the policy cannot do its work yet; "waits for acm-dr-virt-install".
  std::string pending = {};
  // What a Compliant policy says of itself: "2 VirtualMachines are protected".
  std::string summary = {};
  // The removal that was asked for (annotation breakwater.dev/removal). It has been carried out
  // when nothing is unwanted any more.
  std::string removal = {};
};

// Marks an object that a policy creates with the policy's key, so that removal finds it; what was
// there before bears no such mark and stays. For Desired::at_creation.
Json creation_mark(const kube::Key& policy);
// Whether the policy of that key created the object.
bool created_by(const kube::Object& object, const kube::Key& policy);

}  // namespace breakwater::policy
