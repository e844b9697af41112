// Lists and watches: what a Kubernetes API shows.
#include "tests/conformance/fixtures.h"

namespace breakwater::conformance {

using ReadConformance = Conformance;

kube::LabelSelector labels(std::string_view text) {
  auto selector = kube::LabelSelector::parse(text);
  CHECK(selector);
  return *selector;
}

std::string names(const Result<std::vector<Object>>& objects) {
  if (!objects) return objects.error().to_string();
  std::string text;
  for (const Object& object : *objects) text += (text.empty() ? "" : " ") + object.name();
  return text;
}

TEST_P(ReadConformance, ListsSelectAndSort) {
  create(kMaps, "c", "metadata: {labels: {app: x}}");
  create(kMaps, "a", "metadata: {labels: {app: y}}");
  create(kMaps, "b", "metadata: {labels: {app: x, tier: db}}");
  EXPECT_EQ(names(client_.list(kMaps, "conf", labels("app"))), "a b c");
  EXPECT_EQ(names(client_.list(kMaps, "conf", labels("app=x"))), "b c");
  EXPECT_EQ(names(client_.list(kMaps, "conf", labels("app=x,!tier"))), "c");
  EXPECT_EQ(names(client_.list(kMaps, "conf", labels("app in (y,z)"))), "a");
  EXPECT_EQ(names(client_.list(kMaps, "conf", labels("app!=x"))).find('c'), std::string::npos);
  EXPECT_EQ(names(client_.list(kMaps, "", labels("tier"))), "b");
  EXPECT_EQ(names(client_.list(kMaps, "default", labels("tier"))), "");
  kube::ListOptions options;
  options.fields = kube::FieldSelector::name("c");
  const auto page = client_.list_page(kMaps, "conf", options);
  ASSERT_TRUE(page);
  ASSERT_EQ(page->items.size(), 1u);
  EXPECT_EQ(page->items[0].name(), "c");
}

TEST_P(ReadConformance, PagesShowOneMoment) {
  for (const char* name : {"a", "b", "c", "d", "e"}) create(kShips, name);
  kube::ListOptions options;
  options.limit = 2;
  std::string seen, version;
  do {
    const auto page = client_.list_page(kShips, "conf", options);
    ASSERT_TRUE(page) << page.error().to_string();
    if (seen.empty()) {
      version = page->resource_version;
      ASSERT_TRUE(client_.remove(kShips, {"conf", "d"}));
      create(kShips, "cc");
    }
    EXPECT_EQ(page->resource_version, version);
    EXPECT_LE(page->items.size(), 2u);
    for (const Object& object : page->items) seen += object.name();
    options.continue_token = page->continue_token;
  } while (!options.continue_token.empty());
  EXPECT_EQ(seen, "abcde");
  EXPECT_EQ(names(client_.list(kShips, "conf")), "a b c cc e");
}

TEST_P(ReadConformance, UnknownKindsAndObjectsAreNotFound) {
  constexpr kube::Kind kNothing{"conformance.test", "v1", "Nothing", "nothings", true, false};
  EXPECT_TRUE(client_.list(kNothing, "conf").error().is(Code::kNotFound));
  EXPECT_TRUE(client_.get(kNothing, {"conf", "x"}).error().is(Code::kNotFound));
  EXPECT_EQ(client_.get(kShips, {"conf", "x"}).error().message(),
            "ships.conformance.test \"x\" not found");
}

TEST_P(ReadConformance, WatchShowsWhatIsThereAndWhatHappens) {
  create(kShips, "a");
  Follower follower(client_.watch(kShips, "conf", {}));
  EXPECT_EQ(follower.next(), "ADDED a");
  create(kShips, "b", "spec: {name: x}");
  EXPECT_EQ(follower.next(), "ADDED b");
  ASSERT_TRUE(merge(kShips, "b", "spec: {name: y}"));
  EXPECT_EQ(follower.next(), "MODIFIED b");
  EXPECT_EQ(follower.last.spec()["name"].as_string(), "y");
  ASSERT_TRUE(merge(kShips, "b", "spec: {name: y}"));  // nothing to see
  ASSERT_TRUE(client_.remove(kShips, {"conf", "a"}));
  EXPECT_EQ(follower.next(), "DELETED a");
}

TEST_P(ReadConformance, WatchGoesOnWhereAListOrAWatchEnded) {
  create(kMaps, "a");
  const auto list = client_.list_page(kMaps, "conf", {});
  ASSERT_TRUE(list);
  create(kMaps, "b");
  create(kMaps, "c");
  std::string version;
  {
    Follower follower(client_.watch(kMaps, "conf", {{}, {}, list->resource_version}));
    EXPECT_EQ(follower.next(), "ADDED b");
    version = follower.last.resource_version();
  }
  Follower follower(client_.watch(kMaps, "conf", {{}, {}, version}));
  EXPECT_EQ(follower.next(), "ADDED c");
}

TEST_P(ReadConformance, DeletionsCarryTheLastStateAndANewVersion) {
  const Object map = create(kMaps, "m", "{data: {x: y}, metadata: {finalizers: [test/hold]}}");
  Follower follower(client_.watch(kMaps, "conf", {{}, {}, map.resource_version()}));
  ASSERT_TRUE(client_.remove(kMaps, map.key()));
  EXPECT_EQ(follower.next(), "MODIFIED m");
  EXPECT_TRUE(follower.last.is_deleting());
  const std::string version = follower.last.resource_version();
  ASSERT_TRUE(merge(kMaps, "m", "metadata: {finalizers: null}"));
  EXPECT_EQ(follower.next(), "DELETED m");
  EXPECT_EQ(follower.last["data"]["x"].as_string(), "y");
  EXPECT_NE(follower.last.resource_version(), version);
}

TEST_P(ReadConformance, SelectedObjectsComeAndGoWithTheirLabels) {
  create(kMaps, "m", "metadata: {labels: {watched: 'no'}}");
  kube::WatchOptions options;
  options.labels = labels("watched=yes");
  Follower follower(client_.watch(kMaps, "conf", options));
  ASSERT_TRUE(merge(kMaps, "m", "metadata: {labels: {watched: 'yes'}}"));
  EXPECT_EQ(follower.next(), "ADDED m");
  ASSERT_TRUE(merge(kMaps, "m", "data: {x: y}"));
  EXPECT_EQ(follower.next(), "MODIFIED m");
  const auto left = merge(kMaps, "m", "metadata: {labels: {watched: 'no'}}");
  ASSERT_TRUE(left);
  EXPECT_EQ(follower.next(), "DELETED m");
  EXPECT_EQ(follower.last.resource_version(), left->resource_version());
  ASSERT_TRUE(client_.remove(kMaps, {"conf", "m"}));  // seen no more
  create(kMaps, "n", "metadata: {labels: {watched: 'yes'}}");
  EXPECT_EQ(follower.next(), "ADDED n");
}

TEST_P(ReadConformance, WatchesAreOfOneNamespaceOrAll) {
  ASSERT_TRUE(client_.create(kNamespaces, Object::make(kNamespaces, {"", "other"})));
  const auto now = client_.list_page(kShips, "", {});
  ASSERT_TRUE(now);
  Follower here(client_.watch(kShips, "conf", {{}, {}, now->resource_version}));
  Follower everywhere(client_.watch(kShips, "", {{}, {}, now->resource_version}));
  ASSERT_TRUE(client_.create(kShips, Object::make(kShips, {"other", "there"})));
  create(kShips, "here");
  EXPECT_EQ(here.next(), "ADDED here");
  EXPECT_EQ(everywhere.next(), "ADDED there");
  EXPECT_EQ(everywhere.next(), "ADDED here");
}

TEST_P(ReadConformance, WatchRefusesVersionsThatAreNone) {
  Follower follower(client_.watch(kShips, "conf", {{}, {}, "not-a-number"}));
  EXPECT_EQ(follower.next(), "Invalid");
}

INSTANTIATE_TEST_SUITE_P(All, ReadConformance, testing::ValuesIn(subjects()),
                         [](const auto& made) { return made.param.name; });

}  // namespace breakwater::conformance
