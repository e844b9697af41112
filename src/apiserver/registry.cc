#include "apiserver/registry.h"

#include <algorithm>
#include <tuple>

#include "apiserver/builtin_kinds.h"
#include "apiserver/crd.h"

namespace breakwater::apiserver {
namespace {

auto place(const ServedKind& kind) {
  return std::tuple<std::string_view, std::string_view, std::string_view>(kind.group, kind.version,
                                                                          kind.plural);
}

}  // namespace

bool ServedKind::has_subresource(std::string_view subresource) const {
  if (subresource == "status") return has_status_subresource;
  return std::find(subresources.begin(), subresources.end(), subresource) != subresources.end();
}

Registry::Registry() : kinds_(builtin_kinds()) {}

Result<> Registry::add_crd(const Json& crd) {
  auto kinds = TRY(kinds_of_crd(crd));
  std::lock_guard lock(mutex_);
  const std::string& group = crd.at({"spec", "group"}).as_string();
  const std::string& plural = crd.at({"spec", "names", "plural"}).as_string();
  for (const ServedKindPtr& kind : kinds_) {
    if (kind->builtin && kind->group == group && kind->plural == plural) {
      return fail(Code::kInvalid, "CustomResourceDefinition {}.{}: this kind is built in", plural,
                  group);
    }
  }
  std::erase_if(kinds_, [&](const ServedKindPtr& kind) {
    return kind->group == group && kind->plural == plural;
  });
  kinds_.insert(kinds_.end(), kinds.begin(), kinds.end());
  std::sort(kinds_.begin(), kinds_.end(),
            [](const ServedKindPtr& a, const ServedKindPtr& b) { return place(*a) < place(*b); });
  ++generation_;
  return {};
}

void Registry::remove_crd(const Json& crd) {
  std::lock_guard lock(mutex_);
  const std::string& group = crd.at({"spec", "group"}).as_string();
  const std::string& plural = crd.at({"spec", "names", "plural"}).as_string();
  std::erase_if(kinds_, [&](const ServedKindPtr& kind) {
    return !kind->builtin && kind->group == group && kind->plural == plural;
  });
  ++generation_;
}

Result<ServedKindPtr> Registry::find(std::string_view group, std::string_view version,
                                     std::string_view plural) const {
  std::lock_guard lock(mutex_);
  const auto wanted = std::tuple(group, version, plural);
  const auto at = std::lower_bound(
      kinds_.begin(), kinds_.end(), wanted,
      [](const ServedKindPtr& kind, const auto& key) { return place(*kind) < key; });
  if (at != kinds_.end() && place(**at) == wanted) return *at;
  return fail(Code::kNotFound, "the server could not find the requested resource ({}.{}/{})",
              plural, group, version);
}

Result<ServedKindPtr> Registry::find_kind(std::string_view group, std::string_view version,
                                          std::string_view kind) const {
  std::lock_guard lock(mutex_);
  for (const ServedKindPtr& served : kinds_) {
    if (served->group == group && served->version == version && served->kind == kind) return served;
  }
  return fail(Code::kNotFound, "no matches for kind \"{}\" in version \"{}{}{}\"", kind, group,
              group.empty() ? "" : "/", version);
}

std::vector<ServedKindPtr> Registry::all() const {
  std::lock_guard lock(mutex_);
  return kinds_;
}

uint64_t Registry::generation() const {
  std::lock_guard lock(mutex_);
  return generation_;
}

}  // namespace breakwater::apiserver
