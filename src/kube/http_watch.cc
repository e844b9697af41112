#include "kube/http_watch.h"

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace breakwater::kube {
namespace {

// The server ends a watch after kServerSeconds; if it forgets to, we do a little later.
constexpr long kServerSeconds = 480;
constexpr long kOurSeconds = kServerSeconds + 60;
// A consumer that falls behind makes the server wait once this many events are queued …
constexpr size_t kMostQueued = 10000;
// … until it has worked off this many of them.
constexpr size_t kResumeAt = kMostQueued / 2;
constexpr size_t kLongestLine = size_t{64} << 20;
constexpr size_t kLongestError = size_t{1} << 20;

// One watch: what the thread reads and the consumer takes.
struct Stream {
  std::string what;  // "GET https://…", for errors

  // The thread's alone.
  CurlHandle handle;
  CurlList headers;
  std::string line;
  std::string error_body;
  char error_text[CURL_ERROR_SIZE] = "";

  std::mutex mutex;
  std::deque<WatchEvent> events;
  std::optional<Error> end;
  bool paused = false;

  // Held while the wake-up runs, so that it has returned before the Watch is gone.
  std::mutex wake_mutex;
  std::function<void()> wake;

  void call_wake() {
    std::lock_guard lock(wake_mutex);
    if (wake) wake();
  }
  // The first reason counts.
  void finish(Error error) {
    {
      std::lock_guard lock(mutex);
      if (!end) end = std::move(error);
    }
    call_wake();
  }
};

Result<WatchEvent> parse_event(std::string_view line) {
  auto json = parse_json(line);
  if (!json) {
    return fail(Code::kUnavailable, "a watch event is malformed: {}", json.error().message());
  }
  const std::string& type = (*json)["type"].as_string();
  const Json& object = (*json)["object"];
  if (type == "ADDED") return WatchEvent{WatchEvent::Type::kAdded, Object(object)};
  if (type == "MODIFIED") return WatchEvent{WatchEvent::Type::kModified, Object(object)};
  if (type == "DELETED") return WatchEvent{WatchEvent::Type::kDeleted, Object(object)};
  if (type == "BOOKMARK") return WatchEvent{WatchEvent::Type::kBookmark, Object(object)};
  if (type == "ERROR") {
    return tl::unexpected(error_of(static_cast<int>(object["code"].as_int(500)), object));
  }
  return fail(Code::kUnavailable, "watch events of type \"{}\" are unknown", type);
}

// Takes the complete lines of `data`; false ends the transfer.
bool take_lines(Stream& stream, std::string_view data) {
  bool came = false;
  while (true) {
    const size_t end = data.find('\n');
    stream.line.append(data.substr(0, end));
    if (end == std::string_view::npos) break;
    data.remove_prefix(end + 1);
    if (stream.line.find_first_not_of(" \r\t") != std::string::npos) {
      auto event = parse_event(stream.line);
      if (!event) {
        stream.finish(std::move(event).error());
        return false;
      }
      std::lock_guard lock(stream.mutex);
      stream.events.push_back(*std::move(event));
      came = true;
    }
    stream.line.clear();
  }
  if (came) stream.call_wake();
  if (stream.line.size() <= kLongestLine) return true;
  stream.finish(Error(Code::kUnavailable, stream.what + ": a watch event is too large"));
  return false;
}

size_t on_data(char* data, size_t, size_t size, void* user) {
  Stream& stream = *static_cast<Stream*>(user);
  long status = 0;
  curl_easy_getinfo(stream.handle.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status != 200) {
    stream.error_body.append(data, size);
    return stream.error_body.size() <= kLongestError ? size : size_t{CURL_WRITEFUNC_ERROR};
  }
  {
    std::lock_guard lock(stream.mutex);
    if (stream.events.size() >= kMostQueued) {
      stream.paused = true;
      return CURL_WRITEFUNC_PAUSE;
    }
  }
  return take_lines(stream, {data, size}) ? size : size_t{CURL_WRITEFUNC_ERROR};
}

Error end_of(Stream& stream, CURLcode result) {
  long status = 0;
  curl_easy_getinfo(stream.handle.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status != 0 && status != 200) {
    return error_of(static_cast<int>(status), parse_json(stream.error_body).value_or(Json()));
  }
  if (result == CURLE_OK || status == 200) {
    return Error(Code::kUnavailable, stream.what + ": the stream has ended");
  }
  return transfer_error(result, stream.error_text, stream.what);
}

}  // namespace

struct WatchHub::Impl {
  explicit Impl(const Endpoint& where) : endpoint(where), multi(curl_multi_init()) {
    thread = std::thread([this] { serve(); });
  }
  ~Impl() {
    {
      std::lock_guard lock(mutex);
      stopping = true;
    }
    curl_multi_wakeup(multi);
    thread.join();
    for (auto& [handle, stream] : active) curl_multi_remove_handle(multi, handle);
    curl_multi_cleanup(multi);
  }

  void post(std::vector<std::shared_ptr<Stream>>& list, std::shared_ptr<Stream> stream) {
    {
      std::lock_guard lock(mutex);
      list.push_back(std::move(stream));
    }
    curl_multi_wakeup(multi);
  }

  void serve() {
    constexpr int kLongestPoll = 10000;  // milliseconds; a new watch wakes it at once
    while (take_posts()) {
      int running = 0;
      curl_multi_perform(multi, &running);
      take_ended();
      curl_multi_poll(multi, nullptr, 0, kLongestPoll, nullptr);
    }
  }

  // What other threads asked for; false when it is time to stop.
  bool take_posts() {
    std::vector<std::shared_ptr<Stream>> adds, removes, resumes;
    {
      std::lock_guard lock(mutex);
      if (stopping) return false;
      adds.swap(to_add);
      removes.swap(to_remove);
      resumes.swap(to_resume);
    }
    for (auto& stream : adds) {
      CURL* handle = stream->handle.get();
      curl_multi_add_handle(multi, handle);
      active[handle] = std::move(stream);
    }
    for (const auto& stream : resumes) {
      CURL* handle = stream->handle.get();
      if (active.contains(handle)) curl_easy_pause(handle, CURLPAUSE_CONT);
    }
    for (const auto& stream : removes) {
      CURL* handle = stream->handle.get();
      if (active.erase(handle) > 0) curl_multi_remove_handle(multi, handle);
    }
    return true;
  }

  void take_ended() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      CURL* handle = message->easy_handle;
      const CURLcode result = message->data.result;
      const auto found = active.find(handle);
      if (found == active.end()) continue;
      const std::shared_ptr<Stream> stream = std::move(found->second);
      active.erase(found);
      curl_multi_remove_handle(multi, handle);
      stream->finish(end_of(*stream, result));
    }
  }

  const Endpoint& endpoint;
  CURLM* const multi;
  std::map<CURL*, std::shared_ptr<Stream>> active;  // the thread's alone

  std::mutex mutex;
  bool stopping = false;
  std::vector<std::shared_ptr<Stream>> to_add, to_remove, to_resume;
  std::thread thread;

  class HttpWatch;
};

class WatchHub::Impl::HttpWatch final : public Watch {
 public:
  HttpWatch(Impl& hub, std::shared_ptr<Stream> stream) : hub_(hub), stream_(std::move(stream)) {}

  ~HttpWatch() override {
    {
      std::lock_guard lock(stream_->wake_mutex);
      stream_->wake = nullptr;
    }
    hub_.post(hub_.to_remove, stream_);
  }

  Result<std::optional<WatchEvent>> next() override {
    std::lock_guard lock(stream_->mutex);
    auto& events = stream_->events;
    if (stream_->paused && events.size() <= kResumeAt) {
      stream_->paused = false;
      hub_.post(hub_.to_resume, stream_);
    }
    if (!events.empty()) {
      WatchEvent event = std::move(events.front());
      events.pop_front();
      return event;
    }
    if (stream_->end) return tl::unexpected(*stream_->end);
    return std::nullopt;
  }

  void set_wake(std::function<void()> wake) override {
    {
      std::lock_guard lock(stream_->wake_mutex);
      stream_->wake = std::move(wake);
    }
    stream_->call_wake();  // for what came before
  }

 private:
  Impl& hub_;
  const std::shared_ptr<Stream> stream_;
};

WatchHub::WatchHub(const Endpoint& endpoint) : impl_(std::make_unique<Impl>(endpoint)) {}
WatchHub::~WatchHub() = default;

Result<std::unique_ptr<Watch>> WatchHub::open(const std::string& path) {
  auto stream = std::make_shared<Stream>();
  stream->handle.reset(curl_easy_init());
  if (!stream->handle) return fail(Code::kInternal, "libcurl has no handle left");
  CURL* handle = stream->handle.get();
  std::string target = path;
  add_query(target, "timeoutSeconds", std::to_string(kServerSeconds));
  stream->what = "GET " + impl_->endpoint.url(path);
  stream->headers = TRY(impl_->endpoint.prepare(handle, target, "application/json", ""));
  curl_easy_setopt(handle, CURLOPT_TIMEOUT, kOurSeconds);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_data);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, stream.get());
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, stream->error_text);
  impl_->post(impl_->to_add, stream);
  return std::make_unique<Impl::HttpWatch>(*impl_, std::move(stream));
}

}  // namespace breakwater::kube
