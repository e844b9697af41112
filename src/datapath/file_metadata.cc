#include "datapath/file_metadata.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "datapath/file_node.h"
#include "repo/extended_attributes.h"

namespace breakwater::datapath {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostNotes = 100;

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
  TRY(set_attributes({-1, volume::path_at(directory, node.name)}, node, shown));
  const timespec times[2] = {to_timespec(node.atime), to_timespec(node.mtime)};
  if (::utimensat(directory, name, times, AT_SYMLINK_NOFOLLOW) != 0) {
    return tl::unexpected(errno_error("setting the times of", shown));
  }
  return {};
}

Result<> FileMetadata::set_attributes(const volume::AttributePlace& place, const repo::Node& node,
                                      const fs::path& shown) {
  std::vector<volume::Attribute> wanted;
  for (repo::ExtendedAttribute& attribute : TRY(repo::extended_attributes(node))) {
    wanted.push_back({std::move(attribute.name), std::move(attribute.value)});
  }
  for (const std::string& name : TRY(volume::write_attributes(place, wanted, shown))) {
    note(fmt::format("{}: the extended attribute {} cannot be set here", shown.string(), name));
  }
  return {};
}

}  // namespace breakwater::datapath
