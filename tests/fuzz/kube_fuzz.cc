// Parsers of kube/: selectors and patches.
#include <algorithm>

#include "kube/patch.h"
#include "kube/selector.h"
#include "tests/fuzz/fuzz.h"

namespace breakwater::fuzz {
namespace {

using kube::FieldSelector;
using kube::LabelSelector;

bool is_json(const Json& value) {
  const auto again = parse_json(to_json(value));
  return again && *again == value;
}

}  // namespace

// A selector as text, and labels to match.
void fuzz_label_selector(std::string_view input) {
  const auto [text, labels] = split_input<2>(input);
  const auto selector = LabelSelector::parse(text);
  if (!selector) return;
  const std::string printed = selector->to_string();
  const auto again = LabelSelector::parse(printed);
  CHECK(again && again->requirements() == selector->requirements());
  const Json object = parse_json(labels).value_or(Json());
  CHECK(selector->matches(object) == again->matches(object));
}

// A selector as specs carry it.
void fuzz_label_selector_json(std::string_view input) {
  const auto json = parse_json(input);
  if (!json) return;
  const auto selector = LabelSelector::from_json(*json);
  if (!selector) return;
  const auto again = LabelSelector::parse(selector->to_string());
  CHECK(again && again->requirements() == selector->requirements());
  (void)selector->matches((*json)["matchLabels"]);
}

void fuzz_field_selector(std::string_view input) {
  const auto [text, object] = split_input<2>(input);
  const auto selector = FieldSelector::parse(text);
  if (!selector) return;
  const auto again = FieldSelector::parse(selector->to_string());
  CHECK(again && again->requirements().size() == selector->requirements().size());
  CHECK(again->to_string() == selector->to_string());
  const kube::Object target(parse_json(object).value_or(Json()));
  CHECK(selector->matches(target) == again->matches(target));
}

// Two objects: one to patch, and a patch.
void fuzz_json_patch(std::string_view input) {
  const auto [target_text, patch_text] = split_input<2>(input);
  const auto target = parse_json(target_text);
  const auto patch = parse_json(patch_text);
  if (!target || !patch) return;
  const std::string before = to_json(*target);
  const auto patched = kube::apply_json_patch(*target, *patch);
  CHECK(to_json(*target) == before);
  // Copies may double the object with each operation.
  if (patched && is_small(*patched, 10'000)) CHECK(is_json(*patched));
}

// Two objects: the merge patch between them leads from one to the other.
void fuzz_merge_patch(std::string_view input) {
  const auto [from_text, to_text] = split_input<2>(input);
  const auto from = parse_json(from_text);
  const auto to = parse_json(to_text);
  if (!from || !to) return;
  CHECK(is_json(kube::apply_merge_patch(*from, *to)));
  CHECK(kube::apply_merge_patch(*from, kube::make_merge_patch(*from, *from)) == *from);
  if (to_text.find("null") != std::string_view::npos || !from->is_object() || !to->is_object())
    return;
  CHECK(kube::apply_merge_patch(*from, kube::make_merge_patch(*from, *to)) == *to);
}

// A kind, an object of it, and a patch.
void fuzz_strategic_patch(std::string_view input) {
  const auto [kind, target_text, patch_text] = split_input<3>(input);
  const auto target = parse_json(target_text);
  const auto patch = parse_json(patch_text);
  if (!target || !patch) return;
  const auto patched = kube::apply_strategic_patch(kind, *target, *patch);
  if (patched) CHECK(is_json(*patched));
  const auto same = kube::apply_strategic_patch(kind, *target, Json::object());
  if (target->is_object()) CHECK(same && *same == *target);
}

}  // namespace breakwater::fuzz
