// The pod that moves one volume, and what it reports.
//
// The contract with `breakwater data-mover` (cli/):
//
//   args     data-mover backup|restore --config=<datapath::worker_config_to_json, one line>
//            --result-path=<terminationMessagePath>
//   env      RESTIC_PASSWORD (from the Secret with the password), BREAKWATER_STORE_CREDENTIALS (the
//            text of the store's credentials file, if it needs one), HOSTNAME (the pod's name, set
//            by the runtime): the hostname of repository locks
//   volume   config.volume is kDevicePath, a raw block device (volumeDevices), or, of a claim with
//            volumeMode Filesystem, kMountPath, where it is mounted (volumeMounts); the pod runs as
//            root then, or it could neither read nor restore every file
//            config.parent_volume, if there is a base to compare with, is kParentPath, a device
//            too, that is only read
//   log      JSON lines {"totalBytes","bytesDone","bytesRead","bytesMoved"}, one per progress
//   report;
//            other lines are ignored
//   result   written to --result-path before exit: what datapath::run_worker returns, or
//            {"error": "<one sentence>", "code": "<code_name of the Error>"}
//   exit     0 with a result, otherwise not 0
//
// The pod has no service account token and is never restarted by itself (restartPolicy Never).
#pragma once

#include <optional>
#include <string>

#include "api/secret_selector.h"
#include "base/error.h"
#include "datapath/worker.h"
#include "kube/object.h"
#include "mover/settings.h"

namespace breakwater::mover {

inline constexpr std::string_view kWorkerCommand = "data-mover";
inline constexpr std::string_view kConfigFlag = "--config=";
inline constexpr std::string_view kResultFlag = "--result-path=";
inline constexpr std::string_view kDevicePath = "/dev/volume";
inline constexpr std::string_view kMountPath = "/volume";
inline constexpr std::string_view kParentPath = "/dev/parent-volume";
inline constexpr std::string_view kResultPath = "/dev/termination-log";

// What a worker gets besides the claim of its move.
struct WorkerNeeds {
  datapath::WorkerConfig config;
  std::string secret;     // in namespace_of(move), with the repository's password
  std::string base = {};  // a claim there: the volume that config.parent was made from
  // There too: the text of the store's credentials file. Nothing if the store needs none.
  std::optional<api::SecretSelector> credentials = {};
};

// The pod for a move. `claim` is its volume, of the mode that `config.volume_mode` says (Block
// unless Filesystem); `config.volume` is replaced by where it is.
kube::Object make_worker_pod(const Settings& settings, const kube::Object& move, WorkerNeeds needs,
                             const std::string& claim);

// How a pod stands.
struct WorkerReport {
  enum class State {
    kWaiting,  // not started; `message` says for what
    kRunning,
    kSucceeded,  // `result` is what it reports
    kFailed,     // it says itself why: `error`
    kDied,       // it ended without a word; `message` says how
    kLost,       // so did its pod, with its node or by eviction
  };
  State state = State::kWaiting;
  std::string message;
  Json result;
  std::optional<Error> error;
};
WorkerReport read_report(const kube::Object& pod);

// The last progress line of a log; null if there is none.
Json last_progress(std::string_view log);

}  // namespace breakwater::mover
