// What survives, and what pages and watches see of the past.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "base/file.h"
#include "tests/apiserver/world.h"

namespace breakwater::apiserver::store_test {

TempDir temporary() {
  auto dir = TempDir::create(std::filesystem::temp_directory_path(), "apiserver-test-");
  CHECK(dir);
  return std::move(*dir);
}

Settings stored_in(const TempDir& dir) {
  Settings settings;
  settings.database = dir.path() / "objects.db";
  return settings;
}

// The child: creates ConfigMaps one after another and says so after each answer, until it is
// killed.
[[noreturn]] void write_until_killed(const Settings& settings, int out) {
  World world(settings);
  for (uint32_t i = 0;; ++i) {
    const std::string name = "m" + std::to_string(i);
    auto made = world.admin->create(kMapKind, kube::Object::make(kMapKind, {"demo", name}));
    CHECK(made);
    const uint64_t version = std::stoull(made->resource_version());
    CHECK(::write(out, &version, sizeof version) == sizeof version);
  }
}

TEST(Persistence, LosesNothingAcknowledgedWhenKilled) {
  const TempDir dir = temporary();
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::close(pipe_ends[0]);
    write_until_killed(stored_in(dir), pipe_ends[1]);
  }
  ::close(pipe_ends[1]);
  std::vector<uint64_t> acknowledged;
  uint64_t version = 0;
  while (acknowledged.size() < 50 &&
         ::read(pipe_ends[0], &version, sizeof version) == sizeof version) {
    acknowledged.push_back(version);
  }
  ::kill(child, SIGKILL);
  while (::read(pipe_ends[0], &version, sizeof version) == sizeof version) {
    acknowledged.push_back(version);
  }
  ::waitpid(child, nullptr, 0);
  ::close(pipe_ends[0]);
  ASSERT_GE(acknowledged.size(), 50u);

  SystemClock clock;
  SystemRandom random;
  auto server = ApiServer::open(stored_in(dir), clock, random, Logger());
  ASSERT_TRUE(server) << server.error().to_string();
  for (size_t i = 0; i < acknowledged.size(); ++i) {
    const auto map = (*server)->reader().get(kMapKind, {"demo", "m" + std::to_string(i)});
    ASSERT_TRUE(map) << i;
    EXPECT_EQ(map->resource_version(), std::to_string(acknowledged[i]));
  }
  // Kinds of definitions are served again, and no version is given out twice.
  EXPECT_TRUE((*server)->reader().list(kShipKind, ""));
  EXPECT_GE((*server)->resource_version(), acknowledged.back());
}

TEST(Persistence, KeepsVersionsMonotonicOverRestarts) {
  const TempDir dir = temporary();
  std::string deleted_version, uid;
  {
    World world(stored_in(dir));
    world.create(kMapKind, "kept");
    world.create(kMapKind, "gone");
    ASSERT_TRUE(world.admin->remove(kMapKind, {"demo", "gone"}));
    deleted_version = std::to_string(world.server->resource_version());
    uid = world.admin->get(kMapKind, {"demo", "kept"})->uid();
  }
  ManualClock clock(Time{});
  SeededRandom random(1);
  auto server = ApiServer::open(stored_in(dir), clock, random, Logger());
  ASSERT_TRUE(server);
  const auto admin = (*server)->client(admin_user());
  EXPECT_EQ(std::to_string((*server)->resource_version()), deleted_version);
  EXPECT_EQ(admin->get(kMapKind, {"demo", "kept"})->uid(), uid);
  EXPECT_FALSE(admin->get(kMapKind, {"demo", "gone"}));
  // A watch may start at the version of the list, not before.
  EXPECT_TRUE(admin->watch(kMapKind, "demo", {{}, {}, deleted_version}));
  const auto old = admin->watch(kMapKind, "demo", {{}, {}, "5"});
  ASSERT_FALSE(old);
  EXPECT_TRUE(old.error().is(Code::kExpired));
}

TEST(Persistence, OneServerAtATime) {
  const TempDir dir = temporary();
  World world(stored_in(dir));
  SystemClock clock;
  SystemRandom random;
  const auto second = ApiServer::open(stored_in(dir), clock, random, Logger());
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().is(Code::kUnavailable)) << second.error().to_string();
}

TEST(Persistence, NamesTheDamagedFile) {
  const TempDir dir = temporary();
  const Settings settings = stored_in(dir);
  ASSERT_TRUE(write_file(settings.database, std::string(8192, 'x')));
  SystemClock clock;
  SystemRandom random;
  const auto server = ApiServer::open(settings, clock, random, Logger());
  ASSERT_FALSE(server);
  EXPECT_TRUE(server.error().is(Code::kCorrupt)) << server.error().to_string();
  EXPECT_NE(server.error().to_string().find("objects.db"), std::string::npos);
}

std::vector<std::string> names_of(const std::vector<kube::Object>& objects) {
  std::vector<std::string> names;
  for (const auto& object : objects) names.push_back(object.name());
  return names;
}

TEST(Paging, ShowsOneMomentWhateverChangesMeanwhile) {
  World world;
  for (const char* name : {"a", "b", "c", "d", "e"}) world.create(kMapKind, name);
  kube::ListOptions options;
  options.limit = 2;
  auto page = world.admin->list_page(kMapKind, "demo", options);
  ASSERT_TRUE(page);
  const std::string version = page->resource_version;
  std::vector<std::string> seen = names_of(page->items);
  // One is changed, one goes, one comes, one goes and comes back.
  ASSERT_TRUE(
      world.admin->patch(kMapKind, {"demo", "c"}, kube::PatchType::kMerge, yaml("data: {x: y}")));
  ASSERT_TRUE(world.admin->remove(kMapKind, {"demo", "d"}));
  world.create(kMapKind, "cc");
  ASSERT_TRUE(world.admin->remove(kMapKind, {"demo", "e"}));
  world.create(kMapKind, "e", "data: {new: \"1\"}");
  while (!page->continue_token.empty()) {
    options.continue_token = page->continue_token;
    page = world.admin->list_page(kMapKind, "demo", options);
    ASSERT_TRUE(page) << page.error().to_string();
    EXPECT_EQ(page->resource_version, version);
    for (const auto& object : page->items) EXPECT_TRUE(object["data"].is_null()) << object.name();
    const auto more = names_of(page->items);
    seen.insert(seen.end(), more.begin(), more.end());
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"a", "b", "c", "d", "e"}));
}

TEST(Paging, ExpiresWithTheHistory) {
  Settings settings;
  settings.history = 3;
  World world(settings);
  for (const char* name : {"a", "b", "c"}) world.create(kMapKind, name);
  kube::ListOptions options;
  options.limit = 1;
  const auto page = world.admin->list_page(kMapKind, "demo", options);
  ASSERT_TRUE(page);
  for (int i = 0; i < 5; ++i) world.create(kMapKind, "x" + std::to_string(i));
  options.continue_token = page->continue_token;
  const auto late = world.admin->list_page(kMapKind, "demo", options);
  ASSERT_FALSE(late);
  EXPECT_TRUE(late.error().is(Code::kExpired));
  options.continue_token = "nonsense";
  EXPECT_TRUE(world.admin->list_page(kMapKind, "demo", options).error().is(Code::kInvalid));
}

TEST(Paging, SharesTheTreesOfObjects) {
  World world;
  world.create(kMapKind, "a", "data: {k: v}");
  const auto one = world.admin->get(kMapKind, {"demo", "a"});
  const auto two = world.admin->list_page(kMapKind, "", {});
  EXPECT_EQ(&one->json().members(), &two->items[0].json().members());
}

TEST(Concurrency, WritersAndReadersTogether) {
  World world;
  auto watch = world.admin->watch(kMapKind, "demo", {});
  ASSERT_TRUE(watch);
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&world, t] {
      for (int i = 0; i < 100; ++i) {
        const kube::Key key{"demo", fmt::format("t{}-{}", t, i % 10)};
        EXPECT_TRUE(world.admin->create(kMapKind, kube::Object::make(kMapKind, key)));
        EXPECT_TRUE(
            world.admin->patch(kMapKind, key, kube::PatchType::kMerge, yaml("data: {x: y}")));
        EXPECT_TRUE(world.admin->remove(kMapKind, key));
      }
    });
  }
  uint64_t last = 0;
  for (int events = 0; events < 900;) {
    const auto event = (*watch)->next();
    ASSERT_TRUE(event) << event.error().to_string();
    if (!*event) {
      std::this_thread::yield();
      continue;
    }
    ++events;
    const uint64_t version = std::stoull((*event)->object.resource_version());
    EXPECT_GT(version, last);  // in order, none twice
    last = version;
    const auto list = world.admin->list_page(kMapKind, "demo", {});
    ASSERT_TRUE(list);
    EXPECT_GE(std::stoull(list->resource_version), version);
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(world.admin->list(kMapKind, "demo")->empty());
}

}  // namespace breakwater::apiserver::store_test
