#!/usr/bin/python3
"""Runs every `sh` block and applies every `yaml` block of docs/*.md against a hub with two clusters.

Usage: docs_test.py path/to/breakwater
"""
import glob
import os
import re
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fleet import Fleet, until  # noqa: E402

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


def blocks(path):
    """(language, text) of each fenced block, in order."""
    text = open(path, encoding="utf-8").read()
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S)


def follow(fleet, page, backups):
    """Runs the page's examples; how many there were."""
    ran = 0
    for language, text in blocks(os.path.join("docs", page)):
        if language == "yaml":
            fleet.run("kubectl apply -f -", text.replace("${BACKUPS}", backups))
        elif language == "sh":
            print("$ " + text.strip(), flush=True)
            print(fleet.run(text), flush=True)
        else:
            continue
        ran += 1
    return ran


def main():
    # By default Debian's TMPDIR may be memory; disks belong on a disk.
    folder = tempfile.mkdtemp(prefix="breakwater-docs-", dir="/var/tmp")
    backups = os.path.join(folder, "backups")
    os.mkdir(backups)
    fleet = Fleet(os.path.abspath(sys.argv[1]), folder)
    try:
        fleet.start()
        ran = follow(fleet, "admin.md", backups)
        until("the install policy", lambda: fleet.compliant("acm-dr-virt-install"))
        fleet.run("kubectl --context cls1 apply -f -", VM)
        fleet.use("cls1")
        ran += follow(fleet, "vm-user.md", backups)
        fleet.use("hub")
        ran += follow(fleet, "operator.md", backups)
        missing = [p for p in glob.glob("docs/*.md") if not blocks(p)]
        print("%d examples of admin.md, vm-user.md and operator.md ran; without examples: %s"
              % (ran, ", ".join(sorted(map(os.path.basename, missing))) or "none"))
    finally:
        fleet.stop()
        shutil.rmtree(folder)


main()
