// From a Pod to the process that stands for it.
//
// The sandbox has neither containers nor mount namespaces. A pod of our own image becomes one child
// process of the same binary, and what a container runtime would do by mounting is done by
// replacing text: wherever an argument or an environment value contains a devicePath of
// volumeDevices, a mountPath of volumeMounts, or the terminationMessagePath, the path of the real
// file or directory takes its place. Volumes are PersistentVolumeClaims; readOnly is not enforced,
// subPath is not offered, nor are probes, several containers and $(VAR); restartPolicy is always
// Never.
#pragma once

#include <filesystem>
#include <string>

#include "kube/client.h"
#include "sandbox/processes.h"

namespace breakwater::sandbox {

struct PodFiles {
  std::filesystem::path log;     // <directory>/logs/<namespace>_<pod>_<uid>.log
  std::filesystem::path result;  // <directory>/run/<uid>.result: the termination message
};
PodFiles files_of(const std::filesystem::path& directory, const kube::Object& pod);

// The process for a pod. Errors say why it cannot start now and which reason a container status
// shows: kUnsupported ErrImagePull (not our image), kUnavailable ContainerCreating (a volume is not
// bound yet), anything else CreateContainerConfigError (a Secret or key is missing, or what we do
// not offer). Reads Secrets, claims and volumes through `client`; messages never contain a Secret's
// value.
Result<ProcessSpec> plan_pod(kube::Client& client, const kube::Object& pod, const PodFiles& files,
                             const std::filesystem::path& binary);
// "ErrImagePull", "ContainerCreating", "CreateContainerConfigError"
std::string_view waiting_reason(const Error& error);

// `text` with `path` replaced by `real` wherever it stands alone: not as a part of a longer path.
std::string replace_path(std::string text, const std::string& path, const std::string& real);

}  // namespace breakwater::sandbox
