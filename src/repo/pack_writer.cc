#include "repo/pack_writer.h"

#include <algorithm>
#include <utility>

namespace breakwater::repo {
namespace {

constexpr size_t kIndexBlobs = 50'000;
constexpr Duration kIndexAge = std::chrono::minutes(5);
constexpr size_t kPackSlack = 2u << 20;  // packs overshoot by a blob and the header

}  // namespace

PackWriter::PackWriter(SealedFiles& files, Index& index, Random& random, const Clock& clock,
                       PackWriterSettings settings)
    : files_(files), index_(index), random_(random), clock_(clock), settings_(settings) {
  for (Filling& filling : filling_) filling.pack.emplace(settings_.pack_size + kPackSlack);
}

PackWriter::~PackWriter() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

Result<> PackWriter::first_error() const {
  if (error_) return tl::unexpected(*error_);
  return {};
}

Result<> PackWriter::healthy() {
  const std::lock_guard lock(mutex_);
  return first_error();
}

void PackWriter::give_up(const Error& error) {
  {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = error;
  }
  changed_.notify_all();
}

Result<> PackWriter::add(BlobType type, const Id& id, ByteSpan sealed,
                         uint32_t uncompressed_length) {
  std::vector<FinishedPack> full;
  {
    Filling& filling = filling_[static_cast<size_t>(type)];
    const std::lock_guard lock(filling.mutex);
    if (!filling.pack->has_room(sealed.size())) {
      full.push_back(filling.pack->finish(files_.sealer(), random_));
    }
    filling.pack->add(type, id, sealed, uncompressed_length);
    if (filling.pack->size() >= settings_.pack_size) {
      full.push_back(filling.pack->finish(files_.sealer(), random_));
    }
  }
  for (FinishedPack& pack : full) TRY(enqueue(std::move(pack)));
  return healthy();
}

Result<> PackWriter::enqueue(FinishedPack pack) {
  if (settings_.upload_threads <= 0) return upload_now(std::move(pack));
  std::unique_lock lock(mutex_);
  const auto threads = static_cast<size_t>(settings_.upload_threads);
  if (threads_.size() < threads) threads_.emplace_back([this] { work(); });
  const auto in_hand = [&] { return queue_.size() + static_cast<size_t>(busy_); };
  changed_.wait(lock, [&] { return error_ || in_hand() <= threads; });
  TRY(first_error());
  queue_.push_back(std::move(pack));
  changed_.notify_all();
  return {};
}

Result<> PackWriter::upload_now(FinishedPack pack) {
  TRY(healthy());
  const Result<> done = upload(std::move(pack));
  if (!done) give_up(done.error());
  return done;
}

void PackWriter::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stop_ || !queue_.empty(); });
    if (stop_) return;
    FinishedPack pack = std::move(queue_.front());
    queue_.pop_front();
    ++busy_;
    lock.unlock();
    changed_.notify_all();
    (void)upload_now(std::move(pack));  // an error is kept for whoever comes next
    lock.lock();
    --busy_;
    changed_.notify_all();
  }
}

Result<> PackWriter::upload(FinishedPack pack) {
  TRY(while_doing(files_.store().put(key_of(FileKind::kPack, pack.id), pack.data),
                  "storing pack {}", pack.id.to_string()));
  index_.add_pack(pack.id, pack.blobs);
  {
    const std::lock_guard lock(mutex_);
    if (unindexed_.empty()) unindexed_since_ = clock_.monotonic();
    unindexed_blobs_ += pack.blobs.size();
    unindexed_.push_back({pack.id, std::move(pack.blobs)});
  }
  return save_index_if_due();
}

Result<> PackWriter::save_index_if_due() {
  {
    const std::lock_guard lock(mutex_);
    const bool due =
        unindexed_blobs_ >= kIndexBlobs || clock_.monotonic() - unindexed_since_ >= kIndexAge;
    if (unindexed_.empty() || !due) return {};
  }
  return save_index();
}

Result<> PackWriter::save_index() {
  std::vector<IndexedPack> packs;
  {
    const std::lock_guard lock(mutex_);
    packs = std::exchange(unindexed_, {});
    unindexed_blobs_ = 0;
  }
  if (packs.empty()) return {};
  TRY(files_.save(FileKind::kIndex, encode_index(packs)));
  return {};
}

Result<> PackWriter::flush() {
  for (Filling& filling : filling_) {
    std::unique_lock lock(filling.mutex);
    if (filling.pack->empty()) continue;
    FinishedPack pack = filling.pack->finish(files_.sealer(), random_);
    lock.unlock();
    TRY(enqueue(std::move(pack)));
  }
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return error_ || (queue_.empty() && busy_ == 0); });
    TRY(first_error());
  }
  const Result<> saved = save_index();
  if (!saved) give_up(saved.error());
  return saved;
}

}  // namespace breakwater::repo
