#include "sandbox/directory_volume.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <charconv>
#include <cstdlib>

#include "base/file.h"
#include "volume/clone_tree.h"
#include "volume/directory.h"

namespace breakwater::sandbox {
namespace {

namespace fs = std::filesystem;

Result<> write_size(const fs::path& place, uint64_t size) {
  return write_file(place / kVolumeSize, fmt::format("{}\n", size));
}

Result<> fill(const fs::path& place, uint64_t size, const std::optional<fs::path>& from) {
  TRY(make_directories(place / kVolumeData));
  if (from) {
    TRY(volume::clone_tree(*from / kVolumeData, place / kVolumeData));
    size = std::max(size, TRY(directory_volume_size(*from)));
  }
  TRY(write_size(place, size));
  return sync_directory(place);
}

}  // namespace

Result<> create_directory_volume(const fs::path& place, uint64_t size,
                                 const std::optional<fs::path>& from) {
  if (is_directory_volume(place)) {
    const uint64_t present = TRY(directory_volume_size(place));
    return from && present >= size ? Result<>() : write_size(place, size);
  }
  std::string draft = place.string() + "-tmp-XXXXXX";
  if (!::mkdtemp(draft.data())) return tl::unexpected(errno_error("creating", place));
  auto filled = fill(draft, size, from);
  if (filled && ::rename(draft.c_str(), place.c_str()) != 0) {
    filled = tl::unexpected(errno_error("naming", place));
  }
  if (!filled) {
    static_cast<void>(remove_everything(draft));
    return filled;
  }
  return sync_directory(place.parent_path());
}

bool is_directory_volume(const fs::path& place) {
  struct stat status {};
  return ::lstat(place.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

Result<uint64_t> directory_volume_size(const fs::path& place) {
  const std::string text = TRY(read_file(place / kVolumeSize));
  uint64_t size = 0;
  const char* end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, size);
  if (problem == std::errc() && stop != end && *stop == '\n') return size;
  return fail(Code::kCorrupt, "{} holds no size", (place / kVolumeSize).string());
}

Result<> remove_directory_volume(const fs::path& place) {
  const fs::path going = place.parent_path() / ("." + place.filename().string());
  TRY(remove_everything(going));  // of a removal that was interrupted
  if (::rename(place.c_str(), going.c_str()) != 0) {
    if (errno == ENOENT) return {};
    return tl::unexpected(errno_error("removing", place));
  }
  return remove_everything(going);
}

Result<> remove_everything(const fs::path& path) {
  const fs::path folder = path.parent_path();
  const Fd directory = TRY(volume::open_directory(AT_FDCWD, folder, folder));
  return volume::remove_entry(directory.get(), path.filename(), path);
}

}  // namespace breakwater::sandbox
