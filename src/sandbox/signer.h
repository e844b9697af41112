// What Kubernetes' controller manager does for joining: certificates, and an end to what was asked
// for and to bootstrap tokens.
//
// Controller "csr-signer" looks at CertificateSigningRequests. One for the signer
// kubernetes.io/kube-apiserver-client that is approved gets a client certificate of the cluster's
// CA, for spec.expirationSeconds (at least ten minutes, at most a year; a day if absent). What
// cannot be signed gets the condition Failed with a sentence. Requests that are decided go an hour
// after the verdict, those that nobody decides after a day.
//
// Controller "token-cleaner" removes bootstrap tokens that have expired.
#pragma once

#include "apiserver/certificates.h"
#include "base/clock.h"
#include "base/log.h"
#include "kube/client.h"
#include "kube/controller.h"

namespace breakwater::sandbox {

struct SignerContext {
  kube::Reader& reader;  // the Runner's cache
  kube::Client& client;
  const Clock& clock;
  apiserver::KeyPair ca;
  Logger log;
};

// `context`, but for the CA which is copied, outlives the controllers.
std::vector<kube::ControllerSpec> make_signer_controllers(const SignerContext& context);

}  // namespace breakwater::sandbox
