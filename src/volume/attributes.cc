#include "volume/attributes.h"

#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "base/file.h"

namespace breakwater::volume {
namespace {

namespace fs = std::filesystem;

constexpr int kAttempts = 10;  // a list of attributes may grow while it is read

// What `call` fills, with a buffer as large as it asks for; nothing if there is nothing (any more).
template <class Call>
Result<std::optional<std::string>> read_sized(const Call& call, const fs::path& shown) {
  std::string buffer(1024, '\0');
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const ssize_t size = call(buffer.data(), buffer.size());
    if (size >= 0) {
      buffer.resize(static_cast<size_t>(size));
      return buffer;
    }
    if (errno == ENODATA || errno == EOPNOTSUPP || errno == ENOENT) return std::nullopt;
    if (errno != ERANGE) break;
    const ssize_t wanted = call(nullptr, 0);
    if (wanted > 0) buffer.resize(static_cast<size_t>(wanted) + 256);
  }
  return tl::unexpected(errno_error("reading the extended attributes of", shown));
}

int remove_attribute(const AttributePlace& place, const std::string& name) {
  return place.fd >= 0 ? ::fremovexattr(place.fd, name.c_str())
                       : ::lremovexattr(place.path.c_str(), name.c_str());
}

int set_attribute(const AttributePlace& place, const Attribute& attribute) {
  const char* name = attribute.name.c_str();
  const std::string& value = attribute.value;
  return place.fd >= 0 ? ::fsetxattr(place.fd, name, value.data(), value.size(), 0)
                       : ::lsetxattr(place.path.c_str(), name, value.data(), value.size(), 0);
}

// Whether errno means that the attribute cannot be had here at all.
bool is_out_of_reach(const std::string& attribute) {
  const bool privileged = attribute.starts_with("security.") || attribute.starts_with("trusted.");
  const bool refused = errno == EPERM || errno == EACCES || errno == EINVAL;
  return errno == EOPNOTSUPP || (refused && privileged);
}

}  // namespace

fs::path path_at(int directory, const std::string& name) {
  return fs::path(fmt::format("/proc/self/fd/{}", directory)) / name;
}

Result<std::vector<Attribute>> read_attributes(const AttributePlace& place, const fs::path& shown) {
  const auto read_list = [&](char* out, size_t size) {
    return place.fd >= 0 ? ::flistxattr(place.fd, out, size)
                         : ::llistxattr(place.path.c_str(), out, size);
  };
  std::vector<Attribute> attributes;
  const auto list = TRY(read_sized(read_list, shown));
  if (!list) return attributes;
  for (size_t at = 0; at < list->size();) {
    const std::string name(list->c_str() + at);
    at += name.size() + 1;
    const auto read_value = [&](char* out, size_t size) {
      return place.fd >= 0 ? ::fgetxattr(place.fd, name.c_str(), out, size)
                           : ::lgetxattr(place.path.c_str(), name.c_str(), out, size);
    };
    const auto value = TRY(read_sized(read_value, shown));
    if (value) attributes.push_back({name, *value});
  }
  return attributes;
}

Result<std::vector<std::string>> write_attributes(const AttributePlace& place,
                                                  const std::vector<Attribute>& wanted,
                                                  const fs::path& shown) {
  std::vector<std::string> missed;
  const auto judge = [&](const std::string& name) -> Result<> {
    if (!is_out_of_reach(name)) {
      return tl::unexpected(errno_error("setting the extended attribute " + name + " of", shown));
    }
    missed.push_back(name);
    return {};
  };
  const auto present = TRY(read_attributes(place, shown));
  for (const Attribute& attribute : present) {
    const bool stays = std::ranges::find(wanted, attribute.name, &Attribute::name) != wanted.end();
    if (!stays && remove_attribute(place, attribute.name) != 0) TRY(judge(attribute.name));
  }
  for (const Attribute& attribute : wanted) {
    const bool there = std::ranges::find(present, attribute) != present.end();
    if (!there && set_attribute(place, attribute) != 0) TRY(judge(attribute.name));
  }
  return missed;
}

}  // namespace breakwater::volume
