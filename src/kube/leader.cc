#include "kube/leader.h"

#include <algorithm>

namespace breakwater::kube {
namespace {

constexpr Kind kLease{"coordination.k8s.io", "v1", "Lease", "leases", true, false};

}  // namespace

LeaderElection::LeaderElection(Client& client, const Clock& clock, LeaderSettings settings,
                               Logger log)
    : client_(client),
      clock_(clock),
      settings_(std::move(settings)),
      log_(log.with("lease", settings_.lease.to_string())),
      next_due_(clock.monotonic()),
      observed_at_(clock.monotonic()) {}

bool LeaderElection::tick() {
  const Duration now = clock_.monotonic();
  if (now >= next_due_) {
    const bool was_leading = leading_;
    auto acquired = try_acquire();
    if (acquired) {
      leading_ = *acquired;
      if (leading_) renewed_at_ = now;  // from before the request: others count from after it
    } else if (!acquired.error().is(Code::kConflict)) {
      log_.warning("lease not renewed", {{"error", acquired.error().to_string()}});
    }
    if (leading_ && !was_leading) log_.info("leading", {{"identity", settings_.identity}});
    if (!leading_ && was_leading) log_.warning("leadership lost to another replica");
    next_due_ = clock_.monotonic() + settings_.retry_period;
  }
  if (leading_ && clock_.monotonic() - renewed_at_ >= settings_.lease_duration) {
    log_.warning("leadership lost: the lease could not be renewed in time");
    leading_ = false;
  }
  return leading_;
}

// Whether the lease is ours now. An error leaves open whether it is.
Result<bool> LeaderElection::try_acquire() {
  Call call;
  call.timeout = std::max<Duration>(settings_.lease_duration / 3, std::chrono::milliseconds(100));
  const std::string now = format_rfc3339_micro(clock_.now());
  auto found = client_.get(kLease, settings_.lease, call);
  const bool absent = !found && found.error().is(Code::kNotFound);
  if (!found && !absent) return tl::unexpected(found.error());
  Object lease = absent ? Object::make(kLease, settings_.lease) : *std::move(found);

  const std::string holder = lease.spec()["holderIdentity"].as_string();
  const bool ours = holder == settings_.identity;
  if (!holder.empty() && !ours) {
    const std::string renewal = holder + " " + lease.spec()["renewTime"].as_string();
    if (renewal != observed_) {
      observed_ = renewal;
      observed_at_ = clock_.monotonic();
      return false;
    }
    // The holder promised to renew within its duration, counted by our clock from when we saw it.
    const std::chrono::seconds promised(lease.spec()["leaseDurationSeconds"].as_int());
    const Duration patience = std::max<Duration>(promised, settings_.lease_duration);
    if (clock_.monotonic() - observed_at_ < patience) return false;
  }

  const auto seconds = std::chrono::ceil<std::chrono::seconds>(settings_.lease_duration).count();
  lease.set({"spec", "holderIdentity"}, settings_.identity);
  lease.set({"spec", "leaseDurationSeconds"}, static_cast<int64_t>(seconds));
  lease.set({"spec", "renewTime"}, now);
  if (!ours) {
    const int64_t transitions = lease.spec()["leaseTransitions"].as_int();
    lease.set({"spec", "acquireTime"}, now);
    lease.set({"spec", "leaseTransitions"}, absent ? 0 : transitions + 1);
  }
  auto written = absent ? client_.create(kLease, lease, call) : client_.update(kLease, lease, call);
  if (written) return true;
  // Somebody was quicker. If we lead, the next tick finds out who; until then our time runs on.
  if (written.error().is(Code::kAlreadyExists)) return false;
  return tl::unexpected(written.error());
}

void LeaderElection::release() {
  if (!leading_) return;
  leading_ = false;
  Call call;
  call.timeout = settings_.retry_period;
  auto lease = client_.get(kLease, settings_.lease, call);
  if (lease && lease->spec()["holderIdentity"].as_string() == settings_.identity) {
    lease->set({"spec", "holderIdentity"}, "");
    lease->set({"spec", "leaseDurationSeconds"}, 1);
    lease->set({"spec", "renewTime"}, format_rfc3339_micro(clock_.now()));
    lease = client_.update(kLease, *lease, call);
  }
  if (!lease) log_.warning("lease not released", {{"error", lease.error().to_string()}});
}

}  // namespace breakwater::kube
