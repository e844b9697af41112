// The tar format: POSIX ustar, with pax headers for names that do not fit.
//
// Archives are whole strings in memory. Pure functions and values; one writer is used by one
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace breakwater::backupstore {

class TarWriter {
 public:
  // Entries get `modified` as their time, mode 0755 as Velero writes them, and owner 0.
  explicit TarWriter(Time modified) : modified_(modified) {}

  // Adds a regular file. `name` is relative, in '/'-separated segments; CHECKed, as names are ours.
  void add(std::string_view name, std::string_view content);
  // The archive with its end mark. The writer is empty afterwards.
  std::string finish();

 private:
  void append(std::string_view name, std::string_view content, char type);
  Time modified_;
  std::string out_;
};

struct TarEntry {
  std::string name;
  std::string_view content;  // into the archive that was read
};

// The regular files of an archive, in its order; directories are left out. `tar` outlives the
// result. Understands ustar prefixes, pax "path" and GNU long names. kCorrupt, naming the entry: a
// wrong checksum, a cut-off member, a name that is absolute or has an empty, "." or ".." segment
// (after an optional leading "./"), links and devices.
Result<std::vector<TarEntry>> read_tar(std::string_view tar);

// Whether `name` stays below the folder it is unpacked in: relative, no empty, "." or ".." segment.
bool is_safe_entry_name(std::string_view name);

}  // namespace breakwater::backupstore
