// Extended attributes of files, POSIX ACLs and capabilities among them (man 7 xattr). Stateless;
// any thread.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"

namespace breakwater::volume {

struct Attribute {
  std::string name;
  std::string value;  // raw bytes
  friend bool operator==(const Attribute&, const Attribute&) = default;
};

// Whose attributes: of an open file or directory, or of what `path` names, a symlink not followed.
struct AttributePlace {
  int fd = -1;
  std::filesystem::path path = {};
};

// In the order of the system; none where the file system has none. `shown` is for messages, here
// and below.
Result<std::vector<Attribute>> read_attributes(const AttributePlace& place,
                                               const std::filesystem::path& shown);
// Makes the attributes be exactly `wanted`. Returns the names of those that this process or file
// system cannot have: without support, or "security." and "trusted." without privilege; those stay
// as they were.
Result<std::vector<std::string>> write_attributes(const AttributePlace& place,
                                                  const std::vector<Attribute>& wanted,
                                                  const std::filesystem::path& shown);

// A path to `name` in an open directory, however deep that is: "/proc/self/fd/7/name".
std::filesystem::path path_at(int directory, const std::string& name);

}  // namespace breakwater::volume
