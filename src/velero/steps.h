// Small pieces that every reconciler of the engine is made of.
#pragma once

#include <optional>
#include <string>

#include "kube/controller.h"
#include "velero/context.h"

namespace breakwater::velero {

// What a controller of this engine is called: several engines, one per namespace, may share a
// Runner.
std::string controller_name(const Context& context, std::string_view controller);

// Whether a Backup says that another cluster made it. Such a one is there to be restored from:
// nothing here runs it, counts it or takes its name for one of ours.
bool is_of_another_cluster(const Context& context, const kube::Object& backup);

// The name of a Backup, or of a Restore's Backup, in the bucket. It is another one than in the
// cluster where that was taken (velero/backup_sync.h).
std::string stored_name(const kube::Object& backup_or_restore);

// Runs `work` as an operation under `id`: starts it when it is unknown and puts `key` into the
// queue of `controller` when it ends. Nothing while it runs. Its result stays known, so that later
// runs see it, until forgotten; an error is returned once and forgotten, so that the next run tries
// again.
Result<std::optional<Json>> run_operation(const Context& context, const std::string& controller,
                                          const kube::Key& key, const std::string& id,
                                          kube::Operations::Work work);

// Writes an object of a kind without status subresource as a whole. When somebody else changed it
// in between, the next look sees that change: an Outcome that looks again at once.
kube::Outcome write_object(const Context& context, const kube::Kind& kind,
                           const kube::Object& object);

// After a step failed for a reason that may pass: logs it and looks again in a while. (The queue's
// own back-off does not grow for steps that are operations: starting one counts as success.)
kube::Outcome try_later(const Context& context, const kube::Object& object, const Error& error);

// Whether trying again can help: the other side was away, slow, or changed under us.
bool is_transient(const Error& error);

// A duration field of a spec, or `otherwise` (which is well-formed) when absent or malformed.
Duration duration_or(const Json& field, const std::string& otherwise);
// A time field of a status, or `otherwise`.
Time time_or(const Json& field, Time otherwise);

// The BackupStorageLocation's store; the name is of one in settings.ns. kNotFound names it.
Result<std::unique_ptr<blob::ObjectStore>> open_location(const Context& context,
                                                         const std::string& location);

}  // namespace breakwater::velero
