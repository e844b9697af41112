"""A hub with two clusters in one process (`breakwater sandbox up`), and kubectl to speak to them."""
import os
import shutil
import signal
import subprocess
import sys
import time

POLICIES = "open-cluster-management-backup"


def find_kubectl():
    """Debian 12's kubectl out of the peers cache, or whatever is installed."""
    cache = os.environ.get("BREAKWATER_PEERS") or os.path.join(
        os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "breakwater", "peers")
    pinned = os.path.join(cache, "kubernetes-client", "usr", "bin", "kubectl")
    found = pinned if os.path.exists(pinned) else shutil.which("kubectl")
    if not found:
        sys.exit("no kubectl: make deps puts one into the peers cache")
    return found


def until(what, check, seconds=90):
    """Waits until check() is true; ends the test if that takes too long."""
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            sys.exit("waited in vain for " + what)
        time.sleep(0.3)


class Fleet:
    """Everything lies in `folder`; breakwater and kubectl are in PATH, KUBECONFIG is set."""

    def __init__(self, program, folder, arguments=()):
        self.directory = os.path.join(folder, "sandbox")
        tools = os.path.join(folder, "bin")
        os.mkdir(self.directory)
        os.mkdir(tools)
        os.symlink(find_kubectl(), os.path.join(tools, "kubectl"))
        os.symlink(program, os.path.join(tools, "breakwater"))
        os.environ["PATH"] = tools + ":" + os.environ["PATH"]
        os.environ["KUBECONFIG"] = os.path.join(self.directory, "kubeconfig")
        self.command = [program, "sandbox", "up", "--directory", self.directory, *arguments]
        self.log = os.path.join(folder, "sandbox.log")
        self.process = None

    def start(self):
        """Returns when both clusters are Available on the hub."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)
        until("the clusters to join", self.joined)

    def joined(self):
        """Whether the hub says so."""
        if self.process.poll() is not None:
            with open(self.log, encoding="utf-8", errors="replace") as log:
                sys.exit("the sandbox ended: " + log.read())
        states = self.get("kubectl --context hub get managedclusters -o jsonpath='{range .items[*]}"
                          "{.status.conditions[?(@.type==\"ManagedClusterConditionAvailable\")].status}"
                          " {end}'")
        return states.split() == ["True", "True"]

    def stop(self):
        """In order."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=60)

    def use(self, context):
        """Whom kubectl speaks to."""
        self.run("kubectl config use-context " + context)

    def run(self, command, stdin=None):
        """The output of a shell command that must succeed."""
        result = subprocess.run(["sh", "-ec", command], input=stdin, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if result.returncode != 0:
            raise SystemExit("failed: %s\n%s" % (command, result.stdout))
        return result.stdout

    def get(self, command):
        """The output of a shell command, "" if it fails."""
        result = subprocess.run(["sh", "-c", command], text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, check=False)
        return result.stdout.strip() if result.returncode == 0 else ""

    def compliant(self, policy, expected="Compliant"):
        """Whether a root Policy is so on every cluster that it is placed on."""
        states = self.get("kubectl --context hub -n %s get policy %s -o jsonpath="
                          "'{.status.compliant} {.status.status[*].compliant}'" % (POLICIES, policy))
        return len(states.split()) > 1 and set(states.split()) == {expected}
