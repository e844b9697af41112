#include "kube/client.h"

#include <algorithm>

namespace breakwater::kube {
namespace {

constexpr int64_t kPageSize = 500;
constexpr int kMostAttempts = 5;

Result<std::vector<Object>> list_pages(Client& client, const Kind& kind, const std::string& ns,
                                       ListOptions options, const Call& call) {
  std::vector<Object> out;
  while (true) {
    TRY(call.cancel.check());
    ObjectList page = TRY(client.list_page(kind, ns, options, call));
    std::move(page.items.begin(), page.items.end(), std::back_inserter(out));
    if (page.continue_token.empty()) return out;
    options.continue_token = std::move(page.continue_token);
  }
}

}  // namespace

Result<std::vector<Object>> Client::list(const Kind& kind, const std::string& ns,
                                         const LabelSelector& labels, const Call& call) {
  ListOptions options;
  options.labels = labels;
  options.limit = kPageSize;
  auto objects = list_pages(*this, kind, ns, options, call);
  if (!objects && objects.error().is(Code::kExpired)) {
    // The collection changed too much between two pages: take it in one piece.
    options.limit = 0;
    objects = list_pages(*this, kind, ns, options, call);
  }
  if (objects) {
    std::sort(objects->begin(), objects->end(),
              [](const Object& a, const Object& b) { return a.key() < b.key(); });
  }
  return objects;
}

Result<Object> Client::update_subresource(const Kind& kind, const Object& object,
                                          const std::string& subresource, const Call& call) {
  if (subresource.empty()) return update(kind, object, call);
  if (subresource == "status") return update_status(kind, object, call);
  return fail(Code::kUnsupported, "this client writes no subresource {} of {}", subresource,
              kind.group_resource());
}

Result<> remove_if_exists(Client& client, const Kind& kind, const Key& key,
                          const DeleteOptions& options) {
  auto removed = client.remove(kind, key, options);
  if (!removed && removed.error().is(Code::kNotFound)) return {};
  return removed;
}

Result<Object> edit(Client& client, const Kind& kind, const Key& key, bool status,
                    const std::function<Result<bool>(Object&)>& change) {
  for (int attempt = 1;; ++attempt) {
    const Object before = TRY(client.get(kind, key));
    Object after = before;
    if (!TRY(change(after)) || after == before) return before;
    auto written = status ? client.update_status(kind, after) : client.update(kind, after);
    if (written || !written.error().is(Code::kConflict) || attempt == kMostAttempts) {
      return while_doing(std::move(written), "writing {} {}", kind.kind, key.to_string());
    }
  }
}

}  // namespace breakwater::kube
