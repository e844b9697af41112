#include "policy/served_kinds.h"

namespace breakwater::policy {
namespace {

constexpr Duration kKeep = std::chrono::minutes(1);

}  // namespace

Result<bool> ServedKinds::serves(const kube::Kind& kind) {
  Answer& answer = answers_[kind.group_resource()];
  if (clock_.monotonic() < answer.until) return answer.served;
  kube::ListOptions one;
  one.limit = 1;
  one.any_version = true;
  const auto listed = client_.list_page(kind, "", one);
  if (!listed && !listed.error().is(Code::kNotFound)) return tl::unexpected(listed.error());
  answer = {listed.has_value(), clock_.monotonic() + kKeep};
  return answer.served;
}

Result<std::vector<kube::Object>> ServedKinds::list(kube::Reader& reader, const kube::Kind& kind,
                                                    const std::string& ns) {
  if (!TRY(serves(kind))) return std::vector<kube::Object>();
  return reader.list(kind, ns);
}

}  // namespace breakwater::policy
