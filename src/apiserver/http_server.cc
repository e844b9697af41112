// The only file that includes Boost.Beast and Boost.Asio.
#include "apiserver/http_server.h"

#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "apiserver/http_request.h"
#include "apiserver/rest_reply.h"
#include "apiserver/tls_context.h"

namespace breakwater::apiserver {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using beast::error_code;

constexpr auto kHandshakeTimeout = std::chrono::seconds(10);
constexpr auto kIdleTimeout = std::chrono::minutes(5);
constexpr auto kTransferTimeout = std::chrono::seconds(60);
constexpr auto kShutdownTimeout = std::chrono::seconds(2);
constexpr auto kLingerTimeout = std::chrono::seconds(1);
constexpr uint32_t kMaxHeader = 64 * 1024;
constexpr size_t kMaxChunk = 256 * 1024;

// What all connections of one server share.
struct Shared {
  HttpSettings settings;
  Rest& rest;
  TokenAuthenticator& tokens;
  Logger log;
  asio::ssl::context tls;
  std::atomic<int> connections{0};
};

// The kernel notices clients that are gone, so that a silent watch needs no traffic of its own.
void set_socket_options(tcp::socket& socket) {
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  const auto set = [&socket](int name, int value) {
    ::setsockopt(socket.native_handle(), IPPROTO_TCP, name, &value, sizeof value);
  };
  set(TCP_KEEPIDLE, 30);
  set(TCP_KEEPINTVL, 10);
  set(TCP_KEEPCNT, 3);
  set(TCP_USER_TIMEOUT, 60 * 1000);
}

class Session;

// Between a Watch, which may call from any thread and at any time, and its connection.
class WakeGate {
 public:
  explicit WakeGate(std::weak_ptr<Session> session) : session_(std::move(session)) {}
  void wake(asio::any_io_executor& executor);
  void close() {
    const std::lock_guard lock(mutex_);
    open_ = false;
  }
  std::atomic<bool> posted{false};

 private:
  std::mutex mutex_;
  bool open_ = true;
  const std::weak_ptr<Session> session_;
};

// One connection. All members run on its strand.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, Shared& shared)
      : shared_(shared), stream_(std::move(socket), shared.tls), timer_(stream_.get_executor()) {}
  ~Session() {
    close_stream();
    shared_.connections.fetch_sub(1);
  }

  auto executor() { return stream_.get_executor(); }
  void start();
  void stop();
  void pump();

 private:
  using Parser = http::request_parser<http::string_body>;

  void read_header();
  void on_header(error_code error);
  void read_body();
  void on_request(error_code error);
  void respond(Response response, bool keep_alive);
  void refuse_unreadable(error_code error);
  Response answer();
  Result<User> authenticate();
  Request to_request(User user) const;

  void begin_stream(Response response);
  void watch_for_end();
  void write_chunk();
  void end_stream();
  void close_stream();
  void linger();
  void finish();
  void drop();

  Shared& shared_;
  beast::ssl_stream<beast::tcp_stream> stream_;
  asio::steady_timer timer_;  // the end of a stream
  beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  std::optional<User> certificate_user_;
  // The answer being written.
  std::optional<http::response<http::string_body>> response_;
  // The stream being written.
  std::shared_ptr<WakeGate> gate_;
  std::unique_ptr<kube::Watch> watch_;
  std::function<std::string(const kube::WatchEvent&)> encode_;
  std::optional<http::response<http::empty_body>> head_;
  std::optional<http::response_serializer<http::empty_body>> head_serializer_;
  std::string chunk_;
  std::array<char, 4096> unexpected_{};
  bool writing_ = false;
  bool unread_ = false;  // the client sends more than we take
  bool last_chunk_ = false;
  bool closed_ = false;
};

void WakeGate::wake(asio::any_io_executor& executor) {
  const std::lock_guard lock(mutex_);
  if (!open_ || posted.exchange(true)) return;
  // Only a weak reference: the session must not end on the thread of whoever made the change.
  asio::post(executor, [weak = session_] {
    if (const auto session = weak.lock()) session->pump();
  });
}

void Session::start() {
  set_socket_options(beast::get_lowest_layer(stream_).socket());
  beast::get_lowest_layer(stream_).expires_after(kHandshakeTimeout);
  stream_.async_handshake(
      asio::ssl::stream_base::server, [self = shared_from_this()](error_code error) {
        if (error) return self->drop();
        self->certificate_user_ = certificate_user(self->stream_.native_handle());
        self->read_header();
      });
}

void Session::stop() {
  asio::post(stream_.get_executor(), [self = shared_from_this()] { self->drop(); });
}

void Session::read_header() {
  parser_.emplace();
  parser_->header_limit(kMaxHeader);
  parser_->body_limit(shared_.settings.max_body);
  beast::get_lowest_layer(stream_).expires_after(kIdleTimeout);
  http::async_read_header(
      stream_, buffer_, *parser_,
      [self = shared_from_this()](error_code error, size_t) { self->on_header(error); });
}

void Session::on_header(error_code error) {
  if (error) return refuse_unreadable(error);
  beast::get_lowest_layer(stream_).expires_after(kTransferTimeout);
  if (!beast::iequals(parser_->get()[http::field::expect], "100-continue")) return read_body();
  head_.emplace(http::status::continue_, 11);
  http::async_write(stream_, *head_, [self = shared_from_this()](error_code failed, size_t) {
    if (failed) return self->drop();
    self->read_body();
  });
}

void Session::read_body() {
  http::async_read(
      stream_, buffer_, *parser_,
      [self = shared_from_this()](error_code error, size_t) { self->on_request(error); });
}

void Session::on_request(error_code error) {
  if (error) return refuse_unreadable(error);
  const bool keep_alive = parser_->get().keep_alive();
  Response response = answer();
  shared_.log.debug(
      "request",
      {{"method", std::string(parser_->get().method_string())},
       {"path", std::string(parser_->get().target().substr(0, parser_->get().target().find('?')))},
       {"status", response.status}});
  if (response.stream) return begin_stream(std::move(response));
  if (parser_->get().method() == http::verb::head) response.body.clear();
  respond(std::move(response), keep_alive);
}

// Says what was wrong with a request that is no HTTP or too large; then nothing more can be read.
void Session::refuse_unreadable(error_code error) {
  if (error == http::error::body_limit) {
    unread_ = true;
    respond(
        reply_failure(413, "RequestEntityTooLarge",
                      fmt::format("the body is larger than {} bytes", shared_.settings.max_body)),
        false);
  } else if (error == http::error::header_limit) {
    unread_ = true;
    respond(reply_failure(431, "BadRequest", "the request's header is too large"), false);
  } else if (error.category() == make_error_code(http::error::bad_method).category() &&
             error != http::error::end_of_stream && error != http::error::partial_message) {
    respond(bad_request("the request is not HTTP/1.1: " + error.message()), false);
  } else if (error == http::error::end_of_stream) {
    finish();
  } else {
    drop();
  }
}

Result<User> Session::authenticate() {
  const auto& header = parser_->get();
  const auto authorization = header.find(http::field::authorization);
  if (authorization == header.end()) {
    if (!certificate_user_) return anonymous_user();
    // A connection may outlive what it was opened with.
    if (!certificate_expired(stream_.native_handle())) return *certificate_user_;
    return fail(Code::kUnauthorized, "Unauthorized");
  }
  const auto token = bearer_token(std::string_view(authorization->value()));
  if (token) {
    auto user = shared_.tokens.user_of(*token);
    if (user) {
      if (!user->in_group("system:authenticated")) user->groups.push_back("system:authenticated");
      return *user;
    }
  }
  return fail(Code::kUnauthorized, "Unauthorized");
}

Request Session::to_request(User user) const {
  const auto& message = parser_->get();
  Request request;
  request.method = std::string(message.method_string());
  request.accept = std::string(message[http::field::accept]);
  request.content_type = std::string(message[http::field::content_type]);
  request.body = message.body();
  request.user = std::move(user);
  request.impersonate_user = std::string(message["Impersonate-User"]);
  const auto groups = message.equal_range("Impersonate-Group");
  for (auto group = groups.first; group != groups.second; ++group) {
    request.impersonate_groups.emplace_back(group->value());
  }
  return request;
}

Response Session::answer() {
  auto user = authenticate();
  if (!user) return reply_error(user.error());
  Request request = to_request(std::move(*user));
  const auto target = parser_->get().target();
  const auto read = read_target({target.data(), target.size()}, request);
  if (!read) return bad_request(read.error().to_string());
  return shared_.rest.handle(request);
}

void Session::respond(Response response, bool keep_alive) {
  response_.emplace(static_cast<http::status>(response.status), 11);
  response_->set(http::field::content_type, response.content_type);
  response_->set(http::field::cache_control, "no-cache, private");
  if (response.status == 401) response_->set(http::field::www_authenticate, "Bearer");
  response_->keep_alive(keep_alive);
  response_->body() = std::move(response.body);
  response_->prepare_payload();
  beast::get_lowest_layer(stream_).expires_after(kTransferTimeout);
  http::async_write(stream_, *response_,
                    [self = shared_from_this(), keep_alive](error_code error, size_t) {
                      self->response_.reset();
                      if (error) return self->drop();
                      if (keep_alive) return self->read_header();
                      if (!self->unread_) return self->finish();
                      beast::get_lowest_layer(self->stream_).expires_after(kLingerTimeout);
                      self->linger();
                    });
}

void Session::begin_stream(Response response) {
  watch_ = std::move(response.stream);
  encode_ = std::move(response.encode);
  gate_ = std::make_shared<WakeGate>(weak_from_this());
  asio::any_io_executor executor = stream_.get_executor();
  watch_->set_wake([gate = gate_, executor]() mutable { gate->wake(executor); });
  timer_.expires_after(response.stream_timeout);
  timer_.async_wait([weak = weak_from_this()](error_code error) {
    const auto self = weak.lock();
    if (!error && self) self->end_stream();
  });
  // From here on a read waits for the client's end all the time; TCP watches over dead peers.
  beast::get_lowest_layer(stream_).expires_never();
  watch_for_end();

  head_.emplace(http::status::ok, 11);
  head_->set(http::field::content_type, response.content_type);
  head_->set(http::field::cache_control, "no-cache, private");
  head_->set(http::field::connection, "close");
  head_->chunked(true);
  head_serializer_.emplace(*head_);
  writing_ = true;
  http::async_write_header(stream_, *head_serializer_,
                           [self = shared_from_this()](error_code error, size_t) {
                             self->writing_ = false;
                             if (error) return self->drop();
                             self->pump();
                           });
}

void Session::watch_for_end() {
  stream_.async_read_some(asio::buffer(unexpected_),
                          [self = shared_from_this()](error_code error, size_t) {
                            if (self->closed_) return;
                            if (error) return self->drop();
                            self->watch_for_end();  // pipelined requests are not served any more
                          });
}

// Takes what the watch has and writes it; called again when that is written and when more comes.
void Session::pump() {
  if (gate_) gate_->posted.store(false);
  if (writing_ || closed_ || !watch_) return;
  chunk_.clear();
  while (chunk_.size() < kMaxChunk) {
    auto event = watch_->next();
    if (!event) {
      if (!event.error().is(Code::kUnavailable)) chunk_ += watch_error_line(event.error());
      last_chunk_ = true;
      break;
    }
    if (!*event) break;
    chunk_ += encode_(**event);
  }
  if (!chunk_.empty()) return write_chunk();
  if (last_chunk_) end_stream();
}

void Session::write_chunk() {
  writing_ = true;
  asio::async_write(stream_, http::make_chunk(asio::buffer(chunk_)),
                    [self = shared_from_this()](error_code error, size_t) {
                      self->writing_ = false;
                      if (error) return self->drop();
                      if (self->last_chunk_) return self->end_stream();
                      self->pump();
                    });
}

void Session::end_stream() {
  if (closed_) return;
  last_chunk_ = true;
  if (writing_) return;  // comes back when that is written
  close_stream();
  writing_ = true;
  asio::async_write(stream_, http::make_chunk_last(),
                    [self = shared_from_this()](error_code, size_t) {
                      // No TLS shutdown: it would read beside the read that waits for the end.
                      self->drop();
                    });
}

void Session::close_stream() {
  if (gate_) gate_->close();
  encode_ = nullptr;
  watch_.reset();
}

// Takes what the client still sends: closing with it unread would make the kernel reset the
// connection, and the client might never see the answer.
void Session::linger() {
  stream_.async_read_some(asio::buffer(unexpected_),
                          [self = shared_from_this()](error_code error, size_t) {
                            error ? self->drop() : self->linger();
                          });
}

void Session::finish() {
  if (closed_) return;
  beast::get_lowest_layer(stream_).expires_after(kShutdownTimeout);
  stream_.async_shutdown([self = shared_from_this()](error_code) { self->drop(); });
}

void Session::drop() {
  if (closed_) return;
  closed_ = true;
  close_stream();
  timer_.cancel();
  beast::get_lowest_layer(stream_).close();
}

class BeastServer final : public HttpServer {
 public:
  BeastServer(HttpSettings settings, Rest& rest, TokenAuthenticator& tokens, Logger log,
              TlsContextPtr tls)
      : shared_{std::move(settings),
                rest,
                tokens,
                std::move(log),
                asio::ssl::context(tls.release()),
                {}},
        io_(shared_.settings.threads),
        acceptor_(asio::make_strand(io_)),
        retry_(acceptor_.get_executor()) {}
  ~BeastServer() override { stop(); }

  Result<> listen();
  uint16_t port() const override { return port_; }
  void stop() override;

 private:
  void accept();
  void on_accept(error_code error, tcp::socket socket);

  Shared shared_;
  asio::io_context io_;
  tcp::acceptor acceptor_;
  asio::steady_timer retry_;
  uint16_t port_ = 0;
  std::mutex sessions_mutex_;
  std::vector<std::weak_ptr<Session>> sessions_;
  std::mutex stop_mutex_;
  std::vector<std::thread> threads_;
};

Result<> BeastServer::listen() {
  error_code error;
  const auto address = asio::ip::make_address(shared_.settings.address, error);
  if (error) return fail(Code::kInvalid, "\"{}\" is not an address", shared_.settings.address);
  const tcp::endpoint endpoint(address, shared_.settings.port);
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return fail(Code::kUnavailable, "cannot listen on {} port {}: {}", shared_.settings.address,
                shared_.settings.port, error.message());
  }
  port_ = acceptor_.local_endpoint(error).port();
  accept();
  for (int i = 0; i < shared_.settings.threads; ++i) {
    threads_.emplace_back([this] { io_.run(); });
  }
  return {};
}

void BeastServer::accept() {
  acceptor_.async_accept(asio::make_strand(io_), [this](error_code error, tcp::socket socket) {
    on_accept(error, std::move(socket));
  });
}

void BeastServer::on_accept(error_code error, tcp::socket socket) {
  if (!acceptor_.is_open()) return;
  if (error) {
    // Out of descriptors, most likely: asking again at once would only spin.
    retry_.expires_after(std::chrono::milliseconds(100));
    retry_.async_wait([this](error_code cancelled) {
      if (!cancelled) accept();
    });
    return;
  }
  if (shared_.connections.fetch_add(1) >= shared_.settings.max_connections) {
    shared_.connections.fetch_sub(1);
    shared_.log.warning("too many connections", {{"limit", shared_.settings.max_connections}});
  } else {
    const auto session = std::make_shared<Session>(std::move(socket), shared_);
    {
      const std::lock_guard lock(sessions_mutex_);
      std::erase_if(sessions_, [](const auto& weak) { return weak.expired(); });
      sessions_.push_back(session);
    }
    asio::dispatch(session->executor(), [session] { session->start(); });
  }
  accept();
}

void BeastServer::stop() {
  const std::lock_guard stopping(stop_mutex_);
  if (threads_.empty()) return;
  asio::post(acceptor_.get_executor(), [this] {
    error_code ignored;
    acceptor_.close(ignored);
    retry_.cancel();
    const std::lock_guard lock(sessions_mutex_);
    for (const auto& weak : sessions_) {
      if (const auto session = weak.lock()) session->stop();
    }
  });
  // Nothing keeps the threads once every connection is dropped.
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpSettings settings, Rest& rest,
                                                      TokenAuthenticator& tokens, Logger log) {
  if (settings.threads < 1) return fail(Code::kInvalid, "an HTTP server needs a thread");
  TlsContextPtr tls =
      TRY(make_tls_context(settings.cert_pem, settings.key_pem, settings.client_ca_pem));
  auto server = std::make_unique<BeastServer>(std::move(settings), rest, tokens, std::move(log),
                                              std::move(tls));
  TRY(server->listen());
  return server;
}

}  // namespace breakwater::apiserver
