// An HTTP server on 127.0.0.1 that says what a test tells it to, byte for byte, for the tests of
// the HTTP client: it can stream, stall and break off as no proper server would.
#pragma once

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace breakwater::kube::loopback {

struct Request {
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  int connection = 0;  // which connection it came on, from 1
};

// One connection, as a handler sees it.
class Peer {
 public:
  Peer(int fd, std::atomic<bool>& stopping) : fd_(fd), stopping_(stopping) {}
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(count));
    }
    return true;
  }
  void answer(int status, std::string_view json) {
    send(fmt::format(
        "HTTP/1.1 {} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}", status,
        json.size(), json));
  }
  void begin_stream() { send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"); }
  bool chunk(std::string_view text) {
    return send(fmt::format("{:x}\r\n{}\r\n", text.size(), text));
  }
  void end_stream() { send("0\r\n\r\n"); }
  // Waits until the other side closes or the server stops.
  void stall() {
    char byte;
    while (!stopping_ && ::recv(fd_, &byte, 1, 0) > 0) {
    }
  }

 private:
  const int fd_;
  std::atomic<bool>& stopping_;
};

class Server {
 public:
  // Answers a request; false closes the connection. Called from the connection's thread.
  using Handler = std::function<bool(const Request&, Peer&)>;

  explicit Server(Handler handler) : handler_(std::move(handler)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      std::abort();
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }

  ~Server() {
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    {
      std::lock_guard lock(mutex_);
      for (int fd : connections_) ::shutdown(fd, SHUT_RDWR);
    }
    for (auto& thread : threads_) thread.join();
    for (int fd : connections_) ::close(fd);
    ::close(listener_);
  }

  std::string url() const { return fmt::format("http://127.0.0.1:{}", port_); }
  int connections() const { return count_; }

 private:
  void accept_all() {
    while (!stopping_) {
      const int fd = ::accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      std::lock_guard lock(mutex_);
      connections_.push_back(fd);
      threads_.emplace_back([this, fd, number = ++count_] { serve(fd, number); });
    }
  }

  void serve(int fd, int number) {
    Peer peer(fd, stopping_);
    std::string buffer;
    Request request;
    request.connection = number;
    while (read_request(fd, buffer, request) && handler_(request, peer)) {
    }
    ::shutdown(fd, SHUT_RDWR);
  }

  static bool fill(int fd, std::string& buffer) {
    char data[4096];
    const ssize_t count = ::recv(fd, data, sizeof(data), 0);
    if (count > 0) buffer.append(data, static_cast<size_t>(count));
    return count > 0;
  }

  static bool read_request(int fd, std::string& buffer, Request& request) {
    size_t end = 0;
    while ((end = buffer.find("\r\n\r\n")) == std::string::npos) {
      if (!fill(fd, buffer)) return false;
    }
    const std::string head = buffer.substr(0, end + 2);
    buffer.erase(0, end + 4);
    size_t line_end = head.find("\r\n");
    const std::string first = head.substr(0, line_end);
    request.method = first.substr(0, first.find(' '));
    request.target = first.substr(request.method.size() + 1);
    request.target.resize(request.target.find(' '));
    request.headers.clear();
    for (size_t at = line_end + 2; at < head.size(); at = line_end + 2) {
      line_end = head.find("\r\n", at);
      const size_t colon = head.find(':', at);
      std::string name = head.substr(at, colon - at);
      for (char& c : name) c = static_cast<char>(std::tolower(c));
      request.headers[name] = head.substr(colon + 2, line_end - colon - 2);
    }
    const auto length = request.headers.find("content-length");
    const size_t size = length == request.headers.end() ? 0 : std::stoul(length->second);
    while (buffer.size() < size) {
      if (!fill(fd, buffer)) return false;
    }
    request.body = buffer.substr(0, size);
    buffer.erase(0, size);
    return true;
  }

  const Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> count_ = 0;
  std::mutex mutex_;
  std::vector<int> connections_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace breakwater::kube::loopback
