// Real kubectls against a real server: everything a person types every day.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <set>

#include "base/encoding.h"
#include "base/x509.h"
#include "tests/apiserver/live_server.h"

namespace breakwater::kubectl_test {

using apiserver::LiveServer;

struct Output {
  int code = -1;
  std::string out;
  std::string err;
  bool has(std::string_view text) const { return out.find(text) != std::string::npos; }
};

std::ostream& operator<<(std::ostream& stream, const Output& output) {
  return stream << "exit code " << output.code << "\n" << output.out << output.err;
}

Output run_shell(const std::string& command, const std::filesystem::path& directory) {
  const std::string out = directory / "stdout";
  const std::string err = directory / "stderr";
  const int status = std::system(("( " + command + " ) >" + out + " 2>" + err).c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_file(out).value_or(""),
          read_file(err).value_or("")};
}

std::string find_in_path(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string_view rest = path ? path : "";
  while (!rest.empty()) {
    const size_t colon = rest.find(':');
    const auto file = std::filesystem::path(rest.substr(0, colon)) / name;
    if (std::filesystem::exists(file)) return file;
    rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
  }
  return "";
}

// Where `make deps` unpacks Debian 12's kubectl (tools/install_packages.sh).
std::string pinned_kubectl() {
  std::string peers;
  if (const char* named = std::getenv("BREAKWATER_PEERS")) {
    peers = named;
  } else if (const char* cache = std::getenv("XDG_CACHE_HOME")) {
    peers = std::string(cache) + "/breakwater/peers";
  } else if (const char* home = std::getenv("HOME")) {
    peers = std::string(home) + "/.cache/breakwater/peers";
  }
  return peers + "/kubernetes-client/usr/bin/kubectl";
}

// BREAKWATER_KUBECTL, Debian 12's, the one in PATH: each that is there.
std::vector<std::string> kubectls() {
  std::vector<std::string> candidates;
  if (const char* named = std::getenv("BREAKWATER_KUBECTL")) candidates.emplace_back(named);
  candidates.push_back(pinned_kubectl());
  candidates.push_back(find_in_path("kubectl"));
  std::vector<std::string> found;
  std::set<std::filesystem::path> seen;
  for (const std::string& candidate : candidates) {
    if (candidate.empty() || !std::filesystem::exists(candidate)) continue;
    if (seen.insert(std::filesystem::canonical(candidate)).second) found.push_back(candidate);
  }
  return found;
}

TEST(Kubectl, IsInstalled) {
  EXPECT_FALSE(kubectls().empty()) << "install kubernetes-client or set BREAKWATER_KUBECTL";
}

class KubectlTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    auto directory = TempDir::create(std::filesystem::temp_directory_path(), "kubectl-test-");
    ASSERT_TRUE(directory);
    directory_.emplace(std::move(*directory));
    server_.write_kubeconfig(directory_->path() / "admin", "admin-token");
    server_.write_kubeconfig(directory_->path() / "alice", "alice-token");
    write("pod.yaml", R"(apiVersion: v1
kind: Pod
metadata: {name: web, namespace: demo, labels: {app: web}}
spec:
  nodeName: node-1
  containers:
  - name: main
    image: example/web:1
    env: [{name: A, value: "1"}, {name: B, value: "2"}]
)");
    write("claim.yaml", R"(apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: disk, namespace: demo}
spec:
  accessModes: [ReadWriteOnce]
  volumeMode: Block
  resources: {requests: {storage: 1Gi}}
)");
    write("backup.yaml", R"(apiVersion: velero.io/v1
kind: Backup
metadata: {name: b1, namespace: demo}
spec: {storageLocation: default, ttl: 24h0m0s}
)");
    write("k", "#!/bin/sh\nexec timeout 60 " + GetParam() + " \"$@\"\n");
    std::filesystem::permissions(directory_->path() / "k", std::filesystem::perms::owner_all);
    ASSERT_EQ(kubectl("create namespace demo").code, 0);
  }

  void write(const std::string& name, std::string_view content) {
    ASSERT_TRUE(write_file(directory_->path() / name, content));
  }

  // Runs kubectl as `user`, in the test's own directory and home. The command may go on with more
  // of the shell, in which ./k is kubectl.
  Output kubectl(const std::string& arguments, const std::string& user = "admin") {
    const std::string home = directory_->path();
    return run_shell("cd " + home + "; HOME=" + home + "; KUBECONFIG=" + home + "/" + user +
                         "; export HOME KUBECONFIG; ./k " + arguments,
                     directory_->path());
  }
  Output expect_ok(const std::string& arguments, const std::string& user = "admin") {
    Output output = kubectl(arguments, user);
    EXPECT_EQ(output.code, 0) << "kubectl " << arguments << "\n" << output;
    return output;
  }
  std::string value(const std::string& what, const std::string& path) {
    return expect_ok("-n demo get " + what + " -o jsonpath='{" + path + "}'").out;
  }
  void set_pod_status() {
    const auto client = server_.api().client(apiserver::admin_user());
    const kube::Kind pods{"", "v1", "Pod", "pods"};
    auto edited =
        kube::edit(*client, pods, {"demo", "web"}, true, [](kube::Object& pod) -> Result<bool> {
          pod.set({"status", "phase"}, "Running");
          kube::set_condition(pod, "Ready", "True", "", "", Time{});
          return true;
        });
    ASSERT_TRUE(edited) << edited.error().to_string();
  }

  LiveServer server_;
  std::optional<TempDir> directory_;
};

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  return "Kubectl" + std::to_string(info.index);
}
INSTANTIATE_TEST_SUITE_P(All, KubectlTest, testing::ValuesIn(kubectls()), test_name);

TEST_P(KubectlTest, Version) {
  const Output version = expect_ok("version");
  EXPECT_TRUE(version.has("v1.31.0+breakwater")) << version;
  std::printf("kubectl: %s\n%s", GetParam().c_str(), version.out.c_str());
}

TEST_P(KubectlTest, GetShowsTables) {
  expect_ok("apply -f pod.yaml -f claim.yaml -f backup.yaml");
  set_pod_status();
  Output pods = expect_ok("-n demo get pods");
  EXPECT_TRUE(pods.has("NAME") && pods.has("READY") && pods.has("STATUS")) << pods;
  EXPECT_TRUE(pods.has("web") && pods.has("Running") && pods.has("0/1")) << pods;
  EXPECT_FALSE(pods.has("NODE")) << pods;
  pods = expect_ok("get pods -A -o wide");
  EXPECT_TRUE(pods.has("NAMESPACE") && pods.has("NODE") && pods.has("node-1")) << pods;
  const Output claims = expect_ok("-n demo get pvc -o wide");
  EXPECT_TRUE(claims.has("ACCESS MODES") && claims.has("Block")) << claims;
  expect_ok("-n demo patch backup b1 --type=merge -p '{\"status\":{\"phase\":\"Completed\"}}'");
  Output backups = expect_ok("-n demo get backups.velero.io");
  EXPECT_TRUE(backups.has("ERRORS") && backups.has("Completed")) << backups;
  EXPECT_FALSE(backups.has("STORAGE LOCATION")) << backups;
  backups = expect_ok("-n demo get backup -o wide");
  EXPECT_TRUE(backups.has("STORAGE LOCATION") && backups.has("default")) << backups;
  EXPECT_TRUE(expect_ok("get ns demo").has("Active"));
}

TEST_P(KubectlTest, GetSelectsAndPrintsOtherForms) {
  expect_ok("apply -f pod.yaml");
  expect_ok("-n demo create configmap other");
  EXPECT_TRUE(expect_ok("-n demo get pods -l app=web -o name").has("pod/web"));
  EXPECT_FALSE(expect_ok("-n demo get pods -l app=db -o name").has("pod/web"));
  EXPECT_TRUE(expect_ok("get cm -A --field-selector metadata.name=other -o name").has("other"));
  EXPECT_FALSE(
      expect_ok("-n demo get cm --field-selector metadata.name!=other -o name").has("/other"));
  EXPECT_TRUE(expect_ok("-n demo get pod web -o yaml").has("image: example/web:1"));
  const auto object = parse_json(expect_ok("-n demo get pod web -o json").out);
  ASSERT_TRUE(object);
  EXPECT_EQ((*object)["spec"]["nodeName"].as_string(), "node-1");
  EXPECT_EQ(value("pod web", ".spec.containers[0].image"), "example/web:1");
  EXPECT_TRUE(expect_ok("-n demo get all").has("pod/web"));
  const Output missing = kubectl("-n demo get pod nobody");
  EXPECT_EQ(missing.code, 1);
  EXPECT_NE(missing.err.find("NotFound"), std::string::npos) << missing;
}

TEST_P(KubectlTest, GetWatches) {
  write("watch.sh", R"(timeout 60 ./k -n demo get cm -w >watched &
watch=$!
await() { i=0; until grep -q "$1" watched || [ $i -ge 150 ]; do sleep 0.2; i=$((i + 1)); done; }
await '^first '
./k -n demo create cm second
./k -n demo label cm second x=y
./k -n demo create cm last
await '^last '
kill $watch
cat watched
)");
  expect_ok("-n demo create cm first");
  const Output output = kubectl("version >/dev/null; sh watch.sh");
  EXPECT_TRUE(output.has("NAME") && output.has("first")) << output;
  size_t rows = 0;
  for (size_t at = output.out.find("\nsecond "); at != std::string::npos;
       at = output.out.find("\nsecond ", at + 1)) {
    ++rows;
  }
  EXPECT_EQ(rows, 2u) << output;
}

TEST_P(KubectlTest, Describe) {
  expect_ok("apply -f pod.yaml -f claim.yaml -f backup.yaml");
  set_pod_status();
  const Output pod = expect_ok("-n demo describe pod web");
  EXPECT_TRUE(pod.has("Image:") && pod.has("example/web:1") && pod.has("Events:")) << pod;
  EXPECT_TRUE(expect_ok("-n demo describe backup b1").has("Storage Location:  default"));
  const Output claim = expect_ok("-n demo describe pvc disk");
  EXPECT_TRUE(claim.has("VolumeMode:") && claim.has("Block")) << claim;
  expect_ok("describe ns demo");
}

TEST_P(KubectlTest, Logs) {
  expect_ok("apply -f pod.yaml");
  server_.logs().set("demo/web", "one\ntwo\nthree\n");
  EXPECT_EQ(expect_ok("-n demo logs web").out, "one\ntwo\nthree\n");
  EXPECT_EQ(expect_ok("-n demo logs web --tail=1").out, "three\n");
}

TEST_P(KubectlTest, ApplyMergesThreeWays) {
  const std::string service = R"(apiVersion: v1
kind: Service
metadata: {name: web, namespace: demo, labels: {app: web}}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: 8080})";
  write("service.yaml", service + ", {name: https, port: 443}]\n");
  EXPECT_TRUE(expect_ok("apply -f service.yaml").has("created"));
  EXPECT_TRUE(expect_ok("apply -f service.yaml").has("unchanged"));
  // Somebody else sets another label and adds a port; we change one port and remove another.
  expect_ok("-n demo label service web other=kept");
  expect_ok(
      "-n demo patch service web -p "
      "'{\"spec\":{\"ports\":[{\"name\":\"x\",\"port\":99}]}}'");
  std::string changed = service + "]\n";
  changed.replace(changed.find("8080"), 4, "9090");
  write("service.yaml", changed);
  const Output applied = expect_ok("apply -f service.yaml");
  EXPECT_TRUE(applied.has("configured")) << applied;
  EXPECT_EQ(applied.err, "");
  EXPECT_EQ(value("service web", ".spec.ports[?(@.name==\"http\")].targetPort"), "9090");
  EXPECT_EQ(value("service web", ".spec.ports[?(@.name==\"https\")].port"), "");
  EXPECT_EQ(value("service web", ".spec.ports[?(@.name==\"x\")].port"), "99");
  EXPECT_EQ(value("service web", ".metadata.labels.other"), "kept");
  // Custom resources merge as JSON.
  expect_ok("apply -f backup.yaml");
  write("backup.yaml", R"(apiVersion: velero.io/v1
kind: Backup
metadata: {name: b1, namespace: demo}
spec: {storageLocation: other}
)");
  EXPECT_TRUE(expect_ok("apply -f backup.yaml").has("configured"));
  EXPECT_EQ(value("backup b1", ".spec.storageLocation"), "other");
  EXPECT_EQ(value("backup b1", ".spec.ttl"), "");
}

TEST_P(KubectlTest, ApplyRefusesWhatSchemasDoNotKnow) {
  write("typo.yaml", R"(apiVersion: v1
kind: Pod
metadata: {name: typo, namespace: demo}
spec: {containers: [{name: a, image: b, comand: [x]}]}
)");
  const Output typo = kubectl("apply -f typo.yaml");
  EXPECT_NE(typo.code, 0);
  EXPECT_NE(typo.err.find("comand"), std::string::npos) << typo;
  write("wrong.yaml", R"(apiVersion: velero.io/v1
kind: Backup
metadata: {name: wrong, namespace: demo}
spec: {storageLocation: [1]}
)");
  const Output wrong = kubectl("apply --validate=false -f wrong.yaml");
  EXPECT_NE(wrong.code, 0);
  EXPECT_NE(wrong.err.find("storageLocation"), std::string::npos) << wrong;
}

TEST_P(KubectlTest, WhatIsNotOfferedSaysSo) {
  const Output apply = kubectl("apply --server-side -f backup.yaml");
  EXPECT_NE(apply.code, 0);
  EXPECT_NE(apply.err.find("server-side apply is not offered"), std::string::npos) << apply;
  const Output dry = kubectl("create -f backup.yaml --dry-run=server");
  EXPECT_NE(dry.code, 0);
  EXPECT_NE(dry.err.find("dry"), std::string::npos) << dry;
  EXPECT_NE(kubectl("-n demo get backup b1").code, 0) << "nothing was created";
  EXPECT_TRUE(expect_ok("create -f backup.yaml --dry-run=client -o name").has("backup"));
}

TEST_P(KubectlTest, Create) {
  expect_ok("-n demo create configmap settings --from-literal=a=b");
  EXPECT_EQ(value("cm settings", ".data.a"), "b");
  expect_ok("-n demo create secret generic password --from-literal=p=secret");
  EXPECT_EQ(value("secret password", ".data.p"), "c2VjcmV0");
  expect_ok("-n demo create serviceaccount robot");
  expect_ok("create -f pod.yaml");
  const Output again = kubectl("create -f pod.yaml");
  EXPECT_NE(again.code, 0);
  EXPECT_NE(again.err.find("AlreadyExists"), std::string::npos) << again;
  expect_ok("-n demo create role reader --verb=get,list --resource=pods");
  expect_ok("-n demo create rolebinding readers --role=reader --user=alice");
  EXPECT_EQ(value("rolebinding readers", ".roleRef.name"), "reader");
  expect_ok("create clusterrolebinding viewers --clusterrole=view --group=staff");
}

TEST_P(KubectlTest, Edit) {
  expect_ok("-n demo create configmap edited --from-literal=a=before");
  write("editor.sh", "#!/bin/sh\nsed -i s/before/after/ \"$1\"\n");
  std::filesystem::permissions(directory_->path() / "editor.sh", std::filesystem::perms::owner_all);
  const Output output =
      kubectl("version >/dev/null; EDITOR=./editor.sh ./k -n demo edit configmap edited");
  EXPECT_EQ(output.code, 0) << output;
  EXPECT_EQ(value("cm edited", ".data.a"), "after");
}

TEST_P(KubectlTest, LabelAnnotateAndPatch) {
  expect_ok("apply -f pod.yaml -f backup.yaml");
  expect_ok("-n demo label pod web tier=front");
  expect_ok("-n demo annotate pod web note=hello");
  EXPECT_EQ(value("pod web", ".metadata.labels.tier"), "front");
  EXPECT_EQ(value("pod web", ".metadata.annotations.note"), "hello");
  expect_ok("-n demo label pod web tier-");
  EXPECT_EQ(value("pod web", ".metadata.labels.tier"), "");
  expect_ok(
      "-n demo patch pod web --type=strategic -p "
      "'{\"spec\":{\"containers\":[{\"name\":\"main\",\"image\":\"example/web:2\"}]}}'");
  EXPECT_EQ(value("pod web", ".spec.containers[0].image"), "example/web:2");
  EXPECT_EQ(value("pod web", ".spec.containers[0].env[1].name"), "B");
  expect_ok("-n demo patch backup b1 --type=merge -p '{\"spec\":{\"ttl\":null}}'");
  EXPECT_EQ(value("backup b1", ".spec.ttl"), "");
  expect_ok(
      "-n demo patch backup b1 --type=json -p "
      "'[{\"op\":\"replace\",\"path\":\"/spec/storageLocation\",\"value\":\"third\"}]'");
  EXPECT_EQ(value("backup b1", ".spec.storageLocation"), "third");
  EXPECT_NE(kubectl("-n demo patch backup b1 --type=strategic -p '{}'").code, 0);
}

TEST_P(KubectlTest, DeleteWaitsForFinalizers) {
  expect_ok("apply -f backup.yaml");
  expect_ok(
      "-n demo patch backup b1 --type=merge -p "
      "'{\"metadata\":{\"finalizers\":[\"example.com/wait\"]}}'");
  const Output waiting = kubectl("-n demo delete backup b1 --timeout=1s");
  EXPECT_NE(waiting.code, 0) << waiting;
  EXPECT_NE(value("backup b1", ".metadata.deletionTimestamp"), "");
  const Output gone = kubectl(
      "-n demo delete backup b1 --wait & sleep 1; ./k -n demo patch backup b1 --type=merge -p "
      "'{\"metadata\":{\"finalizers\":null}}'; wait $!");
  EXPECT_EQ(gone.code, 0) << gone;
  EXPECT_NE(kubectl("-n demo get backup b1").code, 0);
  expect_ok("-n demo create cm one");
  expect_ok("-n demo create cm two");
  expect_ok("-n demo delete cm --all");
  expect_ok("delete ns demo --timeout=20s");
}

TEST_P(KubectlTest, WaitForConditionsAndDeletion) {
  expect_ok("apply -f pod.yaml");
  EXPECT_NE(kubectl("-n demo wait pod/web --for=condition=Ready --timeout=1s").code, 0);
  set_pod_status();
  expect_ok("-n demo wait pod/web --for=condition=Ready --timeout=10s");
  const Output gone = kubectl(
      "-n demo wait pod/web --for=delete --timeout=20s & sleep 1; "
      "./k -n demo delete pod web --wait=false; wait $!");
  EXPECT_EQ(gone.code, 0) << gone;
}

TEST_P(KubectlTest, Explain) {
  const Output pod = expect_ok("explain pod.spec.containers");
  EXPECT_TRUE(pod.has("imagePullPolicy") && pod.has("env")) << pod;
  const Output backup = expect_ok("explain backups.spec.includedNamespaces");
  EXPECT_TRUE(backup.has("Namespaces to save")) << backup;
  EXPECT_TRUE(expect_ok("explain vm").has("VirtualMachine"));
}

TEST_P(KubectlTest, ApiResources) {
  const Output resources = expect_ok("api-resources");
  EXPECT_TRUE(resources.has("configmaps") && resources.has("cm")) << resources;
  EXPECT_TRUE(resources.has("virtualmachines") && resources.has("vm")) << resources;
  EXPECT_TRUE(resources.has("velero.io/v1")) << resources;
  EXPECT_TRUE(expect_ok("api-versions").has("velero.io/v1"));
  EXPECT_EQ(expect_ok("get --raw /healthz").out, "ok");
}

TEST_P(KubectlTest, CertificateRequestsAreApprovedAndDenied) {
  const std::string pem = *make_certificate_request(*make_private_key(), {"agent-7", {"group-7"}});
  for (const char* name : {"good", "bad"}) {
    write(std::string(name) + ".yaml", fmt::format(R"(apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {{name: {}}}
spec:
  request: {}
  signerName: kubernetes.io/kube-apiserver-client
  expirationSeconds: 3600
  usages: [client auth, digital signature]
)",
                                                   name, to_base64(as_bytes(pem))));
    const Output created = kubectl(fmt::format("create -f {}.yaml", name));
    ASSERT_EQ(created.code, 0) << created;
  }
  EXPECT_TRUE(kubectl("get csr good").has("Pending"));
  const Output described = kubectl("describe csr good");
  EXPECT_TRUE(described.has("agent-7") && described.has("group-7")) << described;
  const Output approved = kubectl("certificate approve good");
  EXPECT_TRUE(approved.has("certificatesigningrequest.certificates.k8s.io/good approved"))
      << approved;
  EXPECT_EQ(kubectl("certificate deny bad").code, 0);
  EXPECT_NE(kubectl("certificate approve bad").code, 0);
  const Output all = kubectl("get csr");
  for (const char* text : {"SIGNERNAME", "REQUESTOR", "REQUESTEDDURATION", "CONDITION", "60m",
                           "kubernetes.io/kube-apiserver-client", "admin", "Approved", "Denied"}) {
    EXPECT_TRUE(all.has(text)) << text << " is not in " << all;
  }
  EXPECT_NE(kubectl("certificate approve good", "alice").code, 0);
}

TEST_P(KubectlTest, AuthCanI) {
  EXPECT_TRUE(expect_ok("auth can-i delete pods").has("yes"));
  const Output denied = kubectl("-n demo auth can-i get pods", "alice");
  EXPECT_TRUE(denied.has("no")) << denied;
  EXPECT_NE(kubectl("-n demo get pods", "alice").err.find("forbidden"), std::string::npos);
  expect_ok("-n demo create role reader --verb=get,list --resource=pods");
  expect_ok("-n demo create rolebinding readers --role=reader --user=alice");
  EXPECT_TRUE(expect_ok("-n demo auth can-i get pods", "alice").has("yes"));
  EXPECT_NE(kubectl("-n demo auth can-i delete pods", "alice").code, 0);
  expect_ok("-n demo get pods", "alice");
  EXPECT_TRUE(expect_ok("-n demo auth can-i --list", "alice").has("pods"));
  EXPECT_TRUE(expect_ok("-n demo auth can-i get pods --as=alice").has("yes"));
  EXPECT_NE(kubectl("-n demo get pods --as=admin", "alice").code, 0);
}

}  // namespace breakwater::kubectl_test
