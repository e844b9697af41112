#include "tests/sim/story.h"

#include "api/kinds.h"
#include "api/names.h"
#include "api/phases.h"
#include "tests/sim/objects.h"

namespace breakwater::sim {
namespace {

using kube::Object;

constexpr Duration kSoon = std::chrono::minutes(5);
// With retries, pauses of back-off and half a minute of pause after each crash.
constexpr Duration kLong = std::chrono::minutes(30);
constexpr uint64_t kMiB = 1 << 20;

}  // namespace

Story::Story(World& world) : world_(world), dice_(world.random().next()) {}

Result<> Story::set_up_engine() {
  TRY(client().create(api::kNamespace, namespace_object(kEngineNamespace)));
  TRY(client().create(api::kSecret, repository_secret(world_.password())));
  const Json crons = Json::object({{"every_40s", "@every 40s"}, {"minutely", "* * * * *"}});
  TRY(client().create(api::kVirtInstallPolicy, install_policy(world_.store(), crons)));
  TRY(client().create(api::kVirtBackupPolicy, backup_policy(world_.store(), crons)));
  return world_.until("the location to be Available", kSoon, [this]() -> Result<bool> {
    for (const Object& location :
         TRY(client().list(api::kBackupStorageLocation, kEngineNamespace))) {
      if (location.phase() == "Available") return true;
    }
    return false;
  });
}

Result<> Story::create_machine(Machine& machine) {
  for (const std::string& disk : machine.disks) {
    const uint64_t size = (1 + dice_.below(4)) * kMiB + 4096 * dice_.below(2);
    TRY(client().create(api::kPersistentVolumeClaim, claim_object(machine, disk, size)));
    TRY(world_.until("a disk", kSoon, [&]() -> Result<bool> {
      return !TRY(disk_file(client(), {machine.key.ns, disk})).empty();
    }));
  }
  TRY(scribble(client(), machine, dice_));
  machine.uid = TRY(client().create(api::kVirtualMachine, machine_object(machine))).uid();
  if (!machine.labelled()) world_.invariants().never_saved(machine.uid, machine.key);
  return {};
}

Result<> Story::create_machines() {
  machines_ = draw_machines(dice_);
  for (Machine& machine : machines_) {
    const Object ns = namespace_object(machine.key.ns);
    auto created = client().create(api::kNamespace, ns);
    if (!created && !created.error().is(Code::kAlreadyExists)) {
      return tl::unexpected(created.error());
    }
    TRY(create_machine(machine));
  }
  return {};
}

Result<> Story::set_label(const Machine& machine, const Json& value) {
  Json patch = Json::object();
  patch.set({"metadata", "labels", api::kBackupVmLabel}, value);
  TRY(client().patch(api::kVirtualMachine, machine.key, kube::PatchType::kMerge, patch));
  return {};
}

// One of the victim whose snapshots are cut: nothing written from now on is in it.
Result<Object> Story::find_backup(Time started_after) {
  Object found;
  const Object vm = TRY(client().get(api::kVirtualMachine, victim().key));
  TRY(world_.until("a Backup with its snapshots", kLong, [&]() -> Result<bool> {
    for (const Object& backup : TRY(client().list(api::kBackup, kEngineNamespace))) {
      if (backup.annotation(victim().uid).empty() || !selects(backup, vm)) continue;
      if (backup.created() <= started_after) continue;
      const auto started = parse_rfc3339(backup.status()["startTimestamp"].as_string());
      if (!started || *started <= started_after) continue;
      if (api::backup_blocks_schedule(backup.phase())) continue;
      found = backup;
      return true;
    }
    return false;
  }));
  return found;
}

Result<> Story::back_up() {
  for (const Machine& machine : machines_) TRY(scribble(client(), machine, dice_));
  const Contents written = TRY(read_disks(client(), victim()));
  Object backup = TRY(find_backup(world_.clock().now()));
  if (dice_.chance(0.5)) TRY(scribble(client(), victim(), dice_));
  TRY(world_.until("the Backup to end", kLong, [&]() -> Result<bool> {
    backup = TRY(client().get(api::kBackup, backup.key()));
    return api::backup_is_terminal(backup.phase());
  }));
  if (backup.phase() != api::backup_phase::kCompleted) {
    return fail(Code::kInternal, "Backup {} is {}: {}", backup.name(), backup.phase(),
                to_json(backup.status()));
  }
  backup_ = backup.name();
  expected_ = written;
  return {};
}

Result<> Story::meddle() {
  if (dice_.chance(0.5)) {
    TRY(set_label(victim(), Json()));
    TRY(world_.pass(std::chrono::milliseconds(dice_.below(60'000))));
  } else {
    victim().cron = victim().cron == "minutely" ? "every_40s" : "minutely";
  }
  TRY(set_label(victim(), victim().cron));
  world_.invariants().relabelled(world_.clock().now());
  return {};
}

Result<> Story::destroy() {
  const std::string ns = victim().key.ns;
  TRY(client().remove(api::kNamespace, {"", ns}));
  TRY(world_.until("the namespace to be gone", kLong, [&]() -> Result<bool> {
    const auto there = client().get(api::kNamespace, {"", ns});
    return !there && there.error().is(Code::kNotFound);
  }));
  for (size_t i = machines_.size() - 1; i > 0; --i) {
    if (machines_[i].key.ns != ns) continue;
    lost_.push_back(machines_[i]);
    machines_.erase(machines_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return {};
}

Result<> Story::restore() {
  const Object wanted = restore_by_uid("restore-1", backup_, victim().uid);
  TRY(client().create(api::kRestore, wanted));
  Object restore;
  TRY(world_.until("the Restore to end", kLong, [&]() -> Result<bool> {
    restore = TRY(client().get(api::kRestore, wanted.key()));
    return api::restore_is_terminal(restore.phase());
  }));
  if (restore.phase() == api::backup_phase::kCompleted) return {};
  return fail(Code::kInternal, "the Restore is {}: {}", restore.phase(), to_json(restore.status()));
}

Result<> Story::compare() {
  const Contents found = TRY(read_disks(client(), victim()));
  for (const auto& [disk, content] : expected_) {
    if (found.at(disk) == content) continue;
    return fail(Code::kCorrupt, "disk {} was restored with other bytes", disk);
  }
  victim().uid = TRY(client().get(api::kVirtualMachine, victim().key)).uid();
  for (const Machine& machine : lost_) {
    if (client().get(api::kVirtualMachine, machine.key)) {
      return fail(Code::kInternal, "VM {} was restored, too", machine.key.to_string());
    }
    for (const std::string& disk : machine.disks) {
      if (!client().get(api::kPersistentVolumeClaim, {machine.key.ns, disk})) continue;
      return fail(Code::kInternal, "claim {} was restored, too", disk);
    }
  }
  return {};
}

Result<> Story::run() {
  if (!world_.swarm().clean_start) world_.start_faults();
  TRY(set_up_engine());
  TRY(create_machines());
  world_.start_faults();
  for (const Machine& machine : machines_) {
    if (machine.labelled()) TRY(set_label(machine, machine.cron));
    TRY(world_.pass(std::chrono::milliseconds(dice_.below(30'000))));
  }
  const uint64_t rounds = 1 + dice_.below(3);
  for (uint64_t round = 0; round < rounds; ++round) {
    if (dice_.chance(0.2)) TRY(meddle());
    TRY(back_up());
  }
  TRY(destroy());
  TRY(restore());
  TRY(compare());
  TRY(recover());
  return end();
}

}  // namespace breakwater::sim
