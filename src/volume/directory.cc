#include "volume/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace breakwater::volume {

namespace fs = std::filesystem;

Result<Fd> open_directory(int at, const fs::path& name, const fs::path& shown) {
  Fd fd(::openat(at, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) return tl::unexpected(errno_error("opening directory", shown));
  return fd;
}

Result<std::vector<std::string>> list_directory(int directory, const fs::path& shown) {
  Fd again(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  DIR* stream = again.valid() ? ::fdopendir(again.get()) : nullptr;
  if (!stream) return tl::unexpected(errno_error("reading directory", shown));
  again.release();  // the stream has it now
  const std::unique_ptr<DIR, int (*)(DIR*)> closer(stream, ::closedir);
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(stream);
    if (!entry) break;
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  if (errno != 0) return tl::unexpected(errno_error("reading directory", shown));
  std::sort(names.begin(), names.end());
  return names;
}

Result<> remove_entry(int directory, const std::string& name, const fs::path& shown) {
  if (::unlinkat(directory, name.c_str(), 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR) return tl::unexpected(errno_error("removing", shown));
  {
    const Fd below = TRY(open_directory(directory, name, shown));
    for (const std::string& entry : TRY(list_directory(below.get(), shown))) {
      TRY(remove_entry(below.get(), entry, shown / entry));
    }
  }
  if (::unlinkat(directory, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
  return tl::unexpected(errno_error("removing", shown));
}

}  // namespace breakwater::volume
