// Whose behaviour tests/conformance looks at: a Kubernetes API, seen through a kube::Client.
//
// The same expectations hold for every subject. Which there are stands in subjects.cc alone, so
// that a real kube-apiserver can be added without touching a test.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "kube/client.h"

namespace breakwater::conformance {

class Subject {
 public:
  virtual ~Subject() = default;
  // May do everything. Kinds of fixtures.h are served.
  virtual kube::Client& client() = 0;
  // Gives the controllers behind the API their time; tests repeat it until they see what they
  // expect.
  virtual void settle() = 0;
};

struct Maker {
  std::string name;
  std::unique_ptr<Subject> (*make)();
};
inline void PrintTo(const Maker& maker, std::ostream* out) { *out << maker.name; }

std::vector<Maker> subjects();

}  // namespace breakwater::conformance
