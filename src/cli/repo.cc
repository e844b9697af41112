#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "base/file.h"
#include "base/quantity.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/repo_session.h"
#include "cli/terminal.h"
#include "datapath/tree_backup.h"
#include "datapath/tree_restore.h"
#include "datapath/volume_backup.h"
#include "volume/block_volume.h"

namespace breakwater::cli {
namespace {

struct RepoCommand {
  RepoOptions options;
  std::string volume, host, parent, changed_extents, snapshot = "latest", target, file;
  std::vector<std::string> tags, paths;
  std::string compression = "auto";
  bool read_data = false, only_differences = false, exact = false;
  bool repository_found = false;  // after that, "not found" is something else
};
using Shared = std::shared_ptr<RepoCommand>;

Result<repo::Compression> parse_compression(const std::string& text) {
  if (text == "off") return repo::Compression::kOff;
  if (text == "fastest") return repo::Compression::kFastest;
  if (text == "auto") return repo::Compression::kAuto;
  if (text == "better") return repo::Compression::kBetter;
  if (text == "max") return repo::Compression::kMax;
  return fail(Code::kInvalid, "--compression is \"{}\": use off, fastest, auto, better or max",
              text);
}

datapath::OnProgress draw_on(ProgressBar& bar) {
  return [&bar](const datapath::Progress& p) { bar.update(p.bytes_done, p.total_bytes); };
}

Result<repo::Repository*> open(RepoCommand& command, RepoSession& session,
                               repo::Settings settings = {}) {
  repo::Repository* repository = TRY(session.open(settings));
  command.repository_found = true;
  return repository;
}

void print_json(const Json& value) { fmt::print("{}\n", to_json(value)); }

Result<> init(RepoCommand& command) {
  auto session = TRY(RepoSession::start(command.options));
  TRY(session->init());
  if (command.options.json) {
    print_json(Json::object(
        {{"message_type", "initialized"}, {"repository", command.options.repository}}));
  } else {
    fmt::print("created a repository in {}\nKeep the password: without it the data is lost.\n",
               command.options.repository);
  }
  return {};
}

Result<datapath::BackupOptions> backup_options(const RepoCommand& command,
                                               const std::string& hostname) {
  datapath::BackupOptions options;
  options.file_name = std::filesystem::path(command.volume).filename().string();
  options.hostname = command.host.empty() ? hostname : command.host;
  options.tags = command.tags;
  if (!command.parent.empty()) options.parent = command.parent;
  if (!command.changed_extents.empty()) {
    options.changed =
        TRY(while_doing(volume::parse_extents(TRY(read_file(command.changed_extents))),
                        "reading {}", command.changed_extents));
  }
  return options;
}

// What a backup has done, of a volume or of files.
struct Stored {
  repo::Id snapshot;
  datapath::Progress progress;
};

Result<Stored> backup_block(const RepoCommand& command, RepoSession& session,
                            repo::Repository& repository, ProgressBar& bar) {
  auto source = TRY(volume::open_block_reader(command.volume));
  const auto options = TRY(backup_options(command, session.hostname()));
  const auto result = TRY(datapath::backup_volume(*source, repository, session.clock(), options,
                                                  interrupt_token(), draw_on(bar)));
  return Stored{result.snapshot, result.progress};
}

// Where a file stands in the snapshot: at its path, absolute or not, as with restic.
std::string path_in_snapshot(const std::filesystem::path& path) {
  std::string result;
  for (const auto& part : path.lexically_normal()) {
    if (!part.empty() && part != "/" && part != "." && part != "..") result += "/" + part.string();
  }
  return result;
}

Result<Stored> backup_files(const RepoCommand& command, RepoSession& session,
                            repo::Repository& repository, ProgressBar& bar) {
  datapath::TreeBackupOptions options;
  for (const std::string& path : command.paths) {
    options.sources.push_back({path, path_in_snapshot(path)});
    options.paths.push_back(std::filesystem::absolute(path).lexically_normal().string());
    if (options.paths.back().size() > 1 && options.paths.back().ends_with('/')) {
      options.paths.back().pop_back();
    }
  }
  std::sort(options.paths.begin(), options.paths.end());
  options.hostname = command.host.empty() ? session.hostname() : command.host;
  options.tags = command.tags;
  if (!command.parent.empty()) options.parent = command.parent;
  const auto result = TRY(
      datapath::backup_tree(repository, session.clock(), options, interrupt_token(), draw_on(bar)));
  return Stored{result.snapshot, result.progress};
}

Result<> backup(RepoCommand& command) {
  if (command.volume.empty() == command.paths.empty()) {
    return fail(Code::kInvalid, "say what: folders and files, or --block PATH for a volume");
  }
  auto session = TRY(RepoSession::start(command.options));
  repo::Settings settings;
  settings.compression = TRY(parse_compression(command.compression));
  repo::Repository* repository = TRY(open(command, *session, settings));
  ProgressBar bar("backing up", session->clock());
  const Duration start = session->clock().monotonic();
  const Stored result =
      TRY(command.volume.empty() ? backup_files(command, *session, *repository, bar)
                                 : backup_block(command, *session, *repository, bar));
  bar.finish();
  const double seconds =
      std::chrono::duration<double>(session->clock().monotonic() - start).count();
  const datapath::Progress& p = result.progress;
  if (command.options.json) {
    print_json(Json::object({{"message_type", "summary"},
                             {"snapshot_id", result.snapshot.to_string()},
                             {"total_bytes_processed", p.total_bytes},
                             {"bytes_read", p.bytes_read},
                             {"data_added_packed", p.bytes_moved},
                             {"total_duration", seconds}}));
  } else {
    fmt::print("{} of {} read, {} stored, {}\nsnapshot {} saved\n", format_bytes(p.bytes_read),
               format_bytes(p.total_bytes), format_bytes(p.bytes_moved), format_seconds(seconds),
               result.snapshot.short_string());
  }
  return {};
}

Result<> restore_block(RepoCommand& command, RepoSession& session, repo::Repository& repository) {
  datapath::RestoreOptions options;
  options.snapshot = command.snapshot;
  options.file = command.file;
  options.only_differences = command.only_differences;
  const auto stored = TRY(datapath::find_volume(repository, options));
  auto target = TRY(volume::open_block_writer(command.volume, stored.size));
  ProgressBar bar("restoring", session.clock());
  const auto result =
      TRY(datapath::restore_volume(repository, *target, options, interrupt_token(), draw_on(bar)));
  bar.finish();
  if (command.options.json) {
    print_json(Json::object({{"message_type", "summary"},
                             {"snapshot_id", result.snapshot.to_string()},
                             {"total_bytes", result.progress.total_bytes},
                             {"bytes_fetched", result.progress.bytes_moved}}));
  } else {
    fmt::print("{} of snapshot {} written to {}\n", format_bytes(result.progress.total_bytes),
               result.snapshot.short_string(), command.volume);
  }
  return {};
}

Result<> restore_files(RepoCommand& command, RepoSession& session, repo::Repository& repository) {
  datapath::TreeRestoreOptions options;
  options.snapshot = command.snapshot;
  options.path = command.file;
  options.exact = command.exact;
  ProgressBar bar("restoring", session.clock());
  const auto result = TRY(
      datapath::restore_tree(repository, command.target, options, interrupt_token(), draw_on(bar)));
  bar.finish();
  for (const std::string& note : result.notes) fmt::print(stderr, "note: {}\n", note);
  if (command.options.json) {
    print_json(Json::object({{"message_type", "summary"},
                             {"snapshot_id", result.snapshot.to_string()},
                             {"files_restored", result.files},
                             {"total_bytes", result.progress.total_bytes}}));
  } else {
    fmt::print("{} files, {} of snapshot {} restored to {}\n", result.files,
               format_bytes(result.progress.total_bytes), result.snapshot.short_string(),
               command.target);
  }
  return {};
}

Result<> restore(RepoCommand& command) {
  if (command.volume.empty() == command.target.empty()) {
    return fail(Code::kInvalid,
                "say where to: --target DIR for files, or --block PATH for a volume");
  }
  auto session = TRY(RepoSession::start(command.options));
  repo::Repository* repository = TRY(open(command, *session));
  if (!command.volume.empty()) return restore_block(command, *session, *repository);
  return restore_files(command, *session, *repository);
}

Result<> snapshots(RepoCommand& command) {
  auto session = TRY(RepoSession::start(command.options));
  repo::Repository* repository = TRY(open(command, *session));
  std::vector<std::vector<std::string>> rows = {{"ID", "Time", "Host", "Tags", "Paths"}};
  Json list = Json::array();
  for (const repo::Snapshot& snapshot : TRY(repository->snapshots())) {
    Json tags = Json::array(), paths = Json::array();
    std::string tag_text, path_text;
    for (const std::string& tag : snapshot.tags) {
      tags.push_back(tag);
      tag_text += (tag_text.empty() ? "" : ",") + tag;
    }
    for (const std::string& path : snapshot.paths) {
      paths.push_back(path);
      path_text += (path_text.empty() ? "" : " ") + path;
    }
    rows.push_back({snapshot.id.short_string(), format_rfc3339(snapshot.time), snapshot.hostname,
                    tag_text, path_text});
    list.push_back(Json::object({{"id", snapshot.id.to_string()},
                                 {"short_id", snapshot.id.short_string()},
                                 {"time", format_rfc3339_nano(snapshot.time)},
                                 {"tree", snapshot.tree.to_string()},
                                 {"hostname", snapshot.hostname},
                                 {"tags", tags},
                                 {"paths", paths}}));
  }
  if (command.options.json) {
    print_json(list);
  } else {
    fmt::print("{}{} snapshots\n", format_table(rows), rows.size() - 1);
  }
  return {};
}

Result<> check(RepoCommand& command) {
  auto session = TRY(RepoSession::start(command.options));
  repo::Repository* repository = TRY(open(command, *session));
  const auto lock = TRY(repository->lock(true));
  TRY(repository->load_index());
  const auto report = TRY(repository->check(command.read_data, interrupt_token()));
  for (const std::string& hint : report.hints) fmt::print(stderr, "hint: {}\n", hint);
  for (const std::string& error : report.errors) fmt::print(stderr, "error: {}\n", error);
  if (command.options.json) {
    print_json(Json::object({{"message_type", "summary"},
                             {"num_errors", static_cast<uint64_t>(report.errors.size())},
                             {"packs", report.packs},
                             {"blobs", report.blobs},
                             {"snapshots", report.snapshots},
                             {"bytes_read", report.bytes_read}}));
  } else if (report.errors.empty()) {
    fmt::print("{} snapshots, {} packs, {} blobs: no errors were found\n", report.snapshots,
               report.packs, report.blobs);
  }
  if (!report.errors.empty()) {
    return fail(Code::kCorrupt, "the repository contains {} errors", report.errors.size());
  }
  return {};
}

std::function<int()> exit_code_of(Shared command, Result<> (*run)(RepoCommand&)) {
  return [command, run] {
    install_interrupt_handler();
    const Result<> result = run(*command);
    if (result) return 0;
    if (result.error().is(Code::kCancelled)) return complain(result.error(), kExitInterrupted);
    if (command->repository_found && result.error().is(Code::kNotFound)) {
      return complain(result.error(), kExitFailed);
    }
    return complain_as_restic(result.error());
  };
}

void add_backup(Command& parent) {
  auto state = std::make_shared<RepoCommand>();
  Command& command = parent.add(
      "backup", "Stores files and folders, or a block device or disk image, as a snapshot",
      "Files that are unchanged since the last snapshot of the same paths are not read again.\n\n"
      "With --block, holes and what is stored already cost nothing. With a list of changed extents "
      "(one\n"
      "\"offset length\" a line, in bytes) only those are read; the rest comes from the parent.\n\n"
      "  breakwater repo -r /backups backup /home/me\n"
      "  breakwater repo -r /backups backup --block /dev/vg/vm-1\n");
  state->options.add_to(command);
  command.option("paths", state->paths, "files and folders");
  command.option("--block", state->volume, "a device or raw file");
  command.option("-H,--host", state->host, "hostname of the snapshot");
  command.option("--tag", state->tags, "a tag; may be repeated");
  command.option("--parent", state->parent, "snapshot to compare with, or none");
  command.option("--changed-extents", state->changed_extents, "file: what changed since --parent");
  command.option("--compression", state->compression, "off, fastest, auto, better, max",
                 "RESTIC_COMPRESSION");
  command.action(exit_code_of(state, backup));
}

void add_restore(Command& parent) {
  auto state = std::make_shared<RepoCommand>();
  Command& command =
      parent.add("restore", "Writes a snapshot to a device, an image or a folder",
                 "  breakwater repo -r /backups restore latest --block /dev/vg/vm-1\n"
                 "  breakwater repo -r /backups restore 3fa1c2d4 --target /tmp/files\n");
  state->options.add_to(command);
  command.option("snapshot", state->snapshot, "an ID or the start of one, or latest");
  command.option("--block", state->volume, "a device, or a raw file to write");
  command.option("--target", state->target, "a folder for the snapshot's files");
  command.option("--path", state->file, "only this file or folder of the snapshot");
  command.flag("--only-differences", state->only_differences,
               "read --block first and write only what differs");
  command.flag("--delete", state->exact, "remove from --target what the snapshot does not have");
  command.action(exit_code_of(state, restore));
}

}  // namespace

void add_repo_command(Command& program) {
  Command& repo =
      program.add("repo", "Works on a backup repository, without any cluster",
                  "Repositories have restic's format, version 2: whatever is written here, restic\n"
                  "lists, checks, dumps and restores, and the other way round. The password comes\n"
                  "from RESTIC_PASSWORD or a file.\n\n"
                  "  export RESTIC_REPOSITORY=/backups RESTIC_PASSWORD=...\n"
                  "  breakwater repo init\n"
                  "  breakwater repo backup --block disk.img\n"
                  "  restic snapshots\n");
  auto init_state = std::make_shared<RepoCommand>();
  Command& init_command = repo.add("init", "Creates an empty repository");
  init_state->options.add_to(init_command);
  init_command.action(exit_code_of(init_state, init));
  add_backup(repo);
  add_restore(repo);
  auto list_state = std::make_shared<RepoCommand>();
  Command& list_command = repo.add("snapshots", "Lists the snapshots");
  list_state->options.add_to(list_command);
  list_command.action(exit_code_of(list_state, snapshots));
  auto check_state = std::make_shared<RepoCommand>();
  Command& check_command = repo.add("check", "Looks for errors");
  check_state->options.add_to(check_command);
  check_command.flag("--read-data", check_state->read_data, "read and verify every blob");
  check_command.action(exit_code_of(check_state, check));
}

}  // namespace breakwater::cli
