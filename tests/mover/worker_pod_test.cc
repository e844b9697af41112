// What the controller understands of pods, logs and names.
#include "mover/worker_pod.h"

#include <gtest/gtest.h>

#include "api/kinds.h"
#include "mover/data_move.h"
#include "mover/repository_place.h"

namespace breakwater::mover_test {
namespace {

using State = mover::WorkerReport::State;

kube::Object ended_pod(const char* phase, const char* message, int code) {
  kube::Object pod = kube::Object::make(api::kPod, {"velero", "w"});
  pod.set({"status", "phase"}, phase);
  Json status;
  status.set({"state", "terminated"},
             Json::object({{"exitCode", code}, {"reason", "Error"}, {"message", message}}));
  pod.set({"status", "containerStatuses"}, Json::array({status}));
  return pod;
}

TEST(WorkerReport, TellsAResultFromAnErrorFromADeath) {
  struct Case {
    const char *phase, *message;
    int code;
    State expected;
  };
  for (const Case& one :
       {Case{"Succeeded", R"({"snapshotID":"ab","totalBytes":1})", 0, State::kSucceeded},
        Case{"Succeeded", "", 0, State::kDied}, Case{"Succeeded", "{}", 0, State::kDied},
        Case{"Failed", R"({"error":"no","code":"Forbidden"})", 1, State::kFailed},
        Case{"Failed", "Segmentation fault", 139, State::kDied},
        Case{"Failed", R"({"snapshotID":"ab"})", 137, State::kDied}}) {
    EXPECT_EQ(mover::read_report(ended_pod(one.phase, one.message, one.code)).state, one.expected)
        << one.message;
  }
  const auto report =
      mover::read_report(ended_pod("Failed", R"({"error":"no","code":"Conflict"})", 1));
  EXPECT_TRUE(report.error->is(Code::kConflict));
  EXPECT_EQ(report.error->message(), "no");
}

TEST(WorkerReport, ProgressIsTheLastLineThatIsSome) {
  const Json progress = mover::last_progress(
      "{\"totalBytes\":10,\"bytesDone\":1}\n{\"totalBytes\":10,\"bytesDone\":4}\n"
      "a warning\n{\"other\":1}\n{\"totalBytes\":10,\"bytesD");
  EXPECT_EQ(progress["bytesDone"].as_int(), 4);
  EXPECT_TRUE(mover::last_progress("").is_null());
  EXPECT_TRUE(mover::last_progress("nothing\n").is_null());
}

TEST(WorkerPod, RefersToSecretsAndHoldsNone) {
  const kube::Object move = kube::Object::make(api::kDataUpload, {"velero", "u"});
  mover::WorkerNeeds needs;
  needs.config.location.provider = "aws";
  needs.config.location.credentials = needs.config.password = "planted";
  needs.config.location.ca_cert = "PEM";
  needs.secret = "dm-credential";
  needs.credentials = api::SecretSelector{"cloud-credentials", "cloud"};
  const kube::Object pod = mover::make_worker_pod({}, move, needs, "claim");
  const Json& container = pod.spec()["containers"][0];
  EXPECT_EQ(to_json(container["env"]),
            R"([{"name":"RESTIC_PASSWORD","valueFrom":{"secretKeyRef":{"name":"dm-credential",)"
            R"("key":"RESTIC_PASSWORD"}}},{"name":"BREAKWATER_STORE_CREDENTIALS","valueFrom":)"
            R"({"secretKeyRef":{"name":"cloud-credentials","key":"cloud"}}}])");
  EXPECT_EQ(to_json(container).find("planted"), std::string::npos);
  EXPECT_NE(container["args"][2].as_string().find("PEM"), std::string::npos);
  needs.credentials.reset();
  EXPECT_EQ(mover::make_worker_pod({}, move, needs, "claim").spec()["containers"][0]["env"].size(),
            1u);
}

TEST(SnapshotName, ComesBackAsItWasWritten) {
  const auto name = mover::SnapshotName::parse("restic/cluster-1/shop#0123abc");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->cluster, "cluster-1");
  EXPECT_EQ(name->ns, "shop");
  EXPECT_EQ(name->id, "0123abc");
  EXPECT_EQ(name->to_string(), "restic/cluster-1/shop#0123abc");
  for (const char* wrong :
       {"", "0123abc", "restic/", "restic/c/ns", "restic/c/ns#", "restic//ns#1", "restic/c#1",
        "kopia/c/ns#1", "restic/../ns#1", "restic/c/..#1", "restic/c/a/b#1"}) {
    EXPECT_FALSE(mover::SnapshotName::parse(wrong)) << wrong;
  }
}

TEST(DataMover, TakesItsOwnAndVelerosNames) {
  EXPECT_TRUE(mover::takes_data_mover(""));
  EXPECT_TRUE(mover::takes_data_mover("velero"));
  EXPECT_TRUE(mover::takes_data_mover("breakwater"));
  EXPECT_FALSE(mover::takes_data_mover("velero-fs"));
  EXPECT_FALSE(mover::takes_data_mover("kubevirt"));
}

}  // namespace
}  // namespace breakwater::mover_test
