// What a backup or restore has to tell: warnings and errors, grouped as Velero's results file is.
//
// A value. The same message is kept once, so that a step which is repeated after a crash may report
// again what it reported before.
#pragma once

#include <map>
#include <set>
#include <string>

#include "base/json.h"

namespace breakwater::velero {

class Findings {
 public:
  // `ns` is the namespace concerned; "" for the cluster as a whole.
  void warning(const std::string& ns, std::string message);
  void error(const std::string& ns, std::string message);
  void merge(const Findings& other);
  size_t warnings() const { return count(warnings_); }
  size_t errors() const { return count(errors_); }

  // {"warnings": {"velero", "cluster", "namespaces": {ns: []}}, "errors": {…}}, absent when empty.
  Json to_json() const;
  // Reads the same; what is no list of texts is left out.
  static Findings from_json(const Json& results);
  // One line each, for the log.
  std::string to_log() const;

 private:
  using ByNamespace = std::map<std::string, std::set<std::string>>;
  static size_t count(const ByNamespace& messages);
  static Json group(const ByNamespace& messages);
  static ByNamespace ungroup(const Json& group);
  ByNamespace warnings_, errors_;
};

}  // namespace breakwater::velero
