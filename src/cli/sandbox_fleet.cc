#include "cli/sandbox_fleet.h"

#include <algorithm>
#include <charconv>

#include "base/file.h"
#include "kube/kubeconfig.h"
#include "kube/names.h"

namespace breakwater::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kMostClusters = 20;  // each has threads and files of its own

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  for (size_t start = 0; start <= text.size();) {
    const size_t end = std::min(text.find(separator, start), text.size());
    if (end > start) parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

class RunningFleet final : public Fleet {
 public:
  RunningFleet(FleetSettings settings, const Clock& clock, Random& random, Logger log)
      : settings_(std::move(settings)), clock_(clock), random_(random), log_(std::move(log)) {}

  Result<> start() {
    TRY(make_directories(settings_.directory, 0700));
    hub_ = TRY(start_cluster(kHubName, true));
    std::string names = std::string(kHubName) + "\n";
    std::vector<kube::NamedConfig> contexts = {{kHubName, hub_->admin()}};
    for (const std::string& name : settings_.clusters) {
      clusters_.push_back(TRY(start_cluster(name, false)));
      contexts.push_back({name, clusters_.back()->admin()});
      names += name + "\n";
    }
    TRY(write_file(settings_.directory / "clusters", names));
    return write_file(settings_.directory / "kubeconfig", kube::write_kubeconfig(contexts), 0600);
  }

  std::string url() const override { return hub_->url(); }

 private:
  Result<std::unique_ptr<sandbox::Sandbox>> start_cluster(const std::string& name, bool hub) {
    sandbox::SandboxSettings settings;
    settings.directory = settings_.directory / name;
    settings.binary = settings_.binary;
    settings.name = name;
    settings.hub = hub;
    return while_doing(sandbox::Sandbox::start(std::move(settings), clock_, random_, log_),
                       "starting cluster {}", name);
  }

  const FleetSettings settings_;
  const Clock& clock_;
  Random& random_;
  Logger log_;
  std::unique_ptr<sandbox::Sandbox> hub_;
  std::vector<std::unique_ptr<sandbox::Sandbox>> clusters_;
};

}  // namespace

Result<std::unique_ptr<Fleet>> Fleet::start(FleetSettings settings, const Clock& clock,
                                            Random& random, Logger log) {
  auto fleet = std::make_unique<RunningFleet>(std::move(settings), clock, random, std::move(log));
  TRY(fleet->start());
  return fleet;
}

Result<std::vector<std::string>> parse_clusters(const std::string& text) {
  int count = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), count);
  std::vector<std::string> names;
  if (problem == std::errc() && end == text.data() + text.size()) {
    for (int i = 1; i <= std::min(count, kMostClusters + 1); ++i) {
      names.push_back(fmt::format("cls{}", i));
    }
  } else {
    names = split(text, ',');
  }
  if (names.empty() || names.size() > kMostClusters) {
    return fail(Code::kInvalid, "--clusters is \"{}\"; it must be names or a number up to {}", text,
                kMostClusters);
  }
  for (size_t i = 0; i < names.size(); ++i) {
    if (!kube::is_dns_label(names[i]) || names[i] == kHubName ||
        std::count(names.begin(), names.end(), names[i]) > 1) {
      return fail(Code::kInvalid,
                  "--clusters names \"{}\"; each must be another lower-case name such as cls1, and "
                  "not \"{}\"",
                  names[i], kHubName);
    }
  }
  return names;
}

std::vector<std::string> fleet_members(const fs::path& directory) {
  const auto text = read_file(directory / "clusters");
  return text ? split(*text, '\n') : std::vector<std::string>();
}

}  // namespace breakwater::cli
