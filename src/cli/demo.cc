#include <fmt/core.h>

#include <memory>

#include "base/file.h"
#include "base/quantity.h"
#include "cli/commands.h"
#include "cli/story.h"
#include "cli/terminal.h"

namespace breakwater::cli {
namespace {

struct DemoOptions {
  StoryOptions story;
  std::string directory, program, s3;
  bool keep = false, json = false;
};

std::string table_of(const std::vector<StoryRow>& rows) {
  std::vector<std::vector<std::string>> cells = {
      {"", "cluster", "by", "size", "read", "moved", "seconds", "verified"}};
  for (const StoryRow& row : rows) {
    cells.push_back({row.what, row.cluster, row.by, format_bytes(row.logical_size),
                     row.bytes_read == 0 ? "" : format_bytes(row.bytes_read),
                     format_bytes(row.bytes_moved), fmt::format("{:.0f}", row.seconds),
                     row.verified ? "every byte" : "NO"});
  }
  return format_table(cells);
}

Json json_of(const std::vector<StoryRow>& rows) {
  Json list = Json::array();
  for (const StoryRow& row : rows) {
    list.push_back(Json::object({{"what", row.what},
                                 {"cluster", row.cluster},
                                 {"by", row.by},
                                 {"logicalSize", row.logical_size},
                                 {"bytesRead", row.bytes_read},
                                 {"bytesMoved", row.bytes_moved},
                                 {"seconds", row.seconds},
                                 {"verified", row.verified}}));
  }
  return Json::object({{"rows", list}});
}

int run_demo(DemoOptions options) {
  const SystemClock clock;
  SystemRandom random;
  // What stands in ConfigMaps must mean the same to every process.
  auto folder = TempDir::create(std::filesystem::absolute(options.directory), "breakwater-demo-");
  if (!folder) return complain(folder.error());
  options.story.directory = folder->path();
  options.story.s3 = options.s3;
  options.story.program = options.program.empty() ? "/proc/self/exe" : options.program;
  std::error_code error;
  options.story.program = std::filesystem::canonical(options.story.program, error);
  const Duration start = clock.monotonic();
  const auto say = [&](const std::string& line) {
    const double seconds = std::chrono::duration<double>(clock.monotonic() - start).count();
    fmt::print(stderr, "{:6.1f} s  {}\n", seconds, line);
  };
  Story story(options.story, clock, random, say);
  const Result<> result = story.run();
  if (options.json) {
    fmt::print("{}\n", to_json(json_of(story.rows())));
  } else {
    fmt::print("\n{}", table_of(story.rows()));
  }
  if (options.keep || !result) {
    fmt::print(stderr, "everything is kept in {}\n", folder->path().string());
    folder->keep();
  }
  return result ? 0 : complain(result.error());
}

}  // namespace

void add_demo_command(Command& program) {
  auto options = std::make_shared<DemoOptions>();
  options->directory = "/var/tmp";
  Command& command = program.add(
      "demo", "Tells the whole story of a fleet on real disks and verifies every byte",
      "Starts a hub and two clusters, each API server, the hub's controllers and each agent in a\n"
      "process of its own. VMs are labelled and backed up by policy; 1 % of their disks changes; "
      "a\n"
      "volume goes to the object store by VolumeSnapshotBackup and comes back; a namespace is "
      "deleted\n"
      "with its volumes; one VM is restored in place, another on the other cluster, by editing "
      "one\n"
      "ConfigMap on the hub. Every byte is compared, and the real restic checks the repositories. "
      "Any\n"
      "difference is a non-zero exit.\n\n"
      "  breakwater demo --keep            keep the folder, to look around afterwards\n"
      "  breakwater demo --kills 20        kill the processes, each in turn, at 20 random moments\n"
      "  breakwater demo --s3 s3.env       back up to an S3 server (tools/s3_server.sh)\n");
  command.option("--directory", options->directory, "where the demo makes its folder");
  command.option("--size", options->story.size, "size of the largest disk");
  command.option("--s3", options->s3, "file with the settings of an S3 server");
  command.option("--kills", options->story.kills, "kill processes this often, and restart them");
  command.option("--seed", options->story.seed, "draws the moments of the kills");
  command.option("--program", options->program, "the binary of the fleet (default: this one)");
  command.flag("--keep", options->keep, "do not remove the folder at the end");
  command.flag("--json", options->json, "the table as JSON on stdout");
  command.action([options] { return run_demo(*options); });
}

}  // namespace breakwater::cli
