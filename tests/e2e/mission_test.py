#!/usr/bin/python3
"""Applies the mission's sample files as they are written, with kubectl, and looks for what it promises.

Usage: mission_test.py path/to/breakwater

tests/e2e/mission/ and virt/ hold the samples. They say provider aws, so the hub's Secret names a real S3
server of our own (endpoint_url). What a user fills in (<bucket-name>, ids, uids) is filled in here; what the
mission presupposes (VMs with disks, an application) is made here. Corrections are decisions.md's.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fleet import Fleet, POLICIES, until  # noqa: E402

SAMPLES = "tests/e2e/mission/"
BUCKET = "vb-velero-backup"
APPLICATION = "mysql-persistent"
UID = "cluster.open-cluster-management.io/backup-vm-uid"
LABEL = "cluster.open-cluster-management.io/backup-vm"
VMS = {"vm1": "vm1-ns", "vm2": "default", "vm3": "default"}
DISK = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: %s-disk}
spec:
  accessModes: [ReadWriteOnce]
  volumeMode: Block
  resources: {requests: {storage: 8Mi}}
"""
SPEC = """
spec:
  runStrategy: Halted
  template:
    spec:
      domain: {devices: {disks: [{name: root, disk: {bus: virtio}}]}}
      volumes: [{name: root, persistentVolumeClaim: {claimName: %s-disk}}]
"""


def expect(what, found, wanted):
    """Ends the test unless both are equal."""
    if found != wanted:
        sys.exit("%s is\n  %s\nand not\n  %s" % (what, json.dumps(found), json.dumps(wanted)))


def kubectl(fleet, arguments):
    """The object that kubectl prints, {} if there is none."""
    return json.loads(fleet.get("kubectl %s -o json" % arguments) or "{}")


def apply_sample(fleet, arguments, name, **values):
    """kubectl apply of a sample with its placeholders filled: in <angle brackets>, or examples."""
    with open(SAMPLES + name, encoding="utf-8") as sample:
        text = sample.read()
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    text = re.sub(r"<([a-z-]+)>", lambda found: values[found.group(1).replace("-", "_")], text)
    fleet.run("kubectl %s apply -f -" % arguments, text)


def random_file(path, size=6 << 20):
    """Fills it, and returns what it holds."""
    data = os.urandom(size)
    with open(path, "r+b" if os.path.exists(path) else "wb") as file:
        file.write(data)
    return data


def volume_of(fleet, context, ns, claim):
    """Where the volume of a claim lies, once it is bound."""
    def path():
        volume = fleet.get("kubectl --context %s -n %s get pvc %s -o jsonpath={.spec.volumeName}"
                           % (context, ns, claim))
        return volume and fleet.get("kubectl --context %s get pv %s -o jsonpath="
                                    "{.spec.csi.volumeAttributes.path}" % (context, volume))
    until("the volume of %s" % claim, path)
    return path()


def policy_says(fleet, policy, words):
    """Whether what cls1 last said of a Policy contains all of the words."""
    said = fleet.get("kubectl --context hub -n cls1 get policy %s.%s -o jsonpath="
                     "{.status.details[*].history[0].message}" % (POLICIES, policy))
    return all(word in said for word in words)


class VirtualMachines:
    """acm-virt-backup.md on cls1."""

    def __init__(self, fleet, credentials):
        self.fleet = fleet
        self.credentials = credentials
        self.cluster = kubectl(fleet, "--context cls1 get namespace kube-system")["metadata"]["uid"]
        self.uids = {}
        self.disks = {}

    def make_vms(self):
        """The mission's VMs, then each with a disk and something on it."""
        self.fleet.run("kubectl --context cls1 create namespace vm1-ns")
        apply_sample(self.fleet, "--context cls1", "virtual-machines.yaml")
        for vm, ns in VMS.items():
            self.fleet.run("kubectl --context cls1 -n %s apply -f -" % ns, DISK % vm)
            self.fleet.run("kubectl --context cls1 -n %s patch vm %s --type merge -p '%s'"
                           % (ns, vm, SPEC % vm))
            self.uids[vm] = kubectl(self.fleet, "--context cls1 -n %s get vm %s" % (ns, vm))["metadata"]["uid"]
            if self.uids[vm] == vm + "uid":
                sys.exit("the uid that the sample gives was taken over")
            self.disks[vm] = random_file(volume_of(self.fleet, "cls1", ns, vm + "-disk"))

    def configure(self):
        """What the hub admin does: policies, ConfigMaps, Secret, label."""
        on_hub = "kubectl --context hub -n %s " % POLICIES
        self.fleet.run("kubectl --context hub create namespace " + POLICIES)
        self.fleet.run(on_hub + "apply -k virt")
        for name in ("acm-virt-config-14", "schedule-cron", "restore-config"):
            self.fleet.run(on_hub + "apply -f virt/%s.yaml" % name)
        self.fleet.run(on_hub + "create secret generic hub-secret --from-file=cloud=" + self.credentials)
        self.fleet.run("kubectl --context hub label managedcluster cls1 acm-virt-config=acm-virt-config-14")

    def check_install(self):
        """Copies, Secret, DataProtectionApplication, location."""
        until("the install policy", lambda: self.fleet.compliant("acm-dr-virt-install"))
        in_oadp = "--context cls1 -n oadp-ns get "
        on_hub = "--context hub -n %s get " % POLICIES
        for copy, original in (("acm-dr-virt-config--cls", "acm-virt-config-14"),
                               ("acm-dr-virt-schedule-cron--cls", "schedule-cron")):
            expect(copy, kubectl(self.fleet, in_oadp + "configmap " + copy)["data"],
                   kubectl(self.fleet, on_hub + "configmap " + original)["data"])
        expect("cloud-credentials", kubectl(self.fleet, in_oadp + "secret cloud-credentials")["data"],
               kubectl(self.fleet, on_hub + "secret hub-secret")["data"])
        spec = kubectl(self.fleet, in_oadp + "dpa dpa-hub")["spec"]
        expect("the DPA's configuration", spec["configuration"], {
            "nodeAgent": {"enable": True, "uploaderType": "kopia"},
            "velero": {"defaultPlugins": ["csi", "openshift", "kubevirt", "aws"],
                       "podConfig": {"resourceAllocations": {"limits": {"cpu": "2", "memory": "1Gi"},
                                                             "requests": {"cpu": "500m", "memory": "256Mi"}}}}})
        # Each writer has its own prefix: the one thing that differs from dpa_spec.
        expect("the DPA's locations", spec["backupLocations"], [{"velero": {
            "config": {"profile": "default", "region": "us-east-1"},
            "credential": {"key": "cloud", "name": "cloud-credentials"}, "default": True,
            "objectStorage": {"bucket": BUCKET, "prefix": "hub-a/" + self.cluster}, "provider": "aws"}}])
        expect("the location", kubectl(self.fleet, in_oadp + "bsl dpa-hub-1")["status"]["phase"], "Available")

    def check_schedule(self, name, cron_name, cron, vms):
        """A Schedule with every field that the mission documents, selectors aside."""
        until("Schedule " + name, lambda: kubectl(self.fleet, "--context cls1 -n oadp-ns get schedule " + name))
        schedule = kubectl(self.fleet, "--context cls1 -n oadp-ns get schedule " + name)
        expect("annotations", schedule["metadata"]["annotations"],
               {self.uids[vm]: VMS[vm] + "--" + vm for vm in vms})
        labels = schedule["metadata"]["labels"]
        expect("backup-cluster", labels["cluster.open-cluster-management.io/backup-cluster"], self.cluster)
        expect("type", labels["cluster.open-cluster-management.io/backup-schedule-type"], "kubevirt")
        template = schedule["spec"].pop("template")
        schedule["spec"].pop("useOwnerReferencesInBackup", None)
        expect("spec", schedule["spec"], {"paused": False, "schedule": cron, "skipImmediately": False})
        expect("namespaces", sorted(template.pop("includedNamespaces")), sorted({VMS[vm] for vm in vms}))
        expect("template", template, {
            "defaultVolumesToFsBackup": False, "includeClusterResources": True, "snapshotMoveData": True, "ttl": "24h",
            "labelSelector": {"matchExpressions": [{"key": LABEL, "operator": "In", "values": [cron_name]}]}})

    def check_labels(self):
        """A label that names no cron is a violation that names the VM."""
        def label(value):
            self.fleet.run("kubectl --context cls1 -n default label --overwrite vm vm3 %s=%s" % (LABEL, value))
        label("no_such_cron")
        until("a violation", lambda: policy_says(self.fleet, "acm-dr-virt-backup", ["NonCompliant", "default/vm3", "no_such_cron"]))
        label("daily_8am")
        self.fleet.run("kubectl --context hub -n %s patch configmap acm-virt-config-14 --type merge "
                       "-p '{\"data\": {\"passwordEscrowed\": \"true\"}}'" % POLICIES)
        until("the backup policy", lambda: self.fleet.compliant("acm-dr-virt-backup"))
        until("no restore requested", lambda: policy_says(
            self.fleet, "acm-dr-virt-restore", ["Compliant", "no restore requested"]))

    def set_cron(self, cron):
        """Of twice_a_day, as its admin would."""
        self.fleet.run("kubectl --context hub -n %s patch configmap schedule-cron --type merge "
                       "-p '{\"data\": {\"twice_a_day\": \"%s\"}}'" % (POLICIES, cron))

    def back_up(self):
        """The name of a Backup that holds vm1 and vm2."""
        done = []

        def completed():
            done[:] = [backup for backup in kubectl(self.fleet, "--context cls1 -n oadp-ns get backups")["items"]
                       if backup.get("status", {}).get("phase") == "Completed"]
            return done
        self.set_cron("@every 5s")
        until("a Backup", completed)
        self.set_cron("0 */12 * * *")
        metadata = done[0]["metadata"]
        if not re.fullmatch(r"acm-rho-virt-schedule-twice-a-day-\d{14}", metadata["name"]):
            sys.exit("a Backup is called " + metadata["name"])
        for vm in ("vm1", "vm2"):
            expect("who " + vm + " is", metadata["annotations"][self.uids[vm]], VMS[vm] + "--" + vm)
        if self.uids["vm3"] in metadata["annotations"]:
            sys.exit("vm3 is in a Backup of twice_a_day")
        uploads = kubectl(self.fleet, "--context cls1 -n oadp-ns get datauploads")["items"]
        if not any(upload.get("status", {}).get("phase") == "Completed" for upload in uploads):
            sys.exit("no DataUpload is Completed")
        return metadata["name"]

    def restore(self, backup):
        """Both VMs go with their disks, and come back by the sample."""
        old = {vm: self.uids[vm] for vm in ("vm1", "vm2")}
        self.fleet.run("kubectl --context cls1 delete namespace vm1-ns")
        self.fleet.run("kubectl --context cls1 -n default delete vm/vm2 pvc/vm2-disk")
        self.request("restore-config.yaml", backup, old)
        until("the Restore", lambda: kubectl(self.fleet, "--context cls1 -n oadp-ns get restore restore-new").get(
            "status", {}).get("phase") == "Completed")
        until("the restore policy", lambda: self.fleet.compliant("acm-dr-virt-restore"))
        for vm in old:
            expect("label of " + vm, kubectl(self.fleet, "--context cls1 -n %s get vm %s" % (VMS[vm], vm))[
                "metadata"]["labels"][LABEL], "twice_a_day")
            with open(volume_of(self.fleet, "cls1", VMS[vm], vm + "-disk"), "rb") as disk:
                if disk.read(len(self.disks[vm])) != self.disks[vm]:
                    sys.exit("the disk of %s differs" % vm)

    def request(self, sample, backup, uids, **more):
        """The restore ConfigMap of the mission with this fleet's ids and uids."""
        apply_sample(self.fleet, "--context hub -n " + POLICIES, sample,
                     **{"41965c15-1d7e-41c7-b038-ce09372d9ab9": self.cluster, "uid1": uids["vm1"],
                        "uid2": uids["vm2"], "acm-rho-virt-schedule-twice-a-day-20241211120055": backup}, **more)

    def remove(self):
        """Without its label the cluster loses what was made, and keeps its Backups."""
        self.fleet.run("kubectl --context hub label managedcluster cls1 acm-virt-config-")

    def check_removed(self):
        """Later: that is only believed after a minute."""
        kinds = "schedules,dpa,restores,configmaps,secrets"
        until("removal", lambda: kubectl(self.fleet, "--context cls1 -n oadp-ns get " + kinds).get("items") == [], 120)
        if not kubectl(self.fleet, "--context cls1 -n oadp-ns get backups")["items"]:
            sys.exit("the Backups went too")


class SnapshotMover:
    """volume-snapshot-mover.md on cls2."""

    def __init__(self, fleet, credentials):
        self.fleet = fleet
        self.credentials = credentials
        self.kubectl = "kubectl --context cls2 "
        self.data = b""

    def prepare(self):
        """Classes, an application, Secrets, a DPA; everything as in the mission."""
        self.fleet.run(self.kubectl + "apply -f %scluster.yaml" % SAMPLES)
        # "Make sure there is only one default of each."
        self.fleet.run(self.kubectl + "annotate storageclass sandbox-block storageclass.kubernetes.io/is-default-class-")
        for sample in ("volumesnapshotclass", "storageclass"):
            self.fleet.run(self.kubectl + "apply -f %s%s.yaml" % (SAMPLES, sample))
        self.fleet.run(self.kubectl + "apply -f %sstateful-application.yaml" % SAMPLES)
        folder = volume_of(self.fleet, "cls2", APPLICATION, "data-mysql-0")
        self.data = random_file(os.path.join(folder, "table.ibd"))
        for ns in ("openshift-adp", "dpa-openshift"):
            self.fleet.run(self.kubectl + "create namespace " + ns)
            self.fleet.run(self.kubectl + "-n %s create secret generic cloud-credentials --from-file=cloud=%s" % (ns, self.credentials))
            apply_sample(self.fleet, "--context cls2 -n " + ns, "restic-secret.yaml", secret_name="restic-secret")

    def make_dpa(self, name, ns):
        """A DPA of the mission that is Reconciled, with an Available location <name>-1."""
        apply_sample(self.fleet, "--context cls2", name + ".yaml", secret_name="restic-secret",
                     bucket_name=BUCKET, bucket_prefix=name)
        in_ns = "--context cls2 -n %s get " % ns
        until("DPA " + name, lambda: [c["status"] for c in kubectl(self.fleet, in_ns + "dpa " + name).get(
            "status", {}).get("conditions", []) if c["type"] == "Reconciled"] == ["True"])
        until("its location", lambda: kubectl(self.fleet, in_ns + "bsl %s-1" % name).get(
            "status", {}).get("phase") == "Available")

    def phases(self, kind):
        """As the mission's `oc get vsb <name> -n <app-ns> -ojsonpath` gives them."""
        names = self.fleet.get(self.kubectl + "get %s -n %s -o name" % (kind, APPLICATION)).split()
        return [self.fleet.get(self.kubectl + "get %s -n %s -ojsonpath='{.status.phase}'" % (name, APPLICATION))
                for name in names]

    def back_up(self):
        """The Backup sample; its volume goes by VolumeSnapshotBackup."""
        apply_sample(self.fleet, "--context cls2", "backup.yaml", backup_name="mysql-backup",
                     protected_ns="openshift-adp", app_ns=APPLICATION)
        until("the VolumeSnapshotBackup", lambda: self.phases("vsb") == ["Completed"])
        until("the Backup", lambda: self.fleet.get(
            self.kubectl + "get backup mysql-backup -n openshift-adp -ojsonpath='{.status.phase}'") == "Completed")

    def restore(self):
        """Namespace and snapshot contents go; the Restore sample brings everything back."""
        self.fleet.run(self.kubectl + "delete namespace " + APPLICATION)
        self.fleet.run(self.kubectl + "delete volumesnapshotcontents --all")
        apply_sample(self.fleet, "--context cls2", "restore.yaml", restore_name="mysql-restore",
                     protected_ns="openshift-adp", previous_backup_name="mysql-backup")
        until("the VolumeSnapshotRestore", lambda: self.phases("vsr") == ["Completed"])
        until("the Restore", lambda: self.fleet.get(
            self.kubectl + "get restore mysql-restore -n openshift-adp -ojsonpath='{.status.phase}'") == "Completed")
        folder = volume_of(self.fleet, "cls2", APPLICATION, "data-mysql-0")
        with open(os.path.join(folder, "table.ibd"), "rb") as table:
            if table.read() != self.data:
                sys.exit("the application's data differ")
        self.fleet.run(self.kubectl + "-n %s get statefulset/mysql service/mysql" % APPLICATION)
        expect("the route", self.fleet.get(self.kubectl + "get route todolist -n %s -ojsonpath='{.spec.host}'" % APPLICATION), "todolist.example.com")


def start_s3(folder):
    """A server with the mission's bucket; the credentials file that leads to it."""
    environment = dict(os.environ, S3_MORE_BUCKETS=BUCKET)
    subprocess.run(["tools/s3_server.sh", "start", folder], env=environment, check=True)
    with open(os.path.join(folder, "s3.env"), encoding="utf-8") as file:
        settings = dict(line.strip().split("=", 1) for line in file)
    path = os.path.join(folder, "cloud")
    with open(os.path.join(folder, "credentials"), encoding="utf-8") as keys, \
            open(path, "w", encoding="utf-8") as file:
        file.write(keys.read() + "endpoint_url=%s\n" % settings["S3_ENDPOINT"])
    return path


def run(fleet, credentials):
    """Both documents, from top to bottom."""
    began = time.monotonic()

    def say(what):
        print("%4.0f s  %s" % (time.monotonic() - began, what), flush=True)
    vms = VirtualMachines(fleet, credentials)
    mover = SnapshotMover(fleet, credentials)
    vms.make_vms()
    vms.configure()
    vms.check_install()
    say("acm-virt-config-14 is installed on cls1")
    vms.check_schedule("acm-rho-virt-schedule-twice-a-day", "twice_a_day", "0 */12 * * *", ["vm1", "vm2"])
    vms.check_schedule("acm-rho-virt-schedule-daily-8am", "daily_8am", "0 8 * * *", ["vm3"])
    vms.check_labels()
    say("schedules are as documented")
    backup = vms.back_up()
    say("Backup %s is Completed" % backup)
    vms.restore(backup)
    say("restore-config brought vm1 and vm2 back")
    vms.remove()
    mover.prepare()
    mover.make_dpa("velero-sample", "openshift-adp")
    mover.back_up()
    say("velero-sample: the application is in the bucket")
    mover.restore()
    say("and back")
    fleet.run("kubectl --context cls2 -n openshift-adp delete dpa velero-sample")
    mover.make_dpa("cephfs-dpa", "openshift-adp")
    mover.make_dpa("all-other-storage-dpa", "dpa-openshift")
    say("cephfs-dpa and all-other-storage-dpa are Reconciled")
    vms.check_removed()
    say("cls1 is as it was, but for its Backups")


def main():
    # Disks and the S3 server's data belong on a disk, not in memory.
    folder = tempfile.mkdtemp(prefix="breakwater-mission-", dir="/var/tmp")
    s3 = os.path.join(folder, "s3")
    fleet = Fleet(os.path.abspath(sys.argv[1]), folder)
    try:
        credentials = start_s3(s3)
        fleet.start()
        run(fleet, credentials)
    finally:
        fleet.stop()
        subprocess.run(["tools/s3_server.sh", "stop", s3], check=False)
        shutil.rmtree(folder)


main()
