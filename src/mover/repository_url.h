// Repositories by URL, as restic spells them: "s3:<endpoint>/<bucket>/<path>" and, for the provider
// breakwater.dev/local, "<path>/<bucket>/<path>". VolumeSnapshotBackups say so where their data is
// (status.resticrepository), with "#<snapshot id>" behind it.
//
// Sources: volume-snapshot-mover.md 6; decisions.md, "Data mover". Pure functions.
#pragma once

#include <optional>
#include <string>

#include "blob/store_factory.h"

namespace breakwater::mover {

// The URL of the bucket; no '/' at its end.
std::string bucket_url(const blob::StoreLocation& location);
// That, and the prefix.
std::string repository_url(const blob::StoreLocation& location);

// The location that a URL names, as far as a URL can tell: without credentials and region.
// kUnsupported for a kind of URL that we have no store for.
Result<blob::StoreLocation> location_of_url(std::string_view url);

// The part of `url` below the bucket of `location`, which becomes a prefix. kInvalid if it lies
// elsewhere or leaves its place by "..". "https://" before an endpoint may be there or not.
Result<std::string> path_in_bucket(std::string_view url, const blob::StoreLocation& location);

// "url#id" in two; the id is empty if there is none.
struct UrlAndSnapshot {
  std::string url;
  std::string snapshot;
};
UrlAndSnapshot split_snapshot(std::string_view text);

// Whose data is in a repository, as its path says.
struct RepositoryOwner {
  std::string cluster;  // "" if the original mover wrote it: its path names no application
  std::string ns;       // the application's
  std::string backup;   // of the original mover's 1.2: the Backup that it belongs to
};
// From "…/restic/<cluster id>/<namespace>", "<protected namespace>/<backup>/<vsc>-pvc" or
// "<protected namespace>/<vsc>-pvc". kInvalid if it is none of them.
Result<RepositoryOwner> owner_of_path(std::string_view path);

}  // namespace breakwater::mover
