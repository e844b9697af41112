#include "sandbox/pod_plan.h"

#include <algorithm>
#include <utility>

#include "api/kinds.h"
#include "api/names.h"
#include "base/encoding.h"

namespace breakwater::sandbox {
namespace {

using kube::Object;

// What to replace by what, longest first, so that "/dev/a" does not spoil "/dev/a-b".
using Replacements = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kDefaultResultPath = "/dev/termination-log";

bool may_continue_path(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == '/';
}

std::string replace_all(std::string text, const Replacements& replacements) {
  for (const auto& [path, real] : replacements) text = replace_path(std::move(text), path, real);
  return text;
}

bool is_our_image(const std::string& image) {
  return image == api::kWorkerImage ||
         (image.starts_with(api::kWorkerImage) &&
          (image[api::kWorkerImage.size()] == ':' || image[api::kWorkerImage.size()] == '@'));
}

// The file or directory behind a volume of the pod, of the mode that is asked for.
Result<std::string> volume_file(kube::Client& client, const Object& pod, const std::string& name,
                                bool block) {
  for (const Json& volume : pod.spec()["volumes"].items()) {
    if (volume["name"].as_string() != name) continue;
    const kube::Key key{pod.ns(), volume["persistentVolumeClaim"]["claimName"].as_string()};
    if (key.name.empty()) {
      return fail(Code::kInvalid, "volume \"{}\" is no PersistentVolumeClaim", name);
    }
    auto claim = client.get(api::kPersistentVolumeClaim, key);
    if (!claim && claim.error().is(Code::kNotFound)) {
      return fail(Code::kUnavailable, "PersistentVolumeClaim {} does not exist", key.to_string());
    }
    if (!claim) return tl::unexpected(std::move(claim).error());
    if (claim->phase() != "Bound") {
      return fail(Code::kUnavailable, "PersistentVolumeClaim {} is not bound", key.to_string());
    }
    const Object bound =
        TRY(client.get(api::kPersistentVolume, {"", claim->spec()["volumeName"].as_string()}));
    if ((bound.spec()["volumeMode"].as_string() == "Block") != block) {
      return fail(Code::kInvalid, "volume \"{}\" is of volumeMode {}: it belongs into {}", name,
                  block ? "Filesystem" : "Block", block ? "volumeMounts" : "volumeDevices");
    }
    const std::string path = bound.spec()["csi"]["volumeAttributes"]["path"].as_string();
    if (!path.empty()) return path;
    return fail(Code::kInvalid, "PersistentVolume {} is no volume of {}", bound.name(),
                api::kSandboxDriver);
  }
  return fail(Code::kInvalid, "spec.volumes has no volume \"{}\"", name);
}

Result<Replacements> find_replacements(kube::Client& client, const Object& pod,
                                       const Json& container, const PodFiles& files) {
  Replacements replacements;
  for (const Json& device : container["volumeDevices"].items()) {
    replacements.emplace_back(device["devicePath"].as_string(),
                              TRY(volume_file(client, pod, device["name"].as_string(), true)));
  }
  for (const Json& mount : container["volumeMounts"].items()) {
    if (mount.has("subPath") || mount.has("subPathExpr")) {
      return fail(Code::kInvalid, "the sandbox offers no subPath in volumeMounts");
    }
    replacements.emplace_back(mount["mountPath"].as_string(),
                              TRY(volume_file(client, pod, mount["name"].as_string(), false)));
  }
  replacements.emplace_back(container["terminationMessagePath"].as_string_or(kDefaultResultPath),
                            files.result.string());
  std::sort(replacements.begin(), replacements.end(),
            [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
  return replacements;
}

// Nothing for an optional key that is absent.
Result<std::optional<std::string>> secret_value(kube::Client& client, const Object& pod,
                                                const Json& reference) {
  const kube::Key key{pod.ns(), reference["name"].as_string()};
  const std::string& member = reference["key"].as_string();
  auto secret = client.get(api::kSecret, key);
  if (!secret && !secret.error().is(Code::kNotFound)) {
    return tl::unexpected(std::move(secret).error());
  }
  if (!secret || !(*secret)["data"].has(member)) {
    if (reference["optional"].as_bool()) return std::nullopt;
    if (!secret) return fail(Code::kNotFound, "Secret {} does not exist", key.to_string());
    return fail(Code::kNotFound, "Secret {} has no key {}", key.to_string(), member);
  }
  auto value = from_base64((*secret)["data"][member].as_string());
  if (!value) {
    return fail(Code::kInvalid, "Secret {}: data.{} is no base64", key.to_string(), member);
  }
  return std::string(as_text(*value));
}

Result<std::vector<std::string>> plan_environment(kube::Client& client, const Object& pod,
                                                  const Json& container,
                                                  const Replacements& replacements) {
  std::vector<std::string> result{"HOSTNAME=" + pod.name(), "PATH=/usr/local/bin:/usr/bin:/bin"};
  for (const Json& variable : container["env"].items()) {
    const std::string& name = variable["name"].as_string();
    const Json& from = variable["valueFrom"];
    if (from.is_null()) {
      result.push_back(name + "=" + replace_all(variable["value"].as_string(), replacements));
      continue;
    }
    if (!from.has("secretKeyRef")) {
      return fail(Code::kInvalid, "env {}: of valueFrom the sandbox offers secretKeyRef only",
                  name);
    }
    const auto value = TRY(secret_value(client, pod, from["secretKeyRef"]));
    if (value) result.push_back(name + "=" + *value);
  }
  return result;
}

Result<> check_offered(const Object& pod, const Json& container) {
  if (!is_our_image(container["image"].as_string())) {
    return fail(Code::kUnsupported,
                "the sandbox runs no containers but those of image {}; this is {}",
                api::kWorkerImage, container["image"].as_string());
  }
  if (pod.spec()["containers"].size() != 1 || !pod.spec()["initContainers"].empty()) {
    return fail(Code::kInvalid, "the sandbox runs pods of exactly one container");
  }
  if (!container["envFrom"].empty() || !container["command"].empty()) {
    return fail(Code::kInvalid, "the sandbox offers neither envFrom nor command");
  }
  return {};
}

}  // namespace

PodFiles files_of(const std::filesystem::path& directory, const Object& pod) {
  return {directory / "logs" / fmt::format("{}_{}_{}.log", pod.ns(), pod.name(), pod.uid()),
          directory / "run" / (pod.uid() + ".result")};
}

std::string replace_path(std::string text, const std::string& path, const std::string& real) {
  if (path.empty()) return text;
  size_t at = text.find(path);
  while (at != std::string::npos) {
    const size_t end = at + path.size();
    const bool alone = (end == text.size() || !may_continue_path(text[end])) &&
                       (at == 0 || !may_continue_path(text[at - 1]));
    if (alone) text.replace(at, path.size(), real);
    at = text.find(path, alone ? at + real.size() : end);
  }
  return text;
}

std::string_view waiting_reason(const Error& error) {
  if (error.is(Code::kUnsupported)) return "ErrImagePull";
  if (error.is(Code::kUnavailable)) return "ContainerCreating";
  return "CreateContainerConfigError";
}

Result<ProcessSpec> plan_pod(kube::Client& client, const Object& pod, const PodFiles& files,
                             const std::filesystem::path& binary) {
  const Json& container = pod.spec()["containers"][0];
  TRY(check_offered(pod, container));
  const Replacements replacements = TRY(find_replacements(client, pod, container, files));
  ProcessSpec spec;
  spec.binary = binary;
  spec.log = files.log;
  for (const Json& arg : container["args"].items()) {
    spec.args.push_back(replace_all(arg.as_string(), replacements));
  }
  spec.env = TRY(plan_environment(client, pod, container, replacements));
  return spec;
}

}  // namespace breakwater::sandbox
