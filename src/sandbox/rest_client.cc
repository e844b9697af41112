#include "sandbox/rest_client.h"

#include "base/encoding.h"

namespace breakwater::sandbox {
namespace {

using kube::Call;
using kube::Key;
using kube::Kind;
using kube::Object;

class RestClient final : public kube::Client {
 public:
  RestClient(std::unique_ptr<kube::Client> inner, apiserver::Rest& rest, apiserver::User user)
      : inner_(std::move(inner)), rest_(rest), user_(std::move(user)) {}

  Result<Object> get(const Kind& kind, const Key& key, const Call& call) override {
    return inner_->get(kind, key, call);
  }
  Result<kube::ObjectList> list_page(const Kind& kind, const std::string& ns,
                                     const kube::ListOptions& options, const Call& call) override {
    return inner_->list_page(kind, ns, options, call);
  }
  Result<Object> create(const Kind& kind, const Object& object, const Call& call) override {
    return inner_->create(kind, object, call);
  }
  Result<Object> update(const Kind& kind, const Object& object, const Call& call) override {
    return inner_->update(kind, object, call);
  }
  Result<Object> update_status(const Kind& kind, const Object& object,
                               const Call& call) override {
    return inner_->update_status(kind, object, call);
  }
  Result<Object> patch(const Kind& kind, const Key& key, kube::PatchType type, const Json& patch,
                       const std::string& subresource, const Call& call) override {
    return inner_->patch(kind, key, type, patch, subresource, call);
  }
  Result<> remove(const Kind& kind, const Key& key, const kube::DeleteOptions& options,
                  const Call& call) override {
    return inner_->remove(kind, key, options, call);
  }
  Result<std::unique_ptr<kube::Watch>> watch(const Kind& kind, const std::string& ns,
                                             const kube::WatchOptions& options,
                                             const Call& call) override {
    return inner_->watch(kind, ns, options, call);
  }

  Result<std::string> get_raw(const std::string& path, const Call&) override {
    apiserver::Request request;
    request.method = "GET";
    request.user = user_;
    request.accept = "application/json";
    const size_t question = path.find('?');
    request.path = TRY(url_decode(path.substr(0, question)));
    if (question != std::string::npos) TRY(add_query(path.substr(question + 1), request));
    apiserver::Response response = rest_.handle(request);
    if (response.status < 400) return std::move(response.body);
    return tl::unexpected(
        kube::error_of(response.status, parse_json(response.body).value_or(Json())));
  }

 private:
  static Result<> add_query(std::string_view text, apiserver::Request& request) {
    while (!text.empty()) {
      const size_t end = std::min(text.find('&'), text.size());
      const std::string_view pair = text.substr(0, end);
      const size_t equals = std::min(pair.find('='), pair.size());
      const std::string_view value = equals < pair.size() ? pair.substr(equals + 1) : "";
      request.query[TRY(url_decode(pair.substr(0, equals), true))] = TRY(url_decode(value, true));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    return {};
  }

  const std::unique_ptr<kube::Client> inner_;
  apiserver::Rest& rest_;
  const apiserver::User user_;
};

}  // namespace

std::unique_ptr<kube::Client> make_rest_client(std::unique_ptr<kube::Client> inner,
                                               apiserver::Rest& rest, apiserver::User user) {
  return std::make_unique<RestClient>(std::move(inner), rest, std::move(user));
}

}  // namespace breakwater::sandbox
