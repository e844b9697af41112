// Label and field selectors, parsed from and printed as the text that goes into a URL.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "kube/object.h"

namespace breakwater::kube {

// A conjunction of requirements over labels. The default selects everything.
class LabelSelector {
 public:
  enum class Operator { kIn, kNotIn, kExists, kDoesNotExist };
  struct Requirement {
    std::string key;
    Operator op = Operator::kExists;
    std::vector<std::string> values;  // sorted
    friend bool operator==(const Requirement&, const Requirement&) = default;
  };

  // "a=b,c!=d,e in (f,g),h notin (i),j,!k". kInvalid names the requirement that is wrong.
  static Result<LabelSelector> parse(std::string_view text);
  // {"matchLabels": {…}, "matchExpressions": [{key, operator, values}]} as specs carry it; null
  // selects everything.
  static Result<LabelSelector> from_json(const Json& selector);
  static LabelSelector equals(std::string_view key, std::string_view value);

  LabelSelector& add(Requirement requirement);
  bool matches(const Object& object) const { return matches(object.metadata()["labels"]); }
  bool matches(const Json& labels) const;
  bool everything() const { return requirements_.empty(); }
  std::string to_string() const;
  const std::vector<Requirement>& requirements() const { return requirements_; }

 private:
  std::vector<Requirement> requirements_;
};

// "metadata.name=x,status.phase!=Running": a conjunction of equalities over paths into the object.
class FieldSelector {
 public:
  struct Requirement {
    std::string path;
    std::string value;
    bool equal = true;
  };
  static Result<FieldSelector> parse(std::string_view text);
  static FieldSelector name(std::string_view name);  // metadata.name=<name>
  bool matches(const Object& object) const;
  bool everything() const { return requirements_.empty(); }
  std::string to_string() const;
  const std::vector<Requirement>& requirements() const { return requirements_; }

 private:
  std::vector<Requirement> requirements_;
};

}  // namespace breakwater::kube
