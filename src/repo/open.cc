#include <unistd.h>

#include "repo/checker.h"
#include "repo/lock.h"
#include "repo/repository_impl.h"

namespace breakwater::repo {
namespace {

Result<> store_key_file(blob::ObjectStore& store, const Id& id, std::string_view file) {
  return while_doing(store.put_new(key_of(FileKind::kKey, id), as_bytes(file)), "storing key {}",
                     id.to_string());
}

bool opens_config(const CipherKey& master, ByteSpan config) {
  return Sealer(master).open(config).has_value();
}

// The first master key that the password opens and, if there is a config, that opens the config: an
// interrupted init may have left a key that belongs to nothing.
Result<CipherKey> find_master(blob::ObjectStore& store, const std::string& password,
                              const Bytes* config) {
  std::optional<Error> problem;
  bool opened = false;
  for (const StoredFile& file : TRY(list_files(store, FileKind::kKey))) {
    const Bytes data = TRY(load_file(store, FileKind::kKey, file.id));
    const Result<CipherKey> master =
        while_doing(open_key_file(as_text(data), password), "opening key {}", file.id.to_string());
    if (master && (!config || opens_config(*master, *config))) return *master;
    if (master) opened = true;
    if (!master && !master.error().is(Code::kForbidden)) problem = master.error();
  }
  if (opened)
    return fail(Code::kCorrupt, "the config is damaged: no key of this password opens it");
  if (problem) return tl::unexpected(*problem);
  return fail(Code::kForbidden, "wrong password for the repository in {}", store.describe());
}

// Whether a key is all there is: what an init leaves that was interrupted before the config.
Result<bool> only_keys(blob::ObjectStore& store) {
  for (const FileKind kind : {FileKind::kSnapshot, FileKind::kIndex, FileKind::kPack}) {
    const blob::Listing listing = TRY(store.list(std::string(kind_folder(kind)), true));
    if (!listing.objects.empty() || !listing.prefixes.empty()) return false;
  }
  return true;
}

struct FirstKey {
  CipherKey master;
  std::optional<Id> file;  // if we made it just now
};

Result<FirstKey> make_first_key(const Environment& environment, const std::string& password,
                                const KdfParameters& kdf, Random& random) {
  const CipherKey master = random_key(random);
  const KeyOrigin origin{environment.clock.now(), environment.username, environment.hostname};
  const std::string file = TRY(make_key_file(master, password, kdf, origin, random));
  const Id id{sha256(as_bytes(file))};
  TRY(store_key_file(environment.store, id, file));
  return FirstKey{master, id};
}

// Somebody else's config was faster than ours: a key that does not open it would confuse restic.
Result<> remove_useless_key(blob::ObjectStore& store, const FirstKey& key) {
  if (!key.file) return {};
  const Bytes config = TRY(store.get(std::string(kConfigKey)));
  if (opens_config(key.master, config)) return {};
  return store.remove(key_of(FileKind::kKey, *key.file));
}

}  // namespace

Result<bool> Repository::exists(blob::ObjectStore& store) {
  const Result<blob::ObjectInfo> config = store.head(std::string(kConfigKey));
  if (config) return true;
  if (config.error().is(Code::kNotFound)) return false;
  return tl::unexpected(config.error());
}

Result<> Repository::init(Environment environment, const std::string& password, KdfParameters kdf) {
  blob::ObjectStore& store = environment.store;
  const auto taken = [&] {
    return fail(Code::kAlreadyExists, "there is a repository in {} already", store.describe());
  };
  if (TRY(exists(store)) || !TRY(only_keys(store))) return taken();
  SharedRandom random(environment.random);
  FirstKey key;
  if (TRY(list_files(store, FileKind::kKey)).empty()) {
    key = TRY(make_first_key(environment, password, kdf, random));
  } else {
    const Result<CipherKey> left = find_master(store, password, nullptr);
    if (!left) return taken();
    key.master = *left;
  }
  const std::string config = encode_config(new_config(random));
  const Bytes sealed = Sealer(key.master).seal(random, as_bytes(config));
  const Result<> stored = store.put_new(std::string(kConfigKey), sealed);
  if (stored || !stored.error().is(Code::kAlreadyExists)) return stored;
  TRY(remove_useless_key(store, key));
  return taken();
}

Result<std::unique_ptr<Repository>> Repository::open(Environment environment,
                                                     const std::string& password,
                                                     Settings settings) {
  blob::ObjectStore& store = environment.store;
  const Result<Bytes> sealed = store.get(std::string(kConfigKey));
  if (!sealed && sealed.error().is(Code::kNotFound)) {
    return fail(Code::kNotFound, "there is no repository in {}", store.describe());
  }
  if (!sealed) return tl::unexpected(sealed.error());
  const CipherKey master = TRY(find_master(store, password, &*sealed));
  const Bytes text = TRY(Sealer(master).open(*sealed));
  const Config config = TRY(decode_config(as_text(text)));
  return std::make_unique<RepositoryImpl>(std::move(environment), master, config, settings);
}

RepositoryImpl::RepositoryImpl(Environment environment, const CipherKey& master,
                               const Config& config, const Settings& settings)
    : environment_(std::move(environment)),
      config_(config),
      settings_(settings),
      random_(environment_.random),
      files_(environment_.store, Sealer(master), random_),
      codecs_(files_.sealer(), random_,
              CodecSettings{.compression = settings.compression,
                            .can_compress = config.version >= 2,
                            .extra_verify = settings.extra_verify}),
      writer_(files_, index_, random_, environment_.clock,
              PackWriterSettings{.pack_size = settings.pack_size,
                                 .upload_threads = settings.upload_threads}) {
  files_.set_version(config.version);
}

Result<std::unique_ptr<Lock>> RepositoryImpl::lock(bool exclusive) {
  LockRecord wanted;
  wanted.exclusive = exclusive;
  wanted.hostname = environment_.hostname;
  wanted.username = environment_.username;
  wanted.pid = ::getpid();
  LockTiming timing;
  timing.recheck = settings_.lock_recheck;
  return acquire_lock(files_, environment_.clock, environment_.log, std::move(wanted), timing);
}

Result<int> RepositoryImpl::unlock(bool all) {
  return remove_locks(files_, environment_.clock, environment_.hostname,
                      all ? LocksToRemove::kAll : LocksToRemove::kStale, LockTiming{});
}

Result<int> RepositoryImpl::unlock_own_host() {
  return remove_locks(files_, environment_.clock, environment_.hostname,
                      LocksToRemove::kStaleAndOwnHost, LockTiming{});
}

Result<Repository::CheckReport> RepositoryImpl::check(bool read_data, const CancelToken& cancel,
                                                      const CheckProgress& progress) {
  return Checker(files_, codecs_, cancel).run(read_data, progress);
}

}  // namespace breakwater::repo
