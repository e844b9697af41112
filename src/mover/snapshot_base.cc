#include "mover/snapshot_base.h"

#include "api/kinds.h"
#include "api/names.h"
#include "mover/data_move.h"

namespace breakwater::mover {

using kube::Key;
using kube::Kind;
using kube::Object;
using kube::Outcome;

namespace {

constexpr Duration kMostWait = std::chrono::minutes(1);
constexpr Duration kLook = std::chrono::minutes(1);
constexpr std::string_view kNamePrefix = "breakwater-base-";

std::string base_name(const std::string& claim_uid) { return std::string(kNamePrefix) + claim_uid; }

// Of what a move exposes of a base.
Key own_key(const Kind& kind, const Object& move) {
  return {kind.namespaced ? namespace_of(move) : "", child_names(kind, move).front() + "-base"};
}

Object make_own(const Kind& kind, const Object& move) {
  Object own = make_child(kind, move);
  own.set({"metadata", "name"}, own_key(kind, move).name);
  return own;
}

Result<std::optional<Object>> find_own(kube::Client& client, const Kind& kind, const Object& move) {
  auto found = TRY(find_live(client, kind, own_key(kind, move)));
  if (found && !is_child(*found, move)) return std::nullopt;
  return found;
}

// Nothing if the name is somebody else's, or goes.
Result<std::optional<Object>> ensure_own(kube::Client& client, const Kind& kind, const Object& move,
                                         const Object& wanted) {
  auto created = client.create(kind, wanted);
  if (created) return std::move(*created);
  if (!created.error().is(Code::kAlreadyExists)) return tl::unexpected(std::move(created).error());
  auto found = TRY(find_own(client, kind, move));
  if (found && found->is_deleting()) return std::nullopt;
  return found;
}

Result<Step> remove(kube::Client& client, const Kind& kind, const Object& object) {
  if (!object.is_deleting()) {
    kube::DeleteOptions options;
    options.uid = object.uid();
    TRY(kube::remove_if_exists(client, kind, object.key(), options));
    const auto left = TRY(find_live(client, kind, object.key()));
    if (!left || left->uid() != object.uid()) return Step{};
  }
  return Step::wait(fmt::format("waiting for {} {} to go", kind.kind, object.key().to_string()));
}

const std::string& handle_of(const Object& content) {
  return content.spec()["source"]["snapshotHandle"].as_string();
}

bool is_base_of(const Object& content, const std::string& claim_uid) {
  return content.label(api::kBaseOfLabel) == claim_uid &&
         content.label(api::kManagedByLabel) == api::kManagedBy;
}

// Whether snapshots of this content's class can be compared.
Result<bool> tells_changes(kube::Client& client, const Object& content) {
  const std::string& name = content.spec()["volumeSnapshotClassName"].as_string();
  if (name.empty()) return false;
  const auto snapshot_class = TRY(find_live(client, api::kVolumeSnapshotClass, {"", name}));
  return snapshot_class &&
         snapshot_class->annotation(api::kChangedBlocksAnnotation) == api::kSharedExtents;
}

Json reference_to(const Key& snapshot) {
  return Json::object({{"apiVersion", api::kVolumeSnapshot.api_version()},
                       {"kind", api::kVolumeSnapshot.kind},
                       {"namespace", snapshot.ns},
                       {"name", snapshot.name}});
}

// Another content of the same handle.
Json spec_like(const Object& content, std::string_view policy, const Key& snapshot) {
  Json spec = Json::object({{"deletionPolicy", policy}});
  spec.set("driver", content.spec()["driver"]);
  spec.set({"source", "snapshotHandle"}, handle_of(content));
  for (const char* member : {"sourceVolumeMode", "volumeSnapshotClassName"}) {
    if (content.spec().has(member)) spec.set(member, content.spec()[member]);
  }
  spec.set("volumeSnapshotRef", reference_to(snapshot));
  return spec;
}

Result<> set_policy(kube::Client& client, const Object& content, std::string_view policy) {
  TRY(kube::edit(client, api::kVolumeSnapshotContent, content.key(), false,
                 [&](Object& now) -> Result<bool> {
                   if (now.uid() != content.uid()) return false;
                   if (now.spec()["deletionPolicy"].as_string() == policy) return false;
                   now.set({"spec", "deletionPolicy"}, policy);
                   return true;
                 }));
  return {};
}

}  // namespace

Result<Step> SnapshotBases::expose(const Object& move, const Key& claim,
                                   const std::string& parent) {
  kube::Client& client = environment_.client;
  auto content = TRY(find_own(client, api::kVolumeSnapshotContent, move));
  if (!content) {
    if (TRY(find_child(client, api::kPod, move))) return Step{};  // it began without
    content = TRY(make_content(move, claim, parent));
  }
  if (!content || content->is_deleting() || TRY(is_late(*content))) return Step{};
  Object wanted = make_own(api::kVolumeSnapshot, move);
  wanted.set({"spec", "source", "volumeSnapshotContentName"}, content->name());
  const Json& snapshot_class = content->spec()["volumeSnapshotClassName"];
  if (!snapshot_class.is_null()) wanted.set({"spec", "volumeSnapshotClassName"}, snapshot_class);
  const auto snapshot = TRY(ensure_own(client, api::kVolumeSnapshot, move, wanted));
  const auto own = TRY(find_child(client, api::kPersistentVolumeClaim, move));
  if (!snapshot || !own) return Step{};
  if (!snapshot->status()["readyToUse"].as_bool()) {
    return Step::wait(fmt::format("waiting for VolumeSnapshot {}, the previous one of the claim",
                                  snapshot->key().to_string()));
  }
  const auto exposed =
      TRY(ensure_own(client, api::kPersistentVolumeClaim, move, make_claim(move, *own, *snapshot)));
  if (!exposed || exposed->phase() == "Bound") return Step{};
  return Step::wait(
      fmt::format("waiting for PersistentVolumeClaim {}, made of the previous snapshot",
                  exposed->key().to_string()));
}

// The base itself is not touched: the move's own content of its handle is what a VolumeSnapshot is
// bound to. Nothing if there is no base to use.
Result<std::optional<Object>> SnapshotBases::make_content(const Object& move, const Key& claim,
                                                          const std::string& parent) {
  const auto base = TRY(find_base(move, claim, parent));
  if (!base) return std::nullopt;
  Object content = make_own(api::kVolumeSnapshotContent, move);
  content.set_annotation(api::kBaseSnapshotAnnotation,
                         base->annotation(api::kBaseSnapshotAnnotation));
  content.set({"spec"}, spec_like(*base, "Retain", own_key(api::kVolumeSnapshot, move)));
  return ensure_own(environment_.client, api::kVolumeSnapshotContent, move, content);
}

Result<std::optional<Object>> SnapshotBases::find_base(const Object& move, const Key& claim,
                                                       const std::string& parent) {
  kube::Client& client = environment_.client;
  const auto clone = TRY(find_child(client, api::kVolumeSnapshotContent, move));
  const auto source = TRY(find_live(client, api::kPersistentVolumeClaim, claim));
  if (!clone || !source) return std::nullopt;
  auto base = TRY(find_live(client, api::kVolumeSnapshotContent, {"", base_name(source->uid())}));
  if (!base || base->is_deleting() || !is_base_of(*base, source->uid())) return std::nullopt;
  const std::string& snapshot = base->annotation(api::kBaseSnapshotAnnotation);
  const bool fits = !snapshot.empty() && !handle_of(*base).empty() &&
                    base->spec()["driver"] == clone->spec()["driver"] &&
                    base->spec()["volumeSnapshotRef"]["namespace"].as_string() == move.ns() &&
                    (parent.empty() || parent == snapshot);
  if (!fits || !TRY(tells_changes(client, *clone))) return std::nullopt;
  return base;
}

Result<bool> SnapshotBases::is_late(const Object& content) const {
  return environment_.clock.now() - content.created() > kMostWait;
}

// As the move's own claim, which is as large as the volume.
Object SnapshotBases::make_claim(const Object& move, const Object& own,
                                 const Object& snapshot) const {
  Object claim = make_own(api::kPersistentVolumeClaim, move);
  Json spec = Json::object({{"accessModes", Json::array({"ReadWriteOnce"})},
                            {"volumeMode", own.spec()["volumeMode"]},
                            {"storageClassName", own.spec()["storageClassName"]},
                            {"resources", own.spec()["resources"]}});
  spec.set("dataSource", Json::object({{"apiGroup", api::kVolumeSnapshot.group},
                                       {"kind", api::kVolumeSnapshot.kind},
                                       {"name", snapshot.name()}}));
  claim.set({"spec"}, std::move(spec));
  return claim;
}

Result<std::optional<SnapshotBases::Exposed>> SnapshotBases::find_exposed(const Object& move) {
  const auto claim = TRY(find_own(environment_.client, api::kPersistentVolumeClaim, move));
  const auto content = TRY(find_own(environment_.client, api::kVolumeSnapshotContent, move));
  if (!claim || !content || claim->is_deleting() || claim->phase() != "Bound") return std::nullopt;
  return Exposed{claim->name(), content->annotation(api::kBaseSnapshotAnnotation)};
}

Result<Step> SnapshotBases::dispose(const Object& move) {
  kube::Client& client = environment_.client;
  for (const Kind* kind :
       {&api::kPersistentVolumeClaim, &api::kVolumeSnapshot, &api::kVolumeSnapshotContent}) {
    const auto own = TRY(find_own(client, *kind, move));
    if (!own) continue;
    const std::string& volume = own->spec()["volumeName"].as_string();
    if (!volume.empty() && !own->is_deleting()) TRY(set_reclaim_policy(client, volume, "Delete"));
    const Step gone = TRY(remove(client, *kind, *own));
    if (!gone.done) return gone;
  }
  return Step{};
}

Result<Step> SnapshotBases::keep(const Object& move, const Key& claim,
                                 const std::string& snapshot) {
  kube::Client& client = environment_.client;
  const auto clone = TRY(find_child(client, api::kVolumeSnapshotContent, move));
  if (!clone || clone->is_deleting() || snapshot.empty()) return Step{};
  const bool block = clone->spec()["sourceVolumeMode"].as_string() == "Block";
  if (!block || !TRY(tells_changes(client, *clone))) return Step{};
  const auto source = TRY(find_live(client, api::kPersistentVolumeClaim, claim));
  if (!source || source->is_deleting()) return Step{};
  Object base = Object::make(api::kVolumeSnapshotContent, {"", base_name(source->uid())});
  base.set_label(api::kManagedByLabel, api::kManagedBy);
  base.set_label(api::kBaseOfLabel, source->uid());
  base.set_annotation(api::kBaseClaimAnnotation, claim.to_string());
  base.set_annotation(api::kBaseSnapshotAnnotation, snapshot);
  base.set({"spec"}, spec_like(*clone, "Delete", {move.ns(), base.name()}));
  const Step replaced = TRY(replace_base(base, *clone));
  if (!replaced.done) return replaced;
  const auto now = TRY(find_live(client, api::kVolumeSnapshotContent, base.key()));
  // From here on the base alone holds the storage's snapshot; if it is not ours, the clone does.
  if (now && handle_of(*now) == handle_of(*clone)) TRY(set_policy(client, *clone, "Retain"));
  return Step{};
}

// Done when the base is there, or cannot be had.
Result<Step> SnapshotBases::replace_base(const Object& base, const Object& content) {
  kube::Client& client = environment_.client;
  const auto present = TRY(find_live(client, api::kVolumeSnapshotContent, base.key()));
  if (present && !is_base_of(*present, base.label(api::kBaseOfLabel))) return Step{};
  if (present && !present->is_deleting() && handle_of(*present) == handle_of(content)) {
    return Step{};
  }
  if (present) {
    const Step gone = TRY(remove(client, api::kVolumeSnapshotContent, *present));
    if (!gone.done) return gone;
  }
  auto created = client.create(api::kVolumeSnapshotContent, base);
  if (created || created.error().is(Code::kForbidden)) return Step{};
  if (created.error().is(Code::kAlreadyExists))
    return Step::wait("another move keeps its snapshot");
  return tl::unexpected(std::move(created).error());
}

namespace {

class BaseCollector final : public kube::Reconciler {
 public:
  BaseCollector(Settings settings, Environment environment)
      : settings_(std::move(settings)), environment_(std::move(environment)) {}

  Outcome reconcile(const Key& key) override {
    const auto base = TRY(find_live(environment_.client, api::kVolumeSnapshotContent, key));
    if (!base || base->is_deleting() || !is_ours(*base)) return Outcome::done();
    if (TRY(is_wanted(*base))) return Outcome::again_after(kLook);
    environment_.log.info("removing the snapshot kept of a claim that is gone",
                          {{"claim", base->annotation(api::kBaseClaimAnnotation)}});
    TRY(remove(environment_.client, api::kVolumeSnapshotContent, *base));
    return Outcome::done();
  }

 private:
  bool is_ours(const Object& content) const {
    return is_base_of(content, content.label(api::kBaseOfLabel)) &&
           content.name() == base_name(content.label(api::kBaseOfLabel)) &&
           content.spec()["volumeSnapshotRef"]["namespace"].as_string() ==
               settings_.engine_namespace;
  }

  Result<bool> is_wanted(const Object& base) {
    const std::string& name = base.annotation(api::kBaseClaimAnnotation);
    const size_t slash = name.find('/');
    if (slash == std::string::npos) return false;
    const Key key{name.substr(0, slash), name.substr(slash + 1)};
    const auto claim = TRY(find_live(environment_.client, api::kPersistentVolumeClaim, key));
    if (!claim || claim->is_deleting() || claim->uid() != base.label(api::kBaseOfLabel)) {
      return false;
    }
    return tells_changes(environment_.client, base);
  }

  const Settings settings_;
  const Environment environment_;
};

}  // namespace

kube::ControllerSpec make_base_controller(const Settings& settings,
                                          const Environment& environment) {
  kube::ControllerSpec spec;
  spec.name = "snapshot-base";
  spec.reconciler = std::make_unique<BaseCollector>(settings, environment);
  spec.sources.push_back({api::kVolumeSnapshotContent, "", [](const Object& content) {
                            return content.has_label(api::kBaseOfLabel)
                                       ? std::vector<Key>{content.key()}
                                       : std::vector<Key>();
                          }});
  return spec;
}

}  // namespace breakwater::mover
