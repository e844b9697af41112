#!/usr/bin/python3
"""Runs every `sh` block and applies every `yaml` block of docs/*.md against a sandbox cluster.

Usage: docs_test.py path/to/breakwater
"""
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ENGINE = "openshift-adp"

VM = """
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: web-disk, namespace: shop}
spec:
  accessModes: [ReadWriteOnce]
  volumeMode: Block
  resources: {requests: {storage: 64Mi}}
---
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: {name: web, namespace: shop}
spec:
  runStrategy: Always
  template:
    spec:
      domain: {devices: {}}
      volumes:
        - name: root
          persistentVolumeClaim: {claimName: web-disk}
"""


def find_kubectl():
    """Debian 12's kubectl out of the peers cache, or whatever is installed."""
    cache = os.environ.get("BREAKWATER_PEERS") or os.path.join(
        os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "breakwater", "peers")
    pinned = os.path.join(cache, "kubernetes-client", "usr", "bin", "kubectl")
    found = pinned if os.path.exists(pinned) else shutil.which("kubectl")
    if not found:
        sys.exit("no kubectl: make deps puts one into the peers cache")
    return found


def blocks(path):
    """(language, text) of each fenced block, in order."""
    text = open(path, encoding="utf-8").read()
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S)


class Sandbox:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.kubeconfig = os.path.join(folder, "kubeconfig")
        self.log = open(os.path.join(folder, "log"), "wb")
        self.process = subprocess.Popen(
            [program, "sandbox", "up", "--directory", folder], stdout=self.log, stderr=self.log)

    def wait(self, kubectl):
        for _ in range(300):
            if self.process.poll() is not None:
                sys.exit("the sandbox ended: " + open(self.log.name).read())
            if os.path.exists(self.kubeconfig) and subprocess.run(
                    [kubectl, "get", "--raw", "/readyz"], stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL).returncode == 0:
                return
            time.sleep(0.1)
        sys.exit("the sandbox did not become ready")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)


def until(what, check, seconds=60):
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            sys.exit("waited in vain for " + what)
        time.sleep(0.3)


def main():
    program = os.path.abspath(sys.argv[1])
    kubectl = find_kubectl()
    # By default Debian's TMPDIR may be memory; disks belong on a disk.
    folder = tempfile.mkdtemp(prefix="breakwater-docs-", dir="/var/tmp")
    tools = os.path.join(folder, "bin")
    os.mkdir(tools)
    os.symlink(kubectl, os.path.join(tools, "kubectl"))
    os.environ["PATH"] = tools + ":" + os.environ["PATH"]
    os.environ["KUBECONFIG"] = os.path.join(folder, "sandbox", "kubeconfig")
    os.mkdir(os.path.join(folder, "sandbox"))
    sandbox = Sandbox(program, os.path.join(folder, "sandbox"))
    ran = 0

    def run(command, stdin=None):
        result = subprocess.run(["sh", "-ec", command], input=stdin, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if result.returncode != 0:
            raise SystemExit("failed: %s\n%s" % (command, result.stdout))
        return result.stdout

    def get(command):
        result = subprocess.run(["sh", "-c", command], text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL)
        return result.stdout.strip()

    def follow(page):
        nonlocal ran
        for language, text in blocks(os.path.join("docs", page)):
            if language == "yaml":
                text = text.replace("${BACKUPS}", os.path.join(folder, "backups"))
                run("kubectl apply -f -", text)
            elif language == "sh":
                print("$ " + text.strip(), flush=True)
                print(run(text), flush=True)
            else:
                continue
            ran += 1

    try:
        sandbox.wait(kubectl)
        run("kubectl get namespace %s || kubectl create namespace %s" % (ENGINE, ENGINE))
        run("kubectl apply -f -", VM)
        os.mkdir(os.path.join(folder, "backups"))
        follow("admin.md")
        until("the location", lambda: get(
            "kubectl -n %s get bsl velero-sample-1 -o jsonpath='{.status.phase}'" % ENGINE)
            == "Available")
        follow("vm-user.md")
        follow("operator.md")
        missing = [p for p in glob.glob("docs/*.md") if not blocks(p)]
        print("%d examples of admin.md, vm-user.md and operator.md ran; without examples: %s"
              % (ran, ", ".join(sorted(map(os.path.basename, missing))) or "none"))
    finally:
        sandbox.stop()
        shutil.rmtree(folder)


main()
