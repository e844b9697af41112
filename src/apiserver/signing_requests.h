// CertificateSigningRequests (certificates.k8s.io/v1): who asked, what may be asked for, and what
// approval and signing may change, as Kubernetes has it.
//
// spec is fixed at creation and says who asked. The subresource "approval" writes the conditions
// Approved and Denied, "status" the certificate and every other condition. Besides the right to
// write the subresource it takes the verb "approve" or "sign" on the resource `signers`, whose name
// is the request's signerName or "<its domain>/*".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apiserver/access.h"
#include "apiserver/registry.h"
#include "base/time.h"
#include "kube/object.h"

namespace breakwater::apiserver {

// Issues certificates for clients of this API.
inline constexpr std::string_view kClientSigner = "kubernetes.io/kube-apiserver-client";

bool is_signing_request(const ServedKind& kind);

// A new request with spec.username, uid and groups of `user`, whatever it said itself.
kube::Object with_requester(kube::Object request, const User& user);

// `old` with what an update through `subresource` ("status" or "approval") may take from `object`.
kube::Object merged_request_status(const kube::Object& old, const kube::Object& object,
                                   std::string_view subresource, Time now);

// Appends what is wrong with `object`; `old` is null JSON for a new one.
void check_signing_request(const kube::Object& old, const kube::Object& object,
                           std::vector<std::string>& causes);

// kForbidden unless `user` may "approve" or "sign" for the signer of `request`.
Result<> require_signer(kube::Reader& policy, const User& user, const ServedKind& kind,
                        const kube::Object& request, std::string_view verb);
// kForbidden if the request would make its bearer a member of system:masters.
Result<> refuse_masters(const ServedKind& kind, const kube::Object& request);

}  // namespace breakwater::apiserver
