#include "datapath/file_node.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <limits>

#include "base/file.h"
#include "repo/extended_attributes.h"
#include "volume/attributes.h"

namespace breakwater::datapath {
namespace {

namespace fs = std::filesystem;
using repo::Node;

constexpr size_t kNameBuffer = 16 << 10;

std::string_view type_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return "file";
    case S_IFDIR:
      return "dir";
    case S_IFLNK:
      return "symlink";
    case S_IFBLK:
      return "dev";
    case S_IFCHR:
      return "chardev";
    case S_IFIFO:
      return "fifo";
    case S_IFSOCK:
      return "socket";
    default:
      return "";
  }
}

Result<std::string> read_link(int directory, const std::string& name, const fs::path& path) {
  std::string target(PATH_MAX + 1, '\0');
  const ssize_t size = ::readlinkat(directory, name.c_str(), target.data(), target.size());
  if (size < 0) return tl::unexpected(errno_error("reading the link", path));
  target.resize(static_cast<size_t>(size));
  return target;
}

Result<> add_attributes(Node& node, const volume::AttributePlace& place, const fs::path& path) {
  std::vector<repo::ExtendedAttribute> attributes;
  for (volume::Attribute& attribute : TRY(volume::read_attributes(place, path))) {
    attributes.push_back({std::move(attribute.name), std::move(attribute.value)});
  }
  repo::set_extended_attributes(node, attributes);
  return {};
}

}  // namespace

uint32_t go_mode(mode_t mode) {
  uint32_t result = mode & 0777;
  if (S_ISDIR(mode)) result |= kGoDirectory;
  if (S_ISLNK(mode)) result |= kGoSymlink;
  if (S_ISBLK(mode)) result |= kGoDevice;
  if (S_ISCHR(mode)) result |= kGoDevice | kGoCharDevice;
  if (S_ISFIFO(mode)) result |= kGoFifo;
  if (S_ISSOCK(mode)) result |= kGoSocket;
  if (mode & S_ISUID) result |= kGoSetuid;
  if (mode & S_ISGID) result |= kGoSetgid;
  if (mode & S_ISVTX) result |= kGoSticky;
  return result;
}

mode_t unix_permissions(uint32_t mode) {
  return (mode & 0777) | ((mode & kGoSetuid) != 0 ? S_ISUID : 0) |
         ((mode & kGoSetgid) != 0 ? S_ISGID : 0) | ((mode & kGoSticky) != 0 ? S_ISVTX : 0);
}

Time to_time(const timespec& time) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max() / 1'000'000'000 - 1;
  if (time.tv_sec > kMost) return Time::max();
  if (time.tv_sec < -kMost) return Time::min();
  return Time(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

timespec to_timespec(Time time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return {seconds.time_since_epoch().count(), (time - seconds).count()};
}

const std::string& FileDescriber::user(uid_t id) {
  const auto [entry, fresh] = users_.try_emplace(id);
  if (!fresh) return entry->second;
  std::string buffer(kNameBuffer, '\0');
  passwd record{};
  passwd* found = nullptr;
  if (::getpwuid_r(id, &record, buffer.data(), buffer.size(), &found) == 0 && found) {
    entry->second = record.pw_name;
  }
  return entry->second;
}

const std::string& FileDescriber::group(gid_t id) {
  const auto [entry, fresh] = groups_.try_emplace(id);
  if (!fresh) return entry->second;
  std::string buffer(kNameBuffer, '\0');
  ::group record{};
  ::group* found = nullptr;
  if (::getgrgid_r(id, &record, buffer.data(), buffer.size(), &found) == 0 && found) {
    entry->second = record.gr_name;
  }
  return entry->second;
}

Node FileDescriber::basics(const std::string& name, const struct stat& status) {
  Node node;
  node.name = name;
  node.type = type_of(status.st_mode);
  node.mode = go_mode(status.st_mode);
  node.mtime = node.atime = to_time(status.st_mtim);
  node.ctime = to_time(status.st_ctim);
  node.uid = status.st_uid;
  node.gid = status.st_gid;
  node.user = user(status.st_uid);
  node.group = group(status.st_gid);
  node.inode = status.st_ino;
  const bool file = S_ISREG(status.st_mode), link = S_ISLNK(status.st_mode);
  const bool device = S_ISBLK(status.st_mode) || S_ISCHR(status.st_mode);
  if (file || link || device) node.links = status.st_nlink;
  if (node.links > 1) node.device_id = status.st_dev;
  if (file) node.size = static_cast<uint64_t>(status.st_size);
  if (device) node.device = status.st_rdev;
  return node;
}

Result<std::optional<Node>> FileDescriber::describe(int directory, const std::string& name,
                                                    const fs::path& path) {
  struct stat status {};
  if (::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return std::nullopt;
    return tl::unexpected(errno_error("looking at", path));
  }
  Node node = basics(name, status);
  if (node.type.empty()) {
    return fail(Code::kUnsupported, "{} is of a type that cannot be backed up", path.string());
  }
  if (S_ISLNK(status.st_mode)) {
    auto target = read_link(directory, name, path);
    if (!target && target.error().is(Code::kNotFound)) return std::nullopt;
    if (!target) return tl::unexpected(std::move(target).error());
    node.linktarget = std::move(*target);
  }
  TRY(add_attributes(node, {-1, volume::path_at(directory, name)}, path));
  return node;
}

Result<Node> FileDescriber::describe_directory(int directory, const std::string& name,
                                               const fs::path& path) {
  struct stat status {};
  if (::fstat(directory, &status) != 0) return tl::unexpected(errno_error("looking at", path));
  Node node = basics(name, status);
  TRY(add_attributes(node, {directory, {}}, path));
  return node;
}

}  // namespace breakwater::datapath
