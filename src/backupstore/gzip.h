// The gzip format (RFC 1952), in one piece.
//
// Pure functions, safe on any thread. Output is the same for the same input: no time stamp, no
// name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "base/error.h"

namespace breakwater::backupstore {

// The largest content that gunzip() produces unless told otherwise.
inline constexpr uint64_t kMaxUnpacked = uint64_t{1} << 30;

// `data` as one gzip member.
Bytes gzip(std::string_view data);

// The content of one or more gzip members. kCorrupt if it is no gzip, is cut off, fails its
// checksum or unpacks to more than `limit` bytes.
Result<std::string> gunzip(ByteSpan data, uint64_t limit = kMaxUnpacked);

}  // namespace breakwater::backupstore
