// Runs a fuzz target on its corpus, without a fuzzer: every file, every file cut short, and every
// file with bytes changed, the same ones each time.
//
//   test_fuzz <target> <file or folder>…
//
// A target that finds a bug aborts; the file that the input was made of is named then, and the
// input is left in the directory for temporary files.
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/random.h"
#include "tests/fuzz/targets.h"

namespace breakwater::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr size_t kCuts = 256;
constexpr int kChanges = 100;

using Target = void (*)(std::string_view);

Target find_target(std::string_view name) {
#define X(target) \
  if (name == #target) return fuzz_##target;
  BREAKWATER_FUZZ_TARGETS
#undef X
  return nullptr;
}

// What is being run, for the handler of the crash.
struct Current {
  const std::string* input = nullptr;
  const char* file = "";
  std::string failure;  // where to leave it
};
Current& current = *new Current;  // a signal handler sees nothing else

void tell_and_die(int signal) {
  std::fprintf(stderr, "died of signal %d with an input made of %s\n", signal, current.file);
  if (std::FILE* out = std::fopen(current.failure.c_str(), "wb")) {
    std::fwrite(current.input->data(), 1, current.input->size(), out);
    std::fclose(out);
    std::fprintf(stderr, "the input is in %s\n", current.failure.c_str());
  }
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

class Replay {
 public:
  explicit Replay(Target target) : target_(target) {}

  bool add(const fs::path& path) {
    if (fs::is_directory(path)) {
      std::vector<fs::path> files;
      for (const auto& entry : fs::directory_iterator(path)) files.push_back(entry.path());
      std::ranges::sort(files);
      return std::ranges::all_of(files, [this](const fs::path& file) { return add(file); });
    }
    const auto text = read_file(path);
    if (!text) {
      std::fprintf(stderr, "%s\n", text.error().to_string().c_str());
      return false;
    }
    ++files_;
    name_ = path.string();
    run_all(*text);
    return true;
  }

  size_t files() const { return files_; }
  size_t inputs() const { return inputs_; }

 private:
  void run_all(const std::string& text) {
    run(text);
    const size_t step = text.size() / kCuts + 1;
    for (size_t size = 0; size < text.size(); size += step) run(text.substr(0, size));
    SeededRandom random(1);
    for (int i = 0; i < kChanges && !text.empty(); ++i) run(changed(text, random));
  }

  // With one to four bytes replaced, removed or repeated.
  static std::string changed(std::string text, Random& random) {
    for (uint64_t left = 1 + random.below(4); left > 0 && !text.empty(); --left) {
      const size_t at = random.below(text.size());
      switch (random.below(4)) {
        case 0:
          text[at] = static_cast<char>(random.next());
          break;
        case 1:
          text[at] = static_cast<char>(text[at] ^ (1 << random.below(8)));
          break;
        case 2:
          text.erase(at, 1 + random.below(8));
          break;
        default:
          text.insert(at, text.substr(random.below(text.size()), random.below(16)));
      }
    }
    return text;
  }

  void run(const std::string& input) {
    current.input = &input;
    current.file = name_.c_str();
    target_(input);
    ++inputs_;
  }

  const Target target_;
  std::string name_;
  size_t files_ = 0;
  size_t inputs_ = 0;
};

int run(int argc, char** argv) {
  const Target target = argc > 2 ? find_target(argv[1]) : nullptr;
  if (!target) {
    std::fprintf(stderr, "usage: test_fuzz <target> <file or folder>...\n");
    return 2;
  }
  current.failure = fs::temp_directory_path() / (std::string("fuzz-failure-") + argv[1]);
  std::signal(SIGABRT, tell_and_die);
  std::signal(SIGSEGV, tell_and_die);
  Replay replay(target);
  for (int i = 2; i < argc; ++i) {
    if (!replay.add(argv[i])) return 1;
  }
  fmt::print("{}: {} files, {} inputs\n", argv[1], replay.files(), replay.inputs());
  return replay.files() > 0 ? 0 : 1;
}

}  // namespace
}  // namespace breakwater::fuzz

int main(int argc, char** argv) { return breakwater::fuzz::run(argc, argv); }
