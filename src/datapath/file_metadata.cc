#include "datapath/file_metadata.h"

#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/file.h"
#include "datapath/file_node.h"

namespace breakwater::datapath {
namespace {

namespace fs = std::filesystem;
using repo::ExtendedAttribute;

constexpr size_t kMostNotes = 100;

int remove_attribute(const AttributePlace& place, const std::string& name) {
  return place.fd >= 0 ? ::fremovexattr(place.fd, name.c_str())
                       : ::lremovexattr(place.path.c_str(), name.c_str());
}

int set_attribute(const AttributePlace& place, const ExtendedAttribute& attribute) {
  const char* name = attribute.name.c_str();
  const std::string& value = attribute.value;
  return place.fd >= 0 ? ::fsetxattr(place.fd, name, value.data(), value.size(), 0)
                       : ::lsetxattr(place.path.c_str(), name, value.data(), value.size(), 0);
}

}  // namespace

FileMetadata::FileMetadata() : is_root_(::geteuid() == 0) {}

void FileMetadata::note(std::string sentence) {
  if (notes_.size() < kMostNotes) notes_.push_back(std::move(sentence));
}

Result<> FileMetadata::set(int fd, const repo::Node& node, const fs::path& shown) {
  if (is_root_ && ::fchown(fd, node.uid, node.gid) != 0) {
    return tl::unexpected(errno_error("setting the owner of", shown));
  }
  if (::fchmod(fd, unix_permissions(node.mode)) != 0) {
    return tl::unexpected(errno_error("setting the mode of", shown));
  }
  TRY(set_attributes({fd, {}}, node, shown));
  const timespec times[2] = {to_timespec(node.atime), to_timespec(node.mtime)};
  if (::futimens(fd, times) != 0) {
    return tl::unexpected(errno_error("setting the times of", shown));
  }
  return {};
}

Result<> FileMetadata::set_at(int directory, const repo::Node& node, const fs::path& shown) {
  const char* name = node.name.c_str();
  if (is_root_ && ::fchownat(directory, name, node.uid, node.gid, AT_SYMLINK_NOFOLLOW) != 0) {
    return tl::unexpected(errno_error("setting the owner of", shown));
  }
  if (node.type != "symlink" && ::fchmodat(directory, name, unix_permissions(node.mode), 0) != 0) {
    return tl::unexpected(errno_error("setting the mode of", shown));
  }
  TRY(set_attributes({-1, path_at(directory, node.name)}, node, shown));
  const timespec times[2] = {to_timespec(node.atime), to_timespec(node.mtime)};
  if (::utimensat(directory, name, times, AT_SYMLINK_NOFOLLOW) != 0) {
    return tl::unexpected(errno_error("setting the times of", shown));
  }
  return {};
}

Result<> FileMetadata::set_attributes(const AttributePlace& place, const repo::Node& node,
                                      const fs::path& shown) {
  const auto wanted = TRY(repo::extended_attributes(node));
  const auto present = TRY(read_attributes(place, shown));
  for (const ExtendedAttribute& attribute : present) {
    const bool stays =
        std::ranges::find(wanted, attribute.name, &ExtendedAttribute::name) != wanted.end();
    if (stays || remove_attribute(place, attribute.name) == 0) continue;
    TRY(judge(attribute.name, shown));
  }
  for (const ExtendedAttribute& attribute : wanted) {
    if (std::ranges::find(present, attribute) != present.end()) continue;
    if (set_attribute(place, attribute) != 0) TRY(judge(attribute.name, shown));
  }
  return {};
}

// Whether the errno of an attribute is a note or an error.
Result<> FileMetadata::judge(const std::string& attribute, const fs::path& shown) {
  const bool privileged = attribute.starts_with("security.") || attribute.starts_with("trusted.");
  const bool refused = errno == EPERM || errno == EACCES || errno == EINVAL;
  if (errno == EOPNOTSUPP || (refused && privileged)) {
    note(
        fmt::format("{}: the extended attribute {} cannot be set here", shown.string(), attribute));
    return {};
  }
  return tl::unexpected(errno_error("setting the extended attribute " + attribute + " of", shown));
}

}  // namespace breakwater::datapath
