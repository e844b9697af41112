// The one implementation of Repository; see there for the contract. Its functions stand in open.cc
// (init, open, locks), load.cc, save.cc and snapshots.cc.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "repo/blob_codec.h"
#include "repo/index.h"
#include "repo/key_file.h"
#include "repo/pack_writer.h"
#include "repo/repository.h"
#include "repo/sealed_files.h"

namespace breakwater::repo {

class RepositoryImpl final : public Repository {
 public:
  RepositoryImpl(Environment environment, const CipherKey& master, const Config& config,
                 const Settings& settings);

  const Id& id() const override { return config_.id; }
  int version() const override { return config_.version; }
  uint64_t chunker_polynomial() const override { return config_.chunker_polynomial; }

  Result<std::unique_ptr<Lock>> lock(bool exclusive) override;
  Result<int> unlock(bool all) override;
  Result<int> unlock_own_host() override;

  Result<> load_index() override;
  std::optional<BlobLocation> find(BlobType type, const Id& id) const override;
  Result<Bytes> load_blob(BlobType type, const Id& id) override;
  Result<> load_from_pack(const Id& pack, const std::vector<Id>& blobs,
                          const Deliver& deliver) override;

  Result<SavedBlob> save_blob(BlobType type, ByteSpan plaintext) override;
  Result<SavedBlob> save_blob(BlobType type, const Id& id, ByteSpan plaintext) override;
  Result<> flush() override;

  Result<Tree> load_tree(const Id& id) override;
  Result<SavedBlob> save_tree(const Tree& tree) override;

  Result<Id> save_snapshot(Snapshot snapshot) override;
  Result<std::vector<Snapshot>> snapshots() override;
  Result<Snapshot> load_snapshot(const Id& id) override;
  Result<> remove_snapshot(const Id& id) override;

  Result<CheckReport> check(bool read_data, const CancelToken& cancel,
                            const CheckProgress& progress) override;

 private:
  struct Located {
    Id id;
    BlobLocation place;
  };
  // Reads a range of a pack; whatever is wrong with the pack itself is kCorrupt.
  Result<Bytes> read_range(const Id& pack, uint64_t offset, uint64_t length);
  Result<std::vector<Located>> locate(const Id& pack, const std::vector<Id>& blobs) const;
  Result<> deliver_run(std::span<const Located> run, const Deliver& deliver);
  Result<> read_index_file(const Id& id);

  const Environment environment_;
  const Config config_;
  const Settings settings_;
  SharedRandom random_;
  SealedFiles files_;
  CodecPool codecs_;
  Index index_;
  PackWriter writer_;
};

}  // namespace breakwater::repo
