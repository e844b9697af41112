#include "policy/hub_secrets.h"

#include "api/kinds.h"
#include "api/names.h"
#include "base/encoding.h"
#include "base/hash.h"

namespace breakwater::policy {
namespace {

using kube::Key;
using kube::Object;

constexpr size_t kPasswordBytes = 32;
// A copy that was right is believed in for so long.
constexpr Duration kBelieveCopy = std::chrono::minutes(10);

bool is_ours(const Object& secret) { return secret.label(api::kManagedByLabel) == api::kManagedBy; }

class SecretReconciler final : public kube::Reconciler {
 public:
  SecretReconciler(Duration interval, std::shared_ptr<HubSecrets> secrets,
                   std::function<void(const Key&)> changed)
      : interval_(interval), secrets_(std::move(secrets)), changed_(std::move(changed)) {}

  kube::Outcome reconcile(const Key& key) override {
    const bool changed = TRY(secrets_->refresh(key));
    if (changed) changed_(key);
    return kube::Outcome::again_after(interval_);
  }

 private:
  const Duration interval_;
  const std::shared_ptr<HubSecrets> secrets_;
  const std::function<void(const Key&)> changed_;
};

}  // namespace

std::string content_hash(const Object& secret) {
  std::map<std::string, std::string> sorted;
  for (const auto& [name, value] : secret["data"].members()) sorted[name] = value.as_string();
  std::string text = secret.uid();  // so that equal hashes tell nobody of equal Secrets
  for (const auto& [name, value] : sorted) text += fmt::format("\n{}\n{}", name, value);
  const Sha256Digest digest = sha256(as_bytes(text));
  return to_hex(ByteSpan(digest).first(16));
}

bool has_password(const Object& secret) {
  return !secret["data"][api::kRepositoryPasswordKey].as_string().empty();
}

Result<std::optional<Object>> HubSecrets::look(const Key& key) {
  if (!seen_.contains(key)) {
    TRY(refresh(key));
    services_.enqueue(kHubSecretController, key);
  }
  return seen_[key];
}

Result<bool> HubSecrets::refresh(const Key& key) {
  auto found = services_.client.get(api::kSecret, key);
  if (!found && !found.error().is(Code::kNotFound)) return tl::unexpected(found.error());
  std::optional<Object> now;
  if (found) now = std::move(*found);
  const auto before = seen_.find(key);
  const bool same =
      before != seen_.end() && before->second.has_value() == now.has_value() &&
      (!now ||
       (before->second->uid() == now->uid() && (*before->second)["data"] == (*now)["data"] &&
        before->second->metadata()["annotations"] == now->metadata()["annotations"]));
  seen_[key] = std::move(now);
  return untold_.erase(key) > 0 || !same;
}

Result<> HubSecrets::make_password(const Key& key) {
  Object secret = TRY(services_.client.get(api::kSecret, key));
  if (!has_password(secret)) {
    Bytes random(kPasswordBytes);
    services_.random.fill(random);
    // The password itself is text: people copy it to safe places.
    const std::string password = to_hex(random);
    secret.set({"data", api::kRepositoryPasswordKey}, to_base64(as_bytes(password)));
    if (!secret.has_label(api::kHubBackupLabel)) secret.set_label(api::kHubBackupLabel, "");
    secret.set_annotation(api::kPasswordGeneratedAnnotation, format_rfc3339(services_.clock.now()));
    secret = TRY(services_.client.update(api::kSecret, secret));
    services_.log.info("generated a repository password", {{"secret", key.to_string()}});
    services_.events.normal(secret, "RepositoryPasswordGenerated",
                            fmt::format("key {} was generated; keep a copy outside of this hub",
                                        api::kRepositoryPasswordKey));
    untold_.insert(key);
    services_.enqueue(kHubSecretController, key);
  }
  seen_[key] = std::move(secret);
  return {};
}

Result<> HubSecrets::copy(const Object& secret, const Key& copy) {
  const std::string hash = content_hash(secret);
  const auto known = verified_.find(copy);
  const Duration now = services_.clock.monotonic();
  if (known != verified_.end() && known->second.hash == hash &&
      now - known->second.at < kBelieveCopy) {
    return {};
  }
  auto live = services_.client.get(api::kSecret, copy);
  if (!live && !live.error().is(Code::kNotFound)) return tl::unexpected(live.error());
  if (live && !is_ours(*live)) {
    return fail(Code::kInvalid,
                "namespace {} has a Secret {} of its own: rename the Secret that key "
                "credentials_hub_secret_name names",
                copy.ns, copy.name);
  }
  Object wanted = live ? *live : Object::make(api::kSecret, copy);
  wanted.set_label(api::kManagedByLabel, api::kManagedBy);
  wanted.set_annotation(api::kContentHashAnnotation, hash);
  wanted.set({"data"}, secret["data"]);
  if (!live) {
    wanted.set({"type"}, "Opaque");
    TRY(services_.client.create(api::kSecret, wanted));
  } else if (!(wanted == *live)) {
    TRY(services_.client.update(api::kSecret, wanted));
  }
  verified_[copy] = {hash, now};
  return {};
}

Result<> HubSecrets::remove_copy(const Key& copy) {
  verified_.erase(copy);
  auto live = services_.client.get(api::kSecret, copy);
  if (!live && live.error().is(Code::kNotFound)) return {};
  const Object secret = TRY(std::move(live));
  if (!is_ours(secret)) return {};
  return kube::remove_if_exists(services_.client, api::kSecret, copy,
                                {secret.uid(), secret.resource_version()});
}

kube::ControllerSpec make_hub_secret_controller(const HubSettings& settings,
                                                std::shared_ptr<HubSecrets> secrets,
                                                std::function<void(const Key&)> changed) {
  kube::ControllerSpec spec;
  spec.name = kHubSecretController;
  spec.reconciler = std::make_unique<SecretReconciler>(settings.secret_interval, std::move(secrets),
                                                       std::move(changed));
  return spec;
}

}  // namespace breakwater::policy
