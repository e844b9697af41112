// The part of Kubernetes' JSONPath that printer columns use.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace breakwater::apiserver {

// A path such as ".status.phase", ".spec.containers[0].image", ".spec.disks[*].name",
// ".metadata.labels['app/x.y']", ".metadata.labels.app\.io/x" or
// ".status.conditions[?(@.type==\"Ready\")].status"; braces around it are allowed. Immutable.
class JsonPath {
 public:
  // kInvalid says what is not understood.
  static Result<JsonPath> parse(std::string_view text);
  // Everything the path leads to, in order; empty if there is nothing.
  std::vector<Json> find(const Json& root) const;

 private:
  struct Step {
    enum class Kind { kMember, kIndex, kAll, kFilter } kind = Kind::kMember;
    std::string name;                      // of the member
    int64_t index = 0;                     // negative counts from the end
    std::vector<std::string> filter_path;  // @.a.b
    bool filter_equal = true;
    Json filter_value;  // null: the path only has to exist
  };
  static Result<Step> parse_bracket(std::string_view inside);
  static Result<Step> parse_filter(std::string_view inside);
  static void take_step(const Step& step, const Json& node, std::vector<Json>& out);
  std::vector<Step> steps_;
};

}  // namespace breakwater::apiserver
