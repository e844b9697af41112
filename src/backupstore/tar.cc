#include "backupstore/tar.h"

#include <fmt/format.h>

#include <cstring>

#include "base/check.h"

namespace breakwater::backupstore {
namespace {

constexpr size_t kBlock = 512;
constexpr size_t kNameSize = 100;

// The header block of POSIX.1-1988 with the ustar extension.
struct Header {
  char name[100];
  char mode[8];
  char uid[8];
  char gid[8];
  char size[12];
  char mtime[12];
  char checksum[8];
  char type;
  char link[100];
  char magic[6];
  char version[2];
  char user[32];
  char group[32];
  char device_major[8];
  char device_minor[8];
  char prefix[155];
  char padding[12];
};
static_assert(sizeof(Header) == kBlock);

size_t padded(size_t size) { return (size + kBlock - 1) / kBlock * kBlock; }

template <size_t N>
void put_octal(char (&field)[N], uint64_t value) {
  std::string text = fmt::format("{:0{}o}", value, N - 1);
  CHECK(text.size() == N - 1);
  std::memcpy(field, text.data(), N - 1);
}

template <size_t N>
void put_text(char (&field)[N], std::string_view text) {
  CHECK(text.size() <= N);
  std::memcpy(field, text.data(), text.size());
}

template <size_t N>
std::string_view text_of(const char (&field)[N]) {
  return {field, strnlen(field, N)};
}

template <size_t N>
Result<uint64_t> octal_of(const char (&field)[N]) {
  uint64_t value = 0;
  bool digits = false;
  for (char c : text_of(field)) {
    if (c == ' ') {
      if (digits) break;
      continue;
    }
    if (c < '0' || c > '7' || value >> 60 != 0)
      return fail(Code::kCorrupt, "tar header has a malformed number");
    value = value * 8 + static_cast<uint64_t>(c - '0');
    digits = true;
  }
  return value;
}

// The sum of all bytes with the checksum field read as blanks.
uint64_t checksum(const Header& header) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(&header);
  uint64_t sum = 0;
  for (size_t i = 0; i < kBlock; ++i) sum += bytes[i];
  for (char c : header.checksum) sum -= static_cast<unsigned char>(c);
  return sum + sizeof(header.checksum) * ' ';
}

// One "length key=value\n" record, whose length counts its own digits.
std::string pax_record(std::string_view key, std::string_view value) {
  size_t rest = key.size() + value.size() + 3;
  size_t length = rest + 1;
  while (rest + fmt::formatted_size("{}", length) != length)
    length = rest + fmt::formatted_size("{}", length);
  return fmt::format("{} {}={}\n", length, key, value);
}

// The value of "path" in a pax header; "" if it has none.
Result<std::string> pax_path(std::string_view records) {
  std::string path;
  while (!records.empty()) {
    size_t length = 0, at = 0;
    while (at < records.size() && at < 9 && records[at] >= '0' && records[at] <= '9')
      length = length * 10 + static_cast<size_t>(records[at++] - '0');
    if (length <= at + 1 || length > records.size() || records[at] != ' ')
      return fail(Code::kCorrupt, "tar has a malformed pax header");
    std::string_view record = records.substr(at + 1, length - at - 2);  // without the newline
    if (record.starts_with("path=")) path = record.substr(5);
    records.remove_prefix(length);
  }
  return path;
}

bool is_zero_block(std::string_view block) {
  return block.find_first_not_of('\0') == std::string_view::npos;
}

}  // namespace

bool is_safe_entry_name(std::string_view name) {
  if (name.empty() || name.find('\0') != std::string_view::npos) return false;
  for (size_t start = 0; start <= name.size();) {
    size_t end = std::min(name.find('/', start), name.size());
    std::string_view segment = name.substr(start, end - start);
    if (segment.empty() || segment == "." || segment == "..") return false;
    start = end + 1;
  }
  return true;
}

void TarWriter::append(std::string_view name, std::string_view content, char type) {
  Header header{};
  put_text(header.name, name);
  put_octal(header.mode, 0755);
  put_octal(header.uid, 0);
  put_octal(header.gid, 0);
  put_octal(header.size, content.size());
  auto seconds = std::chrono::floor<std::chrono::seconds>(modified_).time_since_epoch().count();
  put_octal(header.mtime, static_cast<uint64_t>(std::max<int64_t>(seconds, 0)));
  header.type = type;
  std::memcpy(header.magic, "ustar", 6);
  std::memcpy(header.version, "00", 2);
  std::string sum = fmt::format("{:06o}", checksum(header));
  std::memcpy(header.checksum, sum.data(), 6);
  header.checksum[6] = '\0';
  header.checksum[7] = ' ';
  out_.append(reinterpret_cast<const char*>(&header), kBlock);
  out_.append(content);
  out_.resize(padded(out_.size()), '\0');
}

void TarWriter::add(std::string_view name, std::string_view content) {
  CHECK(is_safe_entry_name(name));
  if (name.size() > kNameSize) {
    append("pax_header", pax_record("path", name), 'x');
    name = name.substr(0, kNameSize);
  }
  append(name, content, '0');
}

std::string TarWriter::finish() {
  out_.append(2 * kBlock, '\0');
  return std::exchange(out_, {});
}

Result<std::vector<TarEntry>> read_tar(std::string_view tar) {
  std::vector<TarEntry> entries;
  std::string long_name;
  size_t at = 0;
  for (;;) {
    if (at + kBlock > tar.size()) return fail(Code::kCorrupt, "tar is cut off");
    if (is_zero_block(tar.substr(at, kBlock))) return entries;
    Header header;
    std::memcpy(&header, tar.data() + at, kBlock);
    std::string name(text_of(header.name));
    if (TRY(octal_of(header.checksum)) != checksum(header))
      return fail(Code::kCorrupt, "tar entry {} has a wrong checksum", name);
    uint64_t size = TRY(octal_of(header.size));
    at += kBlock;
    if (size > tar.size() - at) return fail(Code::kCorrupt, "tar entry {} is cut off", name);
    std::string_view content = tar.substr(at, size);
    at += padded(size);
    if (at > tar.size()) return fail(Code::kCorrupt, "tar entry {} is cut off", name);
    if (header.type == 'x') {
      long_name = TRY(pax_path(content));
      continue;
    }
    if (header.type == 'g') continue;
    if (header.type == 'L') {
      long_name = std::string(content.substr(0, content.find('\0')));
      continue;
    }
    if (std::memcmp(header.magic, "ustar", 6) == 0 && !text_of(header.prefix).empty())
      name = fmt::format("{}/{}", text_of(header.prefix), name);
    if (!long_name.empty()) name = std::exchange(long_name, {});
    if (name.starts_with("./")) name.erase(0, 2);
    if (header.type == '5') continue;
    if (header.type != '0' && header.type != '\0')
      return fail(Code::kCorrupt, "tar entry {} is no regular file", name);
    if (!is_safe_entry_name(name))
      return fail(Code::kCorrupt, "tar entry {} leads out of the archive", name);
    entries.push_back({std::move(name), content});
  }
}

}  // namespace breakwater::backupstore
