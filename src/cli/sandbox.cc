#include "sandbox/sandbox.h"

#include <fmt/core.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <memory>
#include <thread>

#include "base/file.h"
#include "cli/agent.h"
#include "cli/background.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/sandbox_fleet.h"
#include "cli/terminal.h"
#include "kube/http_client.h"
#include "kube/kubeconfig.h"

namespace breakwater::cli {
namespace {

namespace fs = std::filesystem;

struct SandboxOptions {
  std::string directory, name = "sandbox", clusters;
  int64_t port = 0;
  bool hub = false, olm = false;
  bool json = false, purge = false, verbose = false;
};
using Shared = std::shared_ptr<SandboxOptions>;

constexpr int kOperationThreads = 4;
constexpr Duration kReadyTimeout = std::chrono::seconds(5);
constexpr auto kPoll = std::chrono::milliseconds(100);
constexpr Duration kStopLimit = std::chrono::seconds(60);

std::string default_directory() {
  if (const char* data = std::getenv("XDG_DATA_HOME"); data != nullptr && *data) {
    return std::string(data) + "/breakwater/sandbox";
  }
  const char* home = std::getenv("HOME");
  return std::string(home == nullptr ? "/var/lib" : home) + "/.local/share/breakwater/sandbox";
}

// Until Ctrl-C.
void serve(const std::string& url, const fs::path& kubeconfig, const Logger& log) {
  fmt::print("The sandbox listens on {}\n\n  export KUBECONFIG={}\n\nCtrl-C ends it.\n", url,
             kubeconfig.string());
  std::fflush(stdout);
  while (!interrupt_token().cancelled()) std::this_thread::sleep_for(kPoll);
  log.info("stopping");
}

Logger log_for(const SandboxOptions& options, const Clock& clock) {
  return Logger(fd_log_sink(STDERR_FILENO), clock,
                options.verbose ? LogLevel::kDebug : LogLevel::kInfo);
}

Result<> write_pid(const fs::path& directory) {
  return write_file(directory / "pid", std::to_string(getpid()));
}

// One bare cluster.
Result<> run_cluster(SandboxOptions& options) {
  install_interrupt_handler();
  const SystemClock clock;
  SystemRandom random;
  const Logger log = log_for(options, clock);
  sandbox::SandboxSettings settings;
  settings.directory = fs::absolute(options.directory);
  settings.binary = fs::canonical("/proc/self/exe");
  settings.port = static_cast<uint16_t>(options.port);
  settings.name = options.name;
  settings.hub = options.hub;
  settings.olm = options.olm;
  auto sandbox = TRY(sandbox::Sandbox::start(settings, clock, random, log));
  TRY(write_pid(settings.directory));
  serve(sandbox->url(), sandbox->kubeconfig(), log);
  return {};
}

// As asked for; else those of the last time; else two.
Result<std::vector<std::string>> clusters_of(const SandboxOptions& options) {
  if (!options.clusters.empty()) return parse_clusters(options.clusters);
  std::vector<std::string> known = fleet_members(options.directory);
  if (known.empty()) return parse_clusters("2");
  known.erase(known.begin());  // the hub
  return known;
}

Result<> run_fleet(SandboxOptions& options) {
  install_interrupt_handler();
  const SystemClock clock;
  SystemRandom random;
  const Logger log = log_for(options, clock);
  FleetSettings settings;
  settings.directory = fs::absolute(options.directory);
  settings.binary = fs::canonical("/proc/self/exe");
  settings.clusters = TRY(clusters_of(options));
  auto fleet = TRY(Fleet::start(settings, clock, random, log));
  TRY(write_pid(settings.directory));
  serve(fleet->url(), settings.directory / "kubeconfig", log);
  return {};
}

// The process that runs the sandbox, or nothing.
std::optional<pid_t> running_process(const fs::path& directory) {
  auto text = read_file(directory / "pid");
  const pid_t pid = text ? std::atoi(text->c_str()) : 0;
  return pid > 0 && kill(pid, 0) == 0 ? std::optional(pid) : std::nullopt;
}

bool is_ready(kube::ClientConfig config) {
  const auto client = kube::make_http_client(std::move(config), Logger());
  kube::Call call;
  call.timeout = kReadyTimeout;
  return client && (*client)->get_raw("/readyz", call).has_value();
}

Result<> status(SandboxOptions& options) {
  TRY(sandbox::sandbox_url(options.directory));
  std::vector<std::string> contexts = fleet_members(options.directory);
  const bool fleet = !contexts.empty();
  if (!fleet) contexts.push_back("");
  bool all_ready = true;
  for (const std::string& context : contexts) {
    auto config = TRY(kube::load_kubeconfig(fs::path(options.directory) / "kubeconfig", context));
    const std::string url = config.server;
    const bool ready = is_ready(std::move(config));
    all_ready = all_ready && ready;
    fs::path directory = options.directory;
    if (fleet) directory /= context;
    if (options.json) {
      Json line = Json::object({{"url", url}, {"directory", directory.string()}, {"ready", ready}});
      if (fleet) line.set("name", context);
      fmt::print("{}\n", to_json(line));
    } else {
      fmt::print("{}{} in {}: {}\n", fleet ? context + ": " : "", url, directory.string(),
                 ready ? "ready" : "not running");
    }
  }
  if (!all_ready) return fail(Code::kUnavailable, "the sandbox is not running");
  return {};
}

Result<> down(SandboxOptions& options) {
  TRY(sandbox::sandbox_url(options.directory));
  const SystemClock clock;
  if (const auto pid = running_process(options.directory)) {
    kill(*pid, SIGTERM);
    const Duration start = clock.monotonic();
    while (running_process(options.directory)) {
      if (clock.monotonic() - start > kStopLimit) {
        return fail(Code::kTimeout, "process {} does not end", *pid);
      }
      std::this_thread::sleep_for(kPoll);
    }
  }
  std::error_code error;
  fs::remove(fs::path(options.directory) / "pid", error);
  if (options.purge) fs::remove_all(options.directory, error);
  return {};
}

std::function<int()> exit_code_of(Shared options, Result<> (*run)(SandboxOptions&)) {
  return [options, run] {
    const Result<> result = run(*options);
    return result ? 0 : complain(result.error());
  };
}

}  // namespace

void add_sandbox_command(Command& program) {
  auto options = std::make_shared<SandboxOptions>();
  options->directory = default_directory();
  Command& sandbox = program.add(
      "sandbox", "A hub and managed clusters on this machine, for trying things out",
      "API servers on loopback that kubectl works with, volumes as raw files and directories,\n"
      "snapshots as copies (reflinks where the file system has them), nodes that run Breakwater's\n"
      "own pods as processes, the hub's controllers and an agent for each cluster. Everything is "
      "in\n"
      "one folder and survives kill -9.\n\n"
      "  breakwater sandbox up &\n"
      "  export KUBECONFIG=~/.local/share/breakwater/sandbox/kubeconfig\n"
      "  kubectl get managedclusters\n"
      "  kubectl --context cls1 get storageclasses\n"
      "  breakwater sandbox down --purge\n");
  Command& up_command = sandbox.add("up", "Starts the fleet and runs it until Ctrl-C");
  up_command.option("--directory", options->directory, "where everything is kept");
  up_command.option("--clusters", options->clusters,
                    "names of the managed clusters (cls1,cls2), or how many");
  up_command.flag("--verbose", options->verbose, "log debug messages too");
  up_command.action(exit_code_of(options, run_fleet));
  Command& cluster_command =
      sandbox.add("cluster", "Starts one bare cluster: no policy, no engine, no mover",
                  "  breakwater sandbox cluster --name cls1 --directory cls1 &\n"
                  "  kubectl --kubeconfig cls1/kubeconfig get nodes\n");
  cluster_command.option("--name", options->name, "of the cluster, in its kubeconfig");
  cluster_command.option("--directory", options->directory, "where everything is kept");
  cluster_command.option("--port", options->port, "port on 127.0.0.1; 0: as the last time, or any");
  cluster_command.flag("--hub", options->hub, "a hub: cluster sets, but no volumes and no node");
  cluster_command.flag("--olm", options->olm, "serve the kinds of OpenShift's operators, too");
  cluster_command.flag("--verbose", options->verbose, "log debug messages too");
  cluster_command.action(exit_code_of(options, run_cluster));
  Command& status_command = sandbox.add("status", "Says whether it runs, and where");
  status_command.option("--directory", options->directory, "where everything is kept");
  status_command.flag("--json", options->json, "one JSON object");
  status_command.action(exit_code_of(options, status));
  Command& down_command = sandbox.add("down", "Stops it");
  down_command.option("--directory", options->directory, "where everything is kept");
  down_command.flag("--purge", options->purge, "remove the folder with all objects and volumes");
  down_command.action(exit_code_of(options, down));
}

}  // namespace breakwater::cli
