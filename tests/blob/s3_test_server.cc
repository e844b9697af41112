#include "tests/blob/s3_test_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "base/check.h"

namespace breakwater::blob {
namespace {

constexpr int kTick = 20;  // milliseconds between two looks at whether to stop

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::string blank_free(std::string text) {
  while (text.starts_with(' ')) text.erase(0, 1);
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

// The head of a request, without the empty line.
S3Request parse_head(const std::string& head) {
  S3Request request;
  size_t at = head.find("\r\n");
  const std::string line = head.substr(0, at);
  request.method = line.substr(0, line.find(' '));
  const size_t target = request.method.size() + 1;
  request.target = line.substr(target, line.rfind(' ') - target);
  const size_t question = request.target.find('?');
  request.path = request.target.substr(0, question);
  if (question != std::string::npos) request.raw_query = request.target.substr(question + 1);
  while (at != std::string::npos && at + 2 < head.size()) {
    const size_t end = head.find("\r\n", at + 2);
    const std::string header = head.substr(at + 2, end - at - 2);
    const size_t colon = header.find(':');
    request.headers[lower(header.substr(0, colon))] = blank_free(header.substr(colon + 1));
    at = end;
  }
  return request;
}

bool send_all(int socket, std::string_view data) {
  while (!data.empty()) {
    const ssize_t n = ::send(socket, data.data(), data.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    data.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

void reset(int socket) {
  const linger now{1, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

void flip_a_bit(std::string& data) {
  if (!data.empty()) data[data.size() / 2] = static_cast<char>(data[data.size() / 2] ^ 4);
}

}  // namespace

S3TestServer::S3TestServer(S3TestSettings settings) : settings_(std::move(settings)) {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  listener_ = Fd(fd);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  CHECK(::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
  CHECK(::listen(fd, 64) == 0);
  CHECK(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

S3TestServer::~S3TestServer() {
  stopping_ = true;
  acceptor_.join();
  for (Connection& connection : connections_) connection.thread.join();
}

std::string S3TestServer::endpoint() const { return "http://127.0.0.1:" + std::to_string(port_); }

std::string S3TestServer::named_endpoint() const {
  return "http://localhost:" + std::to_string(port_);
}

void S3TestServer::on_request(Decide decide) {
  const std::lock_guard lock(mutex_);
  decide_ = std::move(decide);
}

std::vector<std::string> S3TestServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

size_t S3TestServer::open_uploads() const {
  const std::lock_guard lock(mutex_);
  return uploads_.size();
}

std::string S3TestServer::content(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(key);
  return found == objects_.end() ? "" : found->second.data;
}

bool S3TestServer::has(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  return objects_.contains(key);
}

std::map<std::string, std::string> S3TestServer::headers_of(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(key);
  return found == objects_.end() ? std::map<std::string, std::string>() : found->second.headers;
}

void S3TestServer::plant(const std::string& key, const std::string& data) {
  const std::lock_guard lock(mutex_);
  objects_[key].data = data;
}

void S3TestServer::accept_all() {
  while (!stopping_) {
    pollfd ready{listener_.get(), POLLIN, 0};
    if (::poll(&ready, 1, kTick) != 1) continue;
    Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket.valid()) continue;
    const int now = 1;
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &now, sizeof now);
    ++accepted_;
    const std::lock_guard lock(mutex_);
    Connection& connection = connections_.emplace_back();
    connection.socket = std::move(socket);
    connection.thread = std::thread([this, &connection] { serve(connection); });
  }
}

void S3TestServer::serve(Connection& connection) {
  std::string buffer;
  while (!stopping_ && serve_one(connection.socket.get(), buffer)) {
  }
  connection.socket = Fd();
}

bool S3TestServer::serve_one(int socket, std::string& buffer) {
  const auto more = [&] {
    while (!stopping_) {
      pollfd ready{socket, POLLIN, 0};
      if (::poll(&ready, 1, kTick) != 1) continue;
      char bytes[65536];
      const ssize_t n = ::recv(socket, bytes, sizeof bytes, 0);
      if (n > 0) buffer.append(bytes, static_cast<size_t>(n));
      return n > 0;
    }
    return false;
  };
  size_t end = 0;
  while ((end = buffer.find("\r\n\r\n")) == std::string::npos) {
    if (!more()) return false;
  }
  S3Request request = parse_head(buffer.substr(0, end));
  buffer.erase(0, end + 4);
  const auto length = request.headers.find("content-length");
  const size_t size = length == request.headers.end() ? 0 : std::stoull(length->second);
  while (buffer.size() < size) {
    if (!more()) return false;
  }
  request.body = buffer.substr(0, size);
  buffer.erase(0, size);

  Decide decide;
  {
    const std::lock_guard lock(mutex_);
    decide = decide_;
    requests_.push_back(request.method + " " + request.target);
  }
  const S3Fault fault = decide ? decide(request) : S3Fault::kNone;
  if (fault == S3Fault::kReset) reset(socket);
  if (fault == S3Fault::kStall) stall(socket);
  if (fault == S3Fault::kReset || fault == S3Fault::kStall) return false;
  if (fault == S3Fault::kCorruptInput) flip_a_bit(request.body);
  if (fault == S3Fault::kInternalError) {
    return send_answer(socket, request, s3_error(500, "InternalError"), fault);
  }
  if (fault == S3Fault::kSlowDown) {
    return send_answer(socket, request, s3_error(503, "SlowDown"), fault);
  }
  S3Answer answer = handle(request);
  if (fault == S3Fault::kLoseAnswer) reset(socket);
  if (fault == S3Fault::kLoseAnswer) return false;
  if (fault == S3Fault::kLoseWithError) answer = s3_error(500, "InternalError");
  return send_answer(socket, request, answer, fault);
}

bool S3TestServer::send_answer(int socket, const S3Request& request, const S3Answer& answer,
                               S3Fault fault) {
  std::string head = "HTTP/1.1 " + std::to_string(answer.status) + " x\r\n";
  for (const auto& [name, value] : answer.headers) head += name + ": " + value + "\r\n";
  if (!answer.headers.contains("Content-Length") && answer.status != 204) {
    head += "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
  }
  head += "\r\n";
  std::string body = request.method == "HEAD" ? "" : answer.body;
  if (fault == S3Fault::kCorruptAnswer) flip_a_bit(body);
  const bool half = fault == S3Fault::kTruncate || fault == S3Fault::kStallInBody;
  if (half) body.resize(body.size() / 2);
  if (!send_all(socket, head + body)) return false;
  if (fault == S3Fault::kStallInBody) stall(socket);
  return !half;
}

void S3TestServer::stall(int socket) {
  while (!stopping_) {
    pollfd gone{socket, POLLRDHUP, 0};
    if (::poll(&gone, 1, kTick) == 1 && (gone.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0)
      return;
  }
}

S3Answer s3_error(int status, const std::string& code, const std::string& more) {
  S3Answer answer;
  answer.status = status;
  answer.headers["Content-Type"] = "application/xml";
  answer.body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" + code +
                "</Code><Message>words about " + code + ".</Message>" + more + "</Error>";
  return answer;
}

}  // namespace breakwater::blob
