// Which VMs of a Backup a restore request means, and how a Restore selects them (private to
// policy/).
#pragma once

#include <string>
#include <vector>

#include "policy/restore_request.h"

namespace breakwater::policy {

struct SavedVm {
  std::string uid;
  kube::Key key;  // where it was when it was saved
};

// The VMs that `backup` was asked to save, by its annotations `<uid>: <namespace>--<name>`, sorted
// by uid. "--" may stand in a namespace's name too: the split that the Backup's included namespaces
// allow is taken, the first one if several do.
std::vector<SavedVm> saved_vms(const kube::Object& backup);

struct RestoreSelection {
  std::vector<SavedVm> vms;
  Json selector;                  // labelSelector or orLabelSelectors and includedNamespaces
  std::vector<Finding> problems;  // not empty: nothing may be created
};

// `config` is whom findings are about.
RestoreSelection select_vms(const RestoreRequest& request, const kube::Object& backup,
                            const kube::Key& config);

// The namespace that a VM comes back in.
std::string target_of(const RestoreRequest& request, const std::string& ns);

}  // namespace breakwater::policy
