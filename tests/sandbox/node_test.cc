// Pods as a user of the sandbox's node sees them.
#include "base/encoding.h"
#include "sandbox/pod_plan.h"
#include "tests/sandbox/world.h"

namespace breakwater::sandbox_test {
namespace {

const Key kWorker{"shop", "worker"};

Object make_pod(const std::string& name, std::initializer_list<Json> args) {
  Object pod = Object::make(api::kPod, {"shop", name});
  Json container = Json::object({{"name", "main"}, {"image", api::kWorkerImage}});
  container.set("args", Json::array(args));
  pod.set({"spec", "containers"}, Json::array({container}));
  pod.set({"spec", "restartPolicy"}, "Never");
  return pod;
}

Json waiting_of(const Object& pod) {
  return pod.status()["containerStatuses"][0]["state"]["waiting"];
}

Json terminated_of(const Object& pod) {
  return pod.status()["containerStatuses"][0]["state"]["terminated"];
}

TEST(Node, RunsAPodToItsEndAndReportsCodeAndMessage) {
  World world;
  world.create(api::kPod, make_pod("worker", {"data-mover", "--result-path=/dev/termination-log"}));
  ASSERT_TRUE(world.run_until([&] { return world.get(api::kPod, kWorker).phase() == "Running"; }));
  ASSERT_EQ(world.processes().running.size(), 1u);
  const sandbox::ProcessSpec spec = world.processes().running.begin()->second.spec;
  EXPECT_EQ(spec.binary, "/nowhere/breakwater");
  ASSERT_EQ(spec.args.size(), 2u);
  EXPECT_EQ(spec.args[0], "data-mover");
  const std::string result = spec.args[1].substr(std::string("--result-path=").size());
  ASSERT_TRUE(write_file(result, "{\"snapshotID\":\"1\"}"));
  ASSERT_TRUE(write_file(spec.log, "one\ntwo\nthree\n"));
  EXPECT_EQ(world.node().read(kWorker, "", 2).value(), "two\nthree\n");
  EXPECT_EQ(world.node().read(kWorker, "main", -1).value(), "one\ntwo\nthree\n");

  world.processes().end(world.processes().running.begin()->first, 0);
  ASSERT_TRUE(
      world.run_until([&] { return world.get(api::kPod, kWorker).phase() == "Succeeded"; }));
  const Json ended = terminated_of(world.get(api::kPod, kWorker));
  EXPECT_EQ(ended["exitCode"].as_int(-1), 0);
  EXPECT_EQ(ended["message"].as_string(), "{\"snapshotID\":\"1\"}");

  world.remove(api::kPod, kWorker);
  world.run();
  EXPECT_FALSE(world.exists(api::kPod, kWorker));
  EXPECT_TRUE(world.files("logs").empty());
  EXPECT_TRUE(world.files("run").empty());
}

TEST(Node, FailedPodSaysItsExitCode) {
  World world;
  world.create(api::kPod, make_pod("worker", {"x"}));
  ASSERT_TRUE(world.run_until([&] { return !world.processes().running.empty(); }));
  world.processes().end(world.processes().running.begin()->first, 3);
  ASSERT_TRUE(world.run_until([&] { return world.get(api::kPod, kWorker).phase() == "Failed"; }));
  EXPECT_EQ(terminated_of(world.get(api::kPod, kWorker))["exitCode"].as_int(), 3);
  EXPECT_EQ(terminated_of(world.get(api::kPod, kWorker))["reason"].as_string(), "Error");
}

TEST(Node, OtherImagesWaitWithAClearMessage) {
  World world;
  Object pod = make_pod("worker", {});
  pod.set({"spec", "containers"},
          Json::array({Json::object({{"name", "main"}, {"image", "docker.io/library/nginx"}})}));
  world.create(api::kPod, pod);
  world.run(std::chrono::seconds(5));
  const Json waiting = waiting_of(world.get(api::kPod, kWorker));
  EXPECT_EQ(waiting["reason"].as_string(), "ErrImagePull");
  EXPECT_NE(waiting["message"].as_string().find("nginx"), std::string::npos);
  EXPECT_EQ(world.processes().started, 0);
}

TEST(Node, PodWaitsForItsSecretAndGetsItsValueOnlyInItsEnvironment) {
  World world;
  Object pod = make_pod("worker", {"x"});
  Json variable = Json::object({{"name", "RESTIC_PASSWORD"}});
  variable.set({"valueFrom", "secretKeyRef", "name"}, "dm-credential");
  variable.set({"valueFrom", "secretKeyRef", "key"}, "RESTIC_PASSWORD");
  Json container = pod.spec()["containers"][0];
  container.set("env", Json::array({variable}));
  pod.set({"spec", "containers"}, Json::array({container}));
  world.create(api::kPod, pod);
  world.run(std::chrono::seconds(5));
  const Json waiting = waiting_of(world.get(api::kPod, kWorker));
  EXPECT_EQ(waiting["reason"].as_string(), "CreateContainerConfigError");
  EXPECT_NE(waiting["message"].as_string().find("shop/dm-credential"), std::string::npos);

  Object secret = Object::make(api::kSecret, {"shop", "dm-credential"});
  secret.set({"data", "RESTIC_PASSWORD"}, to_base64(as_bytes("hush")));
  world.create(api::kSecret, secret);
  ASSERT_TRUE(world.run_until([&] { return !world.processes().running.empty(); }));
  const auto env = world.processes().running.begin()->second.spec.env;
  EXPECT_NE(std::find(env.begin(), env.end(), "RESTIC_PASSWORD=hush"), env.end());
  EXPECT_NE(std::find(env.begin(), env.end(), "HOSTNAME=worker"), env.end());
  EXPECT_EQ(to_json(world.get(api::kPod, kWorker).json()).find("hush"), std::string::npos);
}

TEST(Node, DevicePathsBecomeTheFilesOfTheClaims) {
  World world;
  Object pod = make_pod("worker", {"--volume=/dev/volume", "/dev/volume2"});
  Json container = pod.spec()["containers"][0];
  container.set("volumeDevices",
                Json::array({Json::object({{"name", "v"}, {"devicePath", "/dev/volume"}})}));
  Json volume = Json::object({{"name", "v"}});
  volume.set({"persistentVolumeClaim", "claimName"}, "disk");
  pod.set({"spec", "containers"}, Json::array({container}));
  pod.set({"spec", "volumes"}, Json::array({volume}));
  world.create(api::kPod, pod);
  world.run(std::chrono::seconds(5));
  EXPECT_EQ(waiting_of(world.get(api::kPod, kWorker))["reason"].as_string(), "ContainerCreating");
  world.create_claim({"shop", "disk"}, "1Mi");
  ASSERT_TRUE(world.run_until([&] { return !world.processes().running.empty(); }));
  const auto args = world.processes().running.begin()->second.spec.args;
  EXPECT_EQ(args[0], "--volume=" + world.file_of({"shop", "disk"}).string());
  EXPECT_EQ(args[1], "/dev/volume2");
}

TEST(Node, DeletedPodIsAskedToEndThenKilledAndOnlyThenGone) {
  World world;
  Object pod = make_pod("worker", {"x"});
  pod.set({"spec", "terminationGracePeriodSeconds"}, 20);
  world.create(api::kPod, pod);
  ASSERT_TRUE(world.run_until([&] { return !world.processes().running.empty(); }));
  world.processes().stubborn = true;
  world.remove(api::kPod, kWorker);
  world.run(std::chrono::seconds(10));
  ASSERT_EQ(world.processes().running.size(), 1u);
  EXPECT_EQ(world.processes().running.begin()->second.signals, std::vector<int>{SIGTERM});
  EXPECT_TRUE(world.exists(api::kPod, kWorker));
  world.run(std::chrono::seconds(20));
  EXPECT_TRUE(world.processes().running.empty());
  EXPECT_FALSE(world.exists(api::kPod, kWorker));
}

TEST(Node, PodFoundRunningWithoutProcessIsLost) {
  World world;
  world.create(api::kPod, make_pod("worker", {"x"}));
  ASSERT_TRUE(world.run_until([&] { return world.get(api::kPod, kWorker).phase() == "Running"; }));
  world.restart();
  ASSERT_TRUE(world.run_until([&] { return world.get(api::kPod, kWorker).phase() == "Failed"; }));
  EXPECT_EQ(world.get(api::kPod, kWorker).status()["reason"].as_string(), "NodeLost");
  EXPECT_EQ(world.processes().started, 0);
}

TEST(Node, MorePodsThanItsLimitWaitTheirTurn) {
  World world;  // its node runs three
  for (const char* name : {"a", "b", "c", "d"}) world.create(api::kPod, make_pod(name, {"x"}));
  world.run(std::chrono::seconds(5));
  EXPECT_EQ(world.processes().running.size(), 3u);
  world.processes().end(world.processes().running.begin()->first, 0);
  ASSERT_TRUE(world.run_until([&] { return world.processes().started == 4; }));
}

TEST(Node, IsReadyAndRenewsItsLease) {
  World world;
  const Key lease{"kube-node-lease", "sandbox"};
  ASSERT_TRUE(world.run_until([&] { return world.exists(api::kLease, lease); }));
  const Object node = world.get(api::kNode, {"", "sandbox"});
  EXPECT_EQ(kube::find_condition(node, "Ready")["status"].as_string(), "True");
  const std::string before = world.get(api::kLease, lease).spec()["renewTime"].as_string();
  world.run(std::chrono::minutes(11));
  EXPECT_NE(world.get(api::kLease, lease).spec()["renewTime"].as_string(), before);
}

TEST(PodPlan, PathsAreReplacedOnlyWhereTheyStandAlone) {
  struct Case {
    const char *text, *expected;
  };
  for (const Case& one :
       {Case{"/dev/v", "/real"}, Case{"a=/dev/v", "a=/real"},
        Case{"{\"volume\":\"/dev/v\"}", "{\"volume\":\"/real\"}"},
        Case{"/dev/v,/dev/v", "/real,/real"}, Case{"/dev/v1", "/dev/v1"},
        Case{"/dev/v/x", "/dev/v/x"}, Case{"/x/dev/v", "/x/dev/v"}, Case{"", ""}}) {
    EXPECT_EQ(sandbox::replace_path(one.text, "/dev/v", "/real"), one.expected) << one.text;
  }
}

}  // namespace
}  // namespace breakwater::sandbox_test
