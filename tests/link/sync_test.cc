// Policies and Secrets go down, status goes up, and nothing is removed that was not asked for.
#include "policy/policy_status.h"
#include "tests/link/world.h"

namespace breakwater::policy::link_test {

constexpr const char* kReplicaName = "open-cluster-management-backup.acm-dr-virt-backup";
const kube::Key kTemplateKey{"cls1", "virt-backup"};

kube::Key replica_key() { return {"cls1", kReplicaName}; }

Object replica(std::string_view more_spec = "") {
  Object object(yaml(R"(
apiVersion: policy.open-cluster-management.io/v1
kind: Policy
metadata:
  name: open-cluster-management-backup.acm-dr-virt-backup
  namespace: cls1
  labels:
    policy.open-cluster-management.io/root-policy: open-cluster-management-backup.acm-dr-virt-backup
    policy.open-cluster-management.io/cluster-name: cls1
    policy.open-cluster-management.io/cluster-namespace: cls1
spec:
  disabled: false
  policy-templates:
  - objectDefinition:
      apiVersion: policy.open-cluster-management.io/v1
      kind: VirtBackupPolicy
      metadata: {name: virt-backup, labels: {team: blue}}
      spec:
        remediationAction: enforce
        severity: high
        config: {backupNS: openshift-adp}
        crons: {daily: "0 1 * * *"}
)"));
  if (!more_spec.empty()) {
    for (const auto& [name, value] : yaml(more_spec).members()) object.set({"spec", name}, value);
  }
  return object;
}

class SyncTest : public LinkTest {
 protected:
  SyncTest() : cluster(joined("cls1")) {
    hub.create(api::kPolicy, replica());
    pass(seconds(2));
  }
  Object local() { return cluster.get(api::kPolicy, replica_key()); }
  Object on_hub() { return hub.get(api::kPolicy, replica_key()); }
  Object the_template() { return cluster.get(api::kVirtBackupPolicy, kTemplateKey); }
  // What the backup policy's controller would write.
  void report(const std::string& message, const char* time) {
    cluster.edit(api::kVirtBackupPolicy, kTemplateKey, true, [&](Object& object) {
      object.set({"status", "compliant"}, std::string(compliance_in(message)));
      Json history = Json::array({Json::object({{"lastTimestamp", time}, {"message", message}})});
      for (const Json& entry : object.status()["history"].items()) history.push_back(entry);
      object.set({"status", "history"}, history);
    });
  }
  void set_removal(const char* removal) {
    hub.edit(api::kPolicy, replica_key(), false, [&](Object& object) {
      if (removal != nullptr) {
        object.set_annotation(api::kRemovalAnnotation, removal);
      } else {
        object.erase({"metadata", "annotations", api::kRemovalAnnotation});
      }
    });
  }
  void carry_out(const char* removal) {
    cluster.edit(api::kVirtBackupPolicy, kTemplateKey, true, [&](Object& object) {
      object.set({"status", "removed"}, removal);
    });
  }

  Cluster& cluster;
};

TEST_F(SyncTest, APolicyBecomesATemplateObject) {
  EXPECT_EQ(local().spec(), replica().spec());
  const Object object = the_template();
  EXPECT_EQ(object.label("team"), "blue");
  EXPECT_EQ(object.label(api::kPolicyLabel), kReplicaName);
  EXPECT_EQ(object.label(api::kPolicyClusterNameLabel), "cls1");
  EXPECT_EQ(object.label("cluster-namespace"), "cls1");
  EXPECT_EQ(object.controller_uid(), local().uid());
  EXPECT_EQ(object.spec()["crons"]["daily"].as_string(), "0 1 * * *");
  EXPECT_EQ(object.spec()["remediationAction"].as_string(), "enforce");
}

TEST_F(SyncTest, ChangesFollowAndDriftIsPutBack) {
  hub.edit(api::kPolicy, replica_key(), false, [](Object& object) {
    object.set({"spec", "remediationAction"}, "inform");
    object.set_annotation("note", "new");
  });
  pass(seconds(2));
  EXPECT_EQ(the_template().spec()["remediationAction"].as_string(), "inform");
  EXPECT_EQ(local().annotation("note"), "new");

  cluster.edit(api::kVirtBackupPolicy, kTemplateKey, false, [](Object& object) {
    object.set({"spec", "severity"}, "low");
  });
  cluster.edit(api::kPolicy, replica_key(), false, [](Object& object) {
    object.set({"spec", "disabled"}, true);
  });
  pass(seconds(2));
  EXPECT_EQ(the_template().spec()["severity"].as_string(), "high");
  EXPECT_FALSE(local().spec()["disabled"].as_bool());

  ASSERT_TRUE(cluster.admin->remove(api::kVirtBackupPolicy, kTemplateKey));
  pass(seconds(2));
  EXPECT_EQ(the_template().spec()["severity"].as_string(), "high");
}

TEST_F(SyncTest, StatusGoesUpNewestFirst) {
  report("NonCompliant; violation - VM a/b is not protected", "2026-11-21T07:01:00.000001Z");
  pass(seconds(2));
  EXPECT_EQ(on_hub().status()["compliant"].as_string(), "NonCompliant");
  report("Compliant; notification - 1 VM is protected", "2026-11-21T07:02:00.000002Z");
  pass(seconds(2));
  const Json status = on_hub().status();
  EXPECT_EQ(status["compliant"].as_string(), "Compliant");
  const Json& detail = status["details"][0];
  EXPECT_EQ(detail.at({"templateMeta", "name"}).as_string(), "virt-backup");
  ASSERT_EQ(detail["history"].size(), 2u);
  EXPECT_EQ(detail["history"][0]["message"].as_string(),
            "Compliant; notification - 1 VM is protected");
  EXPECT_EQ(detail["history"][0]["lastTimestamp"].as_string(), "2026-11-21T07:02:00Z");
  EXPECT_EQ(detail["history"][0]["eventName"].as_string(),
            std::string(kReplicaName) + ".18e9fd611b9117d0");
  EXPECT_EQ(local().status(), status);
}

TEST_F(SyncTest, WhatCannotBeATemplateIsSaid) {
  const struct {
    const char* templates;
    const char* message;
  } cases[] = {
      {"[{objectDefinition: {apiVersion: v1, kind: Pod, metadata: {name: p}}}]",
       "policy-template kind is not supported: v1, Kind=Pod"},
      {"[{objectDefinition: {apiVersion: policy.open-cluster-management.io/v1, kind: "
       "VirtBackupPolicy, metadata: {name: ''}}}]",
       "metadata.name of a policy template is empty"},
      {"[{objectDefinition: {apiVersion: policy.open-cluster-management.io/v1, kind: "
       "VirtBackupPolicy, metadata: {name: n}, spec: {severity: loud}}}]",
       "Failed to create policy template"},
      {"[{objectDefinition: {apiVersion: policy.open-cluster-management.io/v1, kind: "
       "VirtBackupPolicy, metadata: {name: n}, spec: {sevrity: low}}}]",
       "unknown field \"spec.sevrity\""},
      {"[{objectDefinition: {apiVersion: policy.open-cluster-management.io/v1, kind: "
       "VirtBackupPolicy, metadata: {name: n, annotations: "
       "{policy.open-cluster-management.io/hub-templates-error: no such ConfigMap}}}}]",
       "template-error; no such ConfigMap"},
      {"[{objectDefinition: {apiVersion: policy.open-cluster-management.io/v1, kind: "
       "VirtBackupPolicy, metadata: {name: n}}}, {objectDefinition: {apiVersion: "
       "policy.open-cluster-management.io/v1, kind: VirtBackupPolicy, metadata: {name: n}}}]",
       "All policy-template names must be unique within a policy"},
  };
  for (const auto& c : cases) {
    hub.edit(api::kPolicy, replica_key(), false, [&](Object& object) {
      object.set({"spec", "policy-templates"}, yaml(c.templates));
    });
    pass(seconds(3));
    const Json status = on_hub().status();
    EXPECT_EQ(status["compliant"].as_string(), "NonCompliant") << c.message;
    const std::string message = status["details"][0]["history"][0]["message"].as_string();
    EXPECT_TRUE(message.starts_with("NonCompliant; template-error; ")) << message;
    EXPECT_NE(message.find(c.message), std::string::npos) << message;
  }
  // Mended, the template's own word counts again.
  hub.edit(api::kPolicy, replica_key(), false,
           [&](Object& object) { object.set({"spec"}, replica().spec()); });
  pass(seconds(3));
  EXPECT_FALSE(cluster.has(api::kVirtBackupPolicy, {"cls1", "n"}));
  report("Compliant; notification - fine", "2026-11-21T08:00:00.000000Z");
  pass(seconds(3));
  EXPECT_EQ(on_hub().status()["compliant"].as_string(), "Compliant");
}

TEST_F(SyncTest, ATemplateOfAnotherPolicyIsNotTouched) {
  Object other = Object::make(api::kVirtBackupPolicy, {"cls1", "mine"});
  other.set({"spec", "severity"}, "low");
  cluster.create(api::kVirtBackupPolicy, other);
  hub.edit(api::kPolicy, replica_key(), false, [&](Object& object) {
    Json templates = object.spec()["policy-templates"];
    Json item = templates[0];
    item.set({"objectDefinition", "metadata", "name"}, "mine");
    templates.push_back(item);
    object.set({"spec", "policy-templates"}, templates);
  });
  pass(seconds(2));
  EXPECT_EQ(cluster.get(api::kVirtBackupPolicy, {"cls1", "mine"}).spec()["severity"].as_string(),
            "low");
  EXPECT_EQ(
      on_hub().status()["details"][1]["history"][0]["message"].as_string(),
      "NonCompliant; template-error; Template name must be unique. Policy template with kind: "
      "VirtBackupPolicy name: mine already exists outside of a Policy");
}

TEST_F(SyncTest, RemovalIsCarriedOutThenAcknowledgedThenEverythingGoes) {
  set_removal("unplaced");
  pass(seconds(3));
  EXPECT_EQ(the_template().annotation(api::kRemovalAnnotation), "unplaced");
  EXPECT_EQ(on_hub().annotation(api::kRemovalDoneAnnotation), "");
  carry_out("unplaced");
  pass(seconds(3));
  EXPECT_EQ(on_hub().annotation(api::kRemovalDoneAnnotation), "unplaced");
  EXPECT_TRUE(cluster.has(api::kPolicy, replica_key()));
  ASSERT_TRUE(hub.admin->remove(api::kPolicy, replica_key()));
  pass(seconds(3));
  EXPECT_FALSE(cluster.has(api::kPolicy, replica_key()));
  EXPECT_FALSE(cluster.has(api::kVirtBackupPolicy, kTemplateKey));
}

TEST_F(SyncTest, ARemovalThatIsWithdrawnIsForgotten) {
  set_removal("disabled");
  pass(seconds(2));
  carry_out("disabled");
  pass(seconds(2));
  set_removal(nullptr);
  pass(seconds(2));
  EXPECT_EQ(the_template().annotation(api::kRemovalAnnotation), "");
  EXPECT_EQ(the_template().status()["removed"].as_string(), "");
  EXPECT_EQ(local().annotation(api::kRemovalDoneAnnotation), "");
  EXPECT_EQ(on_hub().annotation(api::kRemovalDoneAnnotation), "");
  // The next one is not taken for done because the last one was.
  set_removal("disabled");
  pass(seconds(5));
  EXPECT_EQ(on_hub().annotation(api::kRemovalDoneAnnotation), "");
}

TEST_F(SyncTest, ARemovalReachesObjectsWhoseTemplatesAreBroken) {
  hub.edit(api::kPolicy, replica_key(), false, [](Object& object) {
    Json item = object.spec()["policy-templates"][0];
    item.set({"objectDefinition", "metadata", "annotations", api::kHubTemplatesErrorAnnotation},
             "broken");
    object.set({"spec", "policy-templates"}, Json::array({item}));
  });
  set_removal("deleted");
  pass(seconds(3));
  EXPECT_EQ(the_template().annotation(api::kRemovalAnnotation), "deleted");
  EXPECT_EQ(on_hub().annotation(api::kRemovalDoneAnnotation), "");
  carry_out("deleted");
  pass(seconds(3));
  EXPECT_EQ(on_hub().annotation(api::kRemovalDoneAnnotation), "deleted");
}

TEST_F(SyncTest, AnUnmetDependencyCreatesNothingAndRemovesNothing) {
  const auto depend_on = [this](const char* compliance) {
    hub.edit(api::kPolicy, replica_key(), false, [&](Object& object) {
      Json templates = object.spec()["policy-templates"];
      Json item = templates[0];
      item.set({"objectDefinition", "metadata", "name"}, "second");
      item.set({"extraDependencies"},
               yaml("[{apiVersion: policy.open-cluster-management.io/v1, kind: VirtBackupPolicy, "
                    "name: virt-backup}]"));
      Json dependency = item["extraDependencies"][0];
      dependency.set("compliance", compliance);
      item.set({"extraDependencies"}, Json::array({dependency}));
      object.set({"spec", "policy-templates"}, Json::array({templates[0], item}));
    });
    pass(seconds(3));
  };
  report("NonCompliant; violation - no", "2026-11-21T07:01:00.000000Z");
  depend_on("Compliant");
  EXPECT_FALSE(cluster.has(api::kVirtBackupPolicy, {"cls1", "second"}));
  EXPECT_EQ(on_hub().status()["details"][1]["history"][0]["message"].as_string(),
            "Pending; Dependencies were not satisfied: 1 is still pending (VirtBackupPolicy "
            "virt-backup)");
  report("Compliant; notification - yes", "2026-11-21T07:02:00.000000Z");
  pass(seconds(3));
  EXPECT_TRUE(cluster.has(api::kVirtBackupPolicy, {"cls1", "second"}));
  report("NonCompliant; violation - no", "2026-11-21T07:03:00.000000Z");
  pass(seconds(3));
  EXPECT_TRUE(cluster.has(api::kVirtBackupPolicy, {"cls1", "second"}));
  EXPECT_EQ(on_hub().status()["details"][1]["compliant"].as_string(), "Pending");
}

TEST_F(SyncTest, AReplicaThatVanishesRemovesNothing) {
  ASSERT_TRUE(hub.admin->remove(api::kPolicy, replica_key()));
  pass_in_steps(hours(2), seconds(30));
  EXPECT_TRUE(cluster.has(api::kPolicy, replica_key()));
  EXPECT_TRUE(cluster.has(api::kVirtBackupPolicy, kTemplateKey));
  // Nor does one that vanishes before what it asked for was done.
  hub.create(api::kPolicy, replica());
  set_removal("deleted");
  pass(seconds(3));
  ASSERT_TRUE(hub.admin->remove(api::kPolicy, replica_key()));
  pass_in_steps(minutes(10), seconds(10));
  EXPECT_TRUE(cluster.has(api::kVirtBackupPolicy, kTemplateKey));
  carry_out("deleted");
  pass_in_steps(minutes(2), seconds(5));
  EXPECT_FALSE(cluster.has(api::kPolicy, replica_key()));
}

TEST_F(SyncTest, AnHourWithoutTheHubChangesNothingAndHealsItself) {
  const Object before = the_template();
  cluster.agent->faulty_hub.set_faults({.unavailable = 1, .dropped_watch = 1});
  hub.edit(api::kPolicy, replica_key(), false, [](Object& object) {
    object.set({"spec", "remediationAction"}, "inform");
  });
  for (int minute = 0; minute < 60; ++minute) pass_in_steps(minutes(1), seconds(20));
  EXPECT_EQ(the_template(), before);
  report("NonCompliant; violation - while nobody listened", "2026-11-21T07:30:00.000000Z");
  pass(seconds(2));
  // A restart without the hub goes on serving what is known.
  EXPECT_EQ(local().status()["compliant"].as_string(), "NonCompliant");
  cluster.agent->faulty_hub.set_faults({});
  pass_in_steps(minutes(3), seconds(1));
  EXPECT_EQ(the_template().spec()["remediationAction"].as_string(), "inform");
  EXPECT_EQ(on_hub().status()["compliant"].as_string(), "NonCompliant");
}

TEST_F(SyncTest, ABadNetworkEndsInTheSameState) {
  cluster.agent.reset();
  cluster.hub_faults = {.timeout_before_write = 0.1,
                        .timeout_after_write = 0.1,
                        .conflict = 0.1,
                        .unavailable = 0.1,
                        .expired_watch = 0.02,
                        .dropped_watch = 0.02,
                        .stale_list = 0.1};
  cluster.faulty->set_faults(cluster.hub_faults);
  cluster.start();
  for (int i = 0; i < 5; ++i) {
    hub.edit(api::kPolicy, replica_key(), false, [&](Object& object) {
      Json templates = object.spec()["policy-templates"];
      Json item = templates[0];
      item.set({"objectDefinition", "spec", "crons", "c" + std::to_string(i)}, "0 * * * *");
      templates.set_item(0, item);
      object.set({"spec", "policy-templates"}, templates);
    });
    pass(seconds(10));
  }
  set_removal("deleted");
  pass_in_steps(minutes(3), seconds(1));
  EXPECT_EQ(the_template().spec()["crons"].size(), 6u);
  carry_out("deleted");
  pass_in_steps(minutes(5), seconds(1));
  EXPECT_EQ(on_hub().annotation(api::kRemovalDoneAnnotation), "deleted");
  ASSERT_TRUE(hub.admin->remove(api::kPolicy, replica_key()));
  pass_in_steps(minutes(5), seconds(1));
  EXPECT_FALSE(cluster.has(api::kPolicy, replica_key()));
}

Object hub_secret(const std::string& value) {
  Object secret = Object::make(api::kSecret, {"cls1", "cloud-credentials"});
  secret.set_label(api::kManagedByLabel, api::kManagedBy);
  secret.set({"data", "cloud"}, to_base64(as_bytes(value)));
  return secret;
}

TEST_F(SyncTest, SecretsAreMirroredAndStayWhileAPolicyNamesThem) {
  const kube::Key key{"cls1", "cloud-credentials"};
  const auto name_secret = [this](const char* name) {
    hub.edit(api::kPolicy, replica_key(), false, [name](Object& policy) {
      Json item = policy.spec()["policy-templates"][0];
      item.set({"objectDefinition", "kind"}, "VirtInstallPolicy");
      item.set({"objectDefinition", "spec"},
               Json::object({{"credentials", Json::object({{"name", name}})}}));
      policy.set({"spec", "policy-templates"}, Json::array({item}));
    });
    pass(seconds(2));
  };
  hub.create(api::kSecret, hub_secret("first-planted"));
  pass(seconds(2));
  EXPECT_FALSE(cluster.has(api::kSecret, key));
  name_secret("cloud-credentials");
  EXPECT_EQ(secret_value(cluster.get(api::kSecret, key), "cloud"), "first-planted");
  hub.edit(api::kSecret, key, false,
           [](Object& secret) { secret.set({"data"}, hub_secret("second-planted")["data"]); });
  pass(seconds(2));
  EXPECT_EQ(secret_value(cluster.get(api::kSecret, key), "cloud"), "second-planted");

  // A Secret that somebody else put there is no mirror.
  Object foreign = Object::make(api::kSecret, {"cls1", "theirs"});
  foreign.set({"data", "cloud"}, to_base64(as_bytes("theirs")));
  cluster.create(api::kSecret, foreign);
  Object same_name = hub_secret("ours-planted");
  same_name.set({"metadata", "name"}, "theirs");
  hub.create(api::kSecret, same_name);
  pass(seconds(2));
  EXPECT_EQ(secret_value(cluster.get(api::kSecret, foreign.key()), "cloud"), "theirs");

  name_secret("theirs");
  EXPECT_EQ(secret_value(cluster.get(api::kSecret, foreign.key()), "cloud"), "theirs");
  EXPECT_FALSE(cluster.has(api::kSecret, key));

  name_secret("cloud-credentials");
  ASSERT_TRUE(hub.admin->remove(api::kSecret, key));
  pass_in_steps(minutes(10), seconds(10));
  EXPECT_TRUE(cluster.has(api::kSecret, key));
  set_removal("deleted");
  pass(seconds(2));
  cluster.edit(api::kVirtInstallPolicy, kTemplateKey, true, [](Object& object) {
    object.set({"status", "removed"}, "deleted");
  });
  pass(seconds(2));
  EXPECT_TRUE(cluster.has(api::kSecret, key));
  ASSERT_TRUE(hub.admin->remove(api::kPolicy, replica_key()));
  pass(seconds(5));
  EXPECT_FALSE(cluster.has(api::kSecret, key));
  for (const std::string& line : sink->lines()) {
    EXPECT_EQ(line.find("planted"), std::string::npos) << line;
  }
}

TEST_F(SyncTest, AnotherReplicaIsLeftAlone) {
  // The agent reads and writes nothing of another cluster's namespace.
  hub.invite("cls2");
  pass(seconds(2));
  Object other = replica();
  other.set({"metadata", "namespace"}, "cls2");
  hub.create(api::kPolicy, other);
  Object secret = hub_secret("planted");
  secret.set({"metadata", "namespace"}, "cls2");
  hub.create(api::kSecret, secret);
  const auto agent = *hub.connect(cluster.credentials().config());
  const auto forbidden = [](const auto& result) {
    return !result && result.error().is(Code::kForbidden);
  };
  ASSERT_TRUE(agent->list(api::kSecret, "cls1"));
  EXPECT_TRUE(forbidden(agent->list(api::kSecret, "cls2")));
  EXPECT_TRUE(forbidden(agent->list(api::kSecret, "")));
  EXPECT_TRUE(forbidden(agent->get(api::kSecret, secret.key())));
  EXPECT_TRUE(forbidden(agent->watch(api::kSecret, "cls2", {})));
  EXPECT_TRUE(forbidden(agent->list(api::kSecret, "kube-system")));
  EXPECT_TRUE(forbidden(agent->list(api::kPolicy, "cls2")));
  EXPECT_TRUE(forbidden(agent->get(api::kPolicy, other.key())));
  EXPECT_TRUE(forbidden(agent->patch(api::kPolicy, other.key(), kube::PatchType::kMerge,
                                     Json::object({{"spec", Json::object()}}))));
  EXPECT_TRUE(forbidden(agent->patch(api::kPolicy, other.key(), kube::PatchType::kMerge,
                                     Json::object({{"status", Json::object()}}), "status")));
  EXPECT_TRUE(forbidden(agent->remove(api::kPolicy, other.key())));
  EXPECT_TRUE(forbidden(agent->get(api::kManagedCluster, {"", "cls2"})));
  EXPECT_TRUE(forbidden(agent->list(api::kManagedCluster, "")));
  EXPECT_TRUE(forbidden(agent->get(api::kLease, {"cls2", std::string(api::kClusterLease)})));
  Object lease = Object::make(api::kLease, {"cls2", std::string(api::kClusterLease)});
  EXPECT_TRUE(forbidden(agent->create(api::kLease, lease)));
  // Nor may it give itself more, or undo what an admin decided.
  EXPECT_TRUE(forbidden(agent->remove(api::kPolicy, replica_key())));
  EXPECT_TRUE(forbidden(agent->create(api::kPolicy, replica())));
  EXPECT_TRUE(forbidden(agent->list(api::kRole, "cls1")));
  EXPECT_TRUE(forbidden(agent->create(api::kSecret, hub_secret("mine"))));
  EXPECT_TRUE(forbidden(
      agent->patch(api::kManagedCluster, {"", "cls1"}, kube::PatchType::kMerge,
                   Json::object({{"spec", Json::object({{"hubAcceptsClient", true}})}}))));
  EXPECT_TRUE(forbidden(agent->list(api::kCertificateSigningRequest, "")));
}

TEST_F(SyncTest, AClusterThatIsRemovedKeepsItsRightsUntilItIsClean) {
  ASSERT_TRUE(hub.admin->remove(api::kManagedCluster, {"", "cls1"}));
  pass(seconds(10));
  EXPECT_TRUE(hub.has(api::kManagedCluster, {"", "cls1"}));
  set_removal("unplaced");
  pass(seconds(5));
  carry_out("unplaced");
  pass(seconds(5));
  EXPECT_EQ(on_hub().annotation(api::kRemovalDoneAnnotation), "unplaced");
  ASSERT_TRUE(hub.admin->remove(api::kPolicy, replica_key()));
  pass(seconds(20));
  EXPECT_FALSE(hub.has(api::kManagedCluster, {"", "cls1"}));
  EXPECT_FALSE(cluster.has(api::kPolicy, replica_key()));
  const auto agent = *hub.connect(cluster.credentials().config());
  EXPECT_TRUE(agent->list(api::kPolicy, "cls1").error().is(Code::kForbidden));
}

TEST_F(LinkTest, AClusterThatNeverJoinedGoesAtOnce) {
  hub.invite("cls1");
  pass(seconds(2));
  hub.create(api::kPolicy, replica());
  ASSERT_TRUE(hub.admin->remove(api::kManagedCluster, {"", "cls1"}));
  pass(seconds(20));
  EXPECT_FALSE(hub.has(api::kManagedCluster, {"", "cls1"}));
}

}  // namespace breakwater::policy::link_test
