#include <fmt/core.h>

#include <memory>
#include <thread>

#include "api/kinds.h"
#include "api/names.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/service.h"
#include "cli/terminal.h"
#include "kube/http_client.h"
#include "policy/hub_credentials.h"
#include "policy/invitation.h"

namespace breakwater::cli {
namespace {

using kube::Object;

struct JoinOptions {
  std::string bootstrap, kubeconfig, context;
  int64_t wait = 0;  // seconds
};

constexpr auto kPoll = std::chrono::milliseconds(500);

// Prints what the agent says until it is connected with this invitation.
Result<> wait_until_joined(kube::Client& client, const Object& secret, Duration limit) {
  const SystemClock clock;
  const policy::Bootstrap invitation = TRY(policy::read_bootstrap(secret));
  const Duration end = clock.monotonic() + limit;
  std::string said = "nothing: no agent has looked at it yet";
  while (clock.monotonic() < end && !interrupt_token().cancelled()) {
    auto kept = client.get(api::kSecret, {secret.ns(), std::string(api::kHubKubeconfigSecret)});
    if (kept) {
      const policy::HubCredentials credentials = policy::read_credentials(*kept);
      if (credentials.bootstrap_hash == invitation.hash && !credentials.cert_pem.empty()) {
        fmt::print("joined as cluster {}\n", credentials.cluster);
        return {};
      }
    }
    auto live = client.get(api::kSecret, secret.key());
    const std::string now = live ? live->annotation(api::kHubLinkAnnotation) : "";
    if (!now.empty() && now != said) fmt::print("{}\n", now);
    std::fflush(stdout);
    if (!now.empty()) said = now;
    std::this_thread::sleep_for(kPoll);
  }
  return fail(Code::kTimeout, "cluster {} has not joined in {}; the agent says: {}",
              invitation.cluster, format_duration(limit), said);
}

Result<> join(const JoinOptions& options) {
  const kube::ClientConfig hub = TRY(kube::load_kubeconfig(options.bootstrap));
  const Object secret =
      policy::bootstrap_secret(TRY(read_file(options.bootstrap)), hub.default_namespace);
  const policy::Bootstrap invitation =
      TRY(while_doing(policy::read_bootstrap(secret), "reading {}", options.bootstrap));
  kube::ClientConfig config = TRY(find_cluster(options.kubeconfig, options.context));
  if (config.server == hub.server && options.kubeconfig == options.bootstrap) {
    return fail(Code::kInvalid, "--kubeconfig is the bootstrap file; it must be the cluster's");
  }
  auto client = TRY(kube::make_http_client(std::move(config), Logger()));
  TRY(while_doing(policy::store_invitation(*client, secret), "storing the invitation"));
  fmt::print("the agent of this cluster joins {} as {}\n", hub.server, invitation.cluster);
  if (options.wait <= 0) return {};
  install_interrupt_handler();
  return wait_until_joined(*client, secret, std::chrono::seconds(options.wait));
}

}  // namespace

void add_join_command(Command& program) {
  auto options = std::make_shared<JoinOptions>();
  Command& command = program.add(
      "join", "Makes a cluster part of a hub's fleet",
      "Leaves the invitation that `breakwater cluster add` wrote in the cluster (Secret\n"
      "bootstrap-hub-kubeconfig in namespace breakwater-agent), where its agent finds it. After\n"
      "that nobody needs to touch the cluster again.\n\n"
      "  breakwater join --bootstrap cls1.kubeconfig --kubeconfig ~/.kube/cls1 --wait 120\n");
  command.option("--bootstrap", options->bootstrap, "the file that `cluster add` wrote");
  command.required();
  command.option("--kubeconfig", options->kubeconfig, "how to reach the cluster", "KUBECONFIG");
  command.option("--context", options->context, "context of the kubeconfig");
  command.option("--wait", options->wait, "seconds to wait until the agent has joined");
  command.action([options] {
    const Result<> result = join(*options);
    return result ? 0 : complain(result.error());
  });
}

}  // namespace breakwater::cli
