#include "datapath/tree_store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "datapath/file_chunks.h"
#include "repo/tree.h"

namespace breakwater::datapath {
namespace {

using repo::BlobType;
using repo::Id;

constexpr std::chrono::milliseconds kTickInterval{100};
constexpr size_t kWaitingFiles = 256;

// Not touching the access time, where we may.
int open_for_reading(int directory, const char* name) {
  constexpr int kFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  const int fd = ::openat(directory, name, kFlags | O_NOATIME);
  return fd < 0 && errno == EPERM ? ::openat(directory, name, kFlags) : fd;
}

}  // namespace

TreeStore::TreeStore(repo::Repository& repository, Counters& counters, int threads, Tick tick)
    : repository_(repository),
      counters_(counters),
      thread_count_(static_cast<size_t>(std::max(threads, 1))),
      tick_(std::move(tick)),
      tables_(repository.chunker_polynomial()) {}

TreeStore::~TreeStore() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void TreeStore::stop(Error error) {
  {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = std::move(error);
    stopped_ = true;
  }
  changed_.notify_all();
}

Result<> TreeStore::wait(std::unique_lock<std::mutex>& lock, const std::function<bool()>& ready) {
  while (true) {
    if (error_) return tl::unexpected(*error_);
    if (changed_.wait_for(lock, kTickInterval, [&] { return error_ || ready(); })) {
      if (error_) return tl::unexpected(*error_);
      return {};
    }
    lock.unlock();
    TRY(tick_());
    lock.lock();
  }
}

Result<> TreeStore::add_file(const PendingTreePtr& tree, size_t slot,
                             std::shared_ptr<const Fd> at) {
  auto file = std::make_shared<File>();
  file->tree = tree;
  file->slot = slot;
  file->at = std::move(at);
  file->path = tree->path / tree->nodes[slot].name;
  ++tree->missing;
  std::unique_lock lock(mutex_);
  TRY(wait(lock, [this] { return files_.size() < kWaitingFiles; }));
  files_.push_back(std::move(file));
  if (threads_.size() < thread_count_) {
    try {
      threads_.emplace_back([this] { work(); });
    } catch (const std::system_error& problem) {
      if (threads_.empty())
        return fail(Code::kInternal, "cannot start a thread: {}", problem.what());
    }
  }
  changed_.notify_all();
  return {};
}

void TreeStore::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopped_ || !chunks_.empty() || !files_.empty(); });
    if (stopped_) return;
    Result<> done;
    if (!chunks_.empty()) {
      const Chunk chunk = std::move(chunks_.front());
      chunks_.pop_front();
      lock.unlock();
      done = store_chunk(chunk);
    } else {
      const FilePtr file = std::move(files_.front());
      files_.pop_front();
      changed_.notify_all();
      lock.unlock();
      done = read_file(file);
    }
    if (!done) stop(std::move(done.error()));
    lock.lock();
  }
}

// False if it has vanished meanwhile: it is no part of the directory then.
Result<bool> TreeStore::open_file(File& file) {
  file.fd = Fd(open_for_reading(file.at->get(), file.tree->nodes[file.slot].name.c_str()));
  file.at.reset();
  if (file.fd.valid()) return true;
  if (errno == ENOENT) return false;
  return tl::unexpected(errno_error("opening", file.path));
}

Result<> TreeStore::read_file(const FilePtr& file) {
  if (!TRY(open_file(*file))) {
    file->tree->nodes[file->slot].type.clear();
    return release(file->tree);
  }
  struct stat status {};
  if (::fstat(file->fd.get(), &status) != 0) {
    return tl::unexpected(errno_error("looking at", file->path));
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(Code::kInvalid, "{} is no regular file any more", file->path.string());
  }
  FileChunks chunks(file->fd.get(), file->path, tables_, static_cast<uint64_t>(status.st_size),
                    static_cast<uint64_t>(status.st_blocks) * 512);
  uint64_t counted = 0;
  while (true) {
    auto chunk = TRY(chunks.next());
    counters_.read += chunks.bytes_read() - std::exchange(counted, chunks.bytes_read());
    if (!chunk) break;
    if (chunk->zeros > 0) {
      TRY(add_zeros(*file, chunk->zeros));
    } else {
      TRY(add_chunk(file, std::move(chunk->data)));
    }
    const std::lock_guard lock(mutex_);
    if (error_) return tl::unexpected(*error_);
  }
  file->fd = Fd();
  return release_file(file);
}

Result<> TreeStore::add_zeros(File& file, uint64_t count) {
  Result<> saved;
  std::call_once(zeros_saved_, [&] {
    const Bytes zeros(repo::kChunkMin);
    zeros_ = Id{sha256(zeros)};
    saved = save_blob(zeros_, zeros);
  });
  TRY(std::move(saved));
  const std::lock_guard lock(file.mutex);
  file.content.insert(file.content.end(), count, zeros_);
  file.size += count * repo::kChunkMin;
  counters_.done += count * repo::kChunkMin;
  return {};
}

// Leaves it to another thread unless enough wait already.
Result<> TreeStore::add_chunk(const FilePtr& file, Bytes data) {
  Chunk chunk{file, 0, std::move(data)};
  {
    const std::lock_guard lock(file->mutex);
    chunk.index = file->content.size();
    file->content.emplace_back();
    file->size += chunk.data.size();
    ++file->missing;
  }
  {
    const std::lock_guard lock(mutex_);
    if (thread_count_ > 1 && chunks_.size() < thread_count_) {
      chunks_.push_back(std::move(chunk));
      changed_.notify_all();
      return {};
    }
  }
  return store_chunk(chunk);
}

Result<> TreeStore::store_chunk(const Chunk& chunk) {
  const Id id{sha256(chunk.data)};
  TRY(while_doing(save_blob(id, chunk.data), "storing {}", chunk.file->path.string()));
  counters_.done += chunk.data.size();
  {
    const std::lock_guard lock(chunk.file->mutex);
    chunk.file->content[chunk.index] = id;
  }
  return release_file(chunk.file);
}

Result<> TreeStore::release_file(const FilePtr& file) {
  {
    const std::lock_guard lock(file->mutex);
    if (--file->missing > 0) return {};
  }
  repo::Node& node = file->tree->nodes[file->slot];
  node.content = std::move(file->content);
  node.size = file->size;
  return release(file->tree);
}

Result<> TreeStore::save_blob(const Id& id, ByteSpan data) {
  const auto saved = TRY(repository_.save_blob(BlobType::kData, id, data));
  if (saved.added) {
    ++counters_.blobs;
    counters_.blob_bytes += data.size();
    counters_.moved += saved.packed_size;
  }
  return {};
}

Result<> TreeStore::release(const PendingTreePtr& tree) {
  for (PendingTreePtr complete = tree; complete && --complete->missing == 0;) {
    TRY(while_doing(store_tree(*complete), "storing directory {}", complete->path.string()));
    complete = complete->parent;
  }
  return {};
}

Result<> TreeStore::store_tree(PendingTree& tree) {
  std::erase_if(tree.nodes, [](const repo::Node& node) { return node.type.empty(); });
  const std::string text = TRY(repo::encode_tree(tree.nodes));
  tree.nodes = {};
  const auto saved = TRY(repository_.save_blob(BlobType::kTree, as_bytes(text)));
  if (saved.added) {
    ++trees_.tree_blobs;
    trees_.tree_bytes += text.size();
    counters_.moved += saved.packed_size;
  }
  auto& counter = !tree.previous               ? trees_.dirs_new
                  : *tree.previous == saved.id ? trees_.dirs_unmodified
                                               : trees_.dirs_changed;
  ++counter;
  if (tree.parent) {
    tree.parent->nodes[tree.slot].subtree = saved.id;
    return {};
  }
  const std::lock_guard lock(mutex_);
  root_ = saved.id;
  changed_.notify_all();
  return {};
}

Result<Id> TreeStore::finish() {
  std::unique_lock lock(mutex_);
  TRY(wait(lock, [this] { return root_.has_value(); }));
  return *root_;
}

}  // namespace breakwater::datapath
