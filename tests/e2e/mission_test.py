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


def configure(fleet, credentials):
    """What the hub admin does: policies, ConfigMaps, Secret, labels."""
    on_hub = "kubectl --context hub -n %s " % POLICIES
    fleet.run("kubectl --context hub create namespace " + POLICIES)
    fleet.run(on_hub + "apply -k virt")
    for name in ("acm-virt-config-14", "schedule-cron", "restore-config"):
        fleet.run(on_hub + "apply -f virt/%s.yaml" % name)
    fleet.run(on_hub + "create secret generic hub-secret --from-file=cloud=" + credentials)
    fleet.run("kubectl --context hub label managedcluster cls1 cls2 acm-virt-config=acm-virt-config-14")


def change_config(fleet, name, key, value):
    """One line of a ConfigMap on the hub, as its admin edits it."""
    fleet.run("kubectl --context hub -n %s patch configmap %s --type merge -p '%s'"
              % (POLICIES, name, json.dumps({"data": {key: value}})))


def request_restore(fleet, sample, values):
    """The restore ConfigMap of the mission with this fleet's ids and uids."""
    apply_sample(fleet, "--context hub -n " + POLICIES, sample, **values)


class VirtualMachines:
    """acm-virt-backup.md on one cluster."""

    def __init__(self, fleet, cluster):
        self.fleet = fleet
        self.cluster = cluster
        self.kubectl = "kubectl --context %s " % cluster
        system = kubectl(fleet, "--context %s get namespace kube-system" % cluster)
        self.id = system["metadata"]["uid"]
        self.uids = {}
        self.disks = {}

    def in_oadp(self, what):
        """What is in the engine's namespace."""
        return kubectl(self.fleet, "--context %s -n oadp-ns get %s" % (self.cluster, what))

    def vm(self, name):
        """A VirtualMachine."""
        return kubectl(self.fleet, "--context %s -n %s get vm %s" % (self.cluster, VMS[name], name))

    def policy_says(self, policy, *words):
        """Whether what the cluster last said of a Policy contains all of the words."""
        said = self.fleet.get("kubectl --context hub -n %s get policy %s.%s -o jsonpath="
                              "{.status.details[*].history[0].message}" % (self.cluster, POLICIES, policy))
        return all(word in said for word in words)

    def make_vms(self):
        """The mission's VMs, then each with a disk and something on it."""
        self.fleet.run(self.kubectl + "create namespace vm1-ns")
        apply_sample(self.fleet, "--context " + self.cluster, "virtual-machines.yaml")
        for vm, ns in VMS.items():
            self.fleet.run(self.kubectl + "-n %s apply -f -" % ns, DISK % vm)
            self.fleet.run(self.kubectl + "-n %s patch vm %s --type merge -p '%s'" % (ns, vm, SPEC % vm))
            self.uids[vm] = self.vm(vm)["metadata"]["uid"]
            if self.uids[vm] == vm + "uid":
                sys.exit("the uid that the sample gives was taken over")
            self.disks[vm] = random_file(volume_of(self.fleet, self.cluster, ns, vm + "-disk"))

    def check_install(self):
        """Copies, Secret, DataProtectionApplication, location."""
        on_hub = "--context hub -n %s get " % POLICIES
        for copy, original in (("acm-dr-virt-config--cls", "acm-virt-config-14"),
                               ("acm-dr-virt-schedule-cron--cls", "schedule-cron")):
            expect(copy, self.in_oadp("configmap " + copy)["data"],
                   kubectl(self.fleet, on_hub + "configmap " + original)["data"])
        expect("cloud-credentials", self.in_oadp("secret cloud-credentials")["data"],
               kubectl(self.fleet, on_hub + "secret hub-secret")["data"])
        spec = self.in_oadp("dpa dpa-hub")["spec"]
        resources = {"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "500m", "memory": "256Mi"}}
        expect("the DPA's configuration", spec["configuration"], {
            "nodeAgent": {"enable": True, "uploaderType": "kopia"},
            "velero": {"defaultPlugins": ["csi", "openshift", "kubevirt", "aws"],
                       "podConfig": {"resourceAllocations": resources}}})
        # Each writer has its own prefix: the one thing that differs from dpa_spec.
        expect("the DPA's locations", spec["backupLocations"], [{"velero": {
            "config": {"profile": "default", "region": "us-east-1"},
            "credential": {"key": "cloud", "name": "cloud-credentials"}, "default": True,
            "objectStorage": {"bucket": BUCKET, "prefix": "hub-a/" + self.id}, "provider": "aws"}}])
        expect("the location", self.in_oadp("bsl dpa-hub-1")["status"]["phase"], "Available")

    def check_schedule(self, cron_name, cron, vms):
        """A Schedule with every field that the mission documents, selectors aside."""
        name = "acm-rho-virt-schedule-" + cron_name.replace("_", "-")
        until("Schedule " + name, lambda: self.in_oadp("schedule " + name))
        schedule = self.in_oadp("schedule " + name)
        expect("annotations", schedule["metadata"]["annotations"],
               {self.uids[vm]: VMS[vm] + "--" + vm for vm in vms})
        labels = schedule["metadata"]["labels"]
        expect("cluster", labels["cluster.open-cluster-management.io/backup-cluster"], self.id)
        expect("type", labels["cluster.open-cluster-management.io/backup-schedule-type"], "kubevirt")
        template = schedule["spec"].pop("template")
        schedule["spec"].pop("useOwnerReferencesInBackup", None)
        expect("spec", schedule["spec"], {"paused": False, "schedule": cron, "skipImmediately": False})
        namespaces = template.pop("includedNamespaces")
        expect("namespaces", sorted(namespaces), sorted({VMS[vm] for vm in vms}))
        selector = {"matchExpressions": [{"key": LABEL, "operator": "In", "values": [cron_name]}]}
        expect("template", template, {
            "defaultVolumesToFsBackup": False, "includeClusterResources": True, "labelSelector": selector,
            "snapshotMoveData": True, "ttl": "24h"})

    def check_labels(self):
        """A label that names no cron is a violation that names the VM."""
        def label(value):
            self.fleet.run(self.kubectl + "-n default label --overwrite vm vm3 %s=%s" % (LABEL, value))

        def says(*words):
            until(" ".join(words), lambda: self.policy_says("acm-dr-virt-backup", *words))
        waiting = ("Pending", "default/vm3: NoBackupYet")
        says(*waiting)
        label("no_such_cron")
        says("NonCompliant; violation", "default/vm3", "no_such_cron")
        label("daily_8am")
        says(*waiting)
        expect("nothing to restore", self.policy_says(
            "acm-dr-virt-restore", "Compliant", "no restore is requested"), True)

    def completed_backup(self):
        """The oldest Backup of twice_a_day that is Completed, None while there is none."""
        for backup in self.in_oadp("backups").get("items", []):
            if backup.get("status", {}).get("phase") == "Completed":
                return backup["metadata"]
        return None

    def check_backup(self):
        """Its name, and that it holds vm1 and vm2 with their disks."""
        metadata = self.completed_backup()
        if not re.fullmatch(r"acm-rho-virt-schedule-twice-a-day-\d{14}", metadata["name"]):
            sys.exit("a Backup is called " + metadata["name"])
        for vm in ("vm1", "vm2"):
            expect("who " + vm + " is", metadata["annotations"][self.uids[vm]], VMS[vm] + "--" + vm)
        if self.uids["vm3"] in metadata["annotations"]:
            sys.exit("vm3 is in a Backup of twice_a_day")
        uploads = self.fleet.get(self.kubectl + "-n oadp-ns get datauploads -l velero.io/backup-name=%s "
                                 "-o jsonpath='{.items[*].status.phase}'" % metadata["name"])
        expect("the DataUploads", uploads, "Completed Completed")
        return metadata["name"]

    def destroy(self, *vms):
        """Deletes VMs with their disks."""
        for vm in vms:
            self.fleet.run(self.kubectl + "-n %s delete vm/%s pvc/%s-disk" % (VMS[vm], vm, vm))

    def check_restore(self, name, *vms):
        """A Restore by the policy, and what it brought back."""
        until("Restore " + name, lambda: self.in_oadp("restore " + name).get("status", {}).get(
            "phase") == "Completed")
        until("the restore policy", lambda: self.policy_says("acm-dr-virt-restore", "Compliant", "Completed"))
        for vm in vms:
            expect("label of " + vm, self.vm(vm)["metadata"]["labels"][LABEL], "twice_a_day")
            with open(volume_of(self.fleet, self.cluster, VMS[vm], vm + "-disk"), "rb") as disk:
                if disk.read(len(self.disks[vm])) != self.disks[vm]:
                    sys.exit("the disk of %s differs" % vm)

    def unlabel(self):
        """The cluster leaves the fleet of backups."""
        self.fleet.run("kubectl --context hub label managedcluster %s acm-virt-config-" % self.cluster)

    def check_removed(self):
        """Later, for that is only believed after a minute: all that was made, and Backups stay."""
        kinds = "schedules,dpa,restores,configmaps,secrets"
        until("removal", lambda: self.in_oadp(kinds).get("items") == [], 120)
        if self.completed_backup() is None:
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
        self.fleet.run(self.kubectl + "annotate storageclass sandbox-block "
                       "storageclass.kubernetes.io/is-default-class-")
        for sample in ("volumesnapshotclass", "storageclass"):
            self.fleet.run(self.kubectl + "apply -f %s%s.yaml" % (SAMPLES, sample))
        self.fleet.run(self.kubectl + "apply -f %sstateful-application.yaml" % SAMPLES)
        folder = volume_of(self.fleet, "cls2", APPLICATION, "data-mysql-0")
        self.data = random_file(os.path.join(folder, "table.ibd"))
        for ns in ("openshift-adp", "dpa-openshift"):
            self.fleet.run(self.kubectl + "create namespace " + ns)
            self.fleet.run(self.kubectl + "-n %s create secret generic cloud-credentials "
                           "--from-file=cloud=%s" % (ns, self.credentials))
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

    def check_bucket(self):
        """There is a snapshot in the object store, under the Secret's password; restic says so."""
        repository, snapshot = self.fleet.get(
            self.kubectl + "get vsb -n %s -ojsonpath='{.items[0].status.resticrepository}'" % APPLICATION).split("#")
        with open(self.credentials, encoding="utf-8") as file:
            keys = dict(line.strip().split("=", 1) for line in file if "=" in line)
        environment = dict(os.environ, RESTIC_PASSWORD="my-secure-restic-password", RESTIC_REPOSITORY=repository,
                           AWS_ACCESS_KEY_ID=keys["aws_access_key_id"],
                           AWS_SECRET_ACCESS_KEY=keys["aws_secret_access_key"])
        listed = subprocess.run(["restic", "--no-lock", "--no-cache", "ls", snapshot], env=environment,
                                stdout=subprocess.PIPE, check=True, text=True).stdout
        if "table.ibd" not in listed or BUCKET + "/velero-sample/restic/" not in repository:
            sys.exit("restic finds in %s:\n%s" % (repository, listed))

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
        expect("the route", self.fleet.get(self.kubectl + "get route todolist -n %s -ojsonpath="
                                           "'{.spec.host}'" % APPLICATION), "todolist.example.com")


def credentials_of(folder):
    """A credentials file as AWS's tools read it, that leads to the server."""
    with open(os.path.join(folder, "s3.env"), encoding="utf-8") as file:
        settings = dict(line.strip().split("=", 1) for line in file)
    path = os.path.join(folder, "cloud")
    with open(os.path.join(folder, "credentials"), encoding="utf-8") as keys:
        text = keys.read() + "endpoint_url=%s\n" % settings["S3_ENDPOINT"]
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def back_up_and_restore(fleet, first, second, say):
    """From the configured policies to VMs that are back; how the Backups are called."""
    until("the install policy", lambda: fleet.compliant("acm-dr-virt-install"))
    first.check_install()
    say("acm-virt-config-14 is installed")
    first.check_schedule("twice_a_day", "0 */12 * * *", ["vm1", "vm2"])
    first.check_schedule("daily_8am", "0 8 * * *", ["vm3"])
    # The sample does not say so, and the hub made a password up: that is a finding until then.
    change_config(fleet, "acm-virt-config-14", "passwordEscrowed", "true")
    first.check_labels()
    say("schedules are as documented")
    change_config(fleet, "schedule-cron", "twice_a_day", "@every 5s")
    until("Backups", lambda: first.completed_backup() and second.completed_backup())
    change_config(fleet, "schedule-cron", "twice_a_day", "0 */12 * * *")
    values = {"41965c15-1d7e-41c7-b038-ce09372d9ab9": first.id, "c2aed784-eb54-433c-a53d-b4bae248958c": second.id,
              "uid1": first.uids["vm1"], "uid2": first.uids["vm2"], "uid3": second.uids["vm2"],
              "acm-rho-virt-schedule-twice-a-day-20241211120055": first.check_backup(),
              "acm-rho-virt-schedule-twice-a-day-20241211120088": second.check_backup()}
    say("VMs are saved")
    first.destroy("vm1", "vm2")
    fleet.run("kubectl --context cls1 delete namespace vm1-ns")
    request_restore(fleet, "restore-config.yaml", values)
    first.check_restore("restore-new", "vm1", "vm2")
    return values


def run(fleet, s3, server, say):
    """Both documents, from top to bottom."""
    first, second = VirtualMachines(fleet, "cls1"), VirtualMachines(fleet, "cls2")
    first.make_vms()
    second.make_vms()
    if server.wait() != 0:
        sys.exit("no S3 server")
    configure(fleet, credentials_of(s3))
    say("configured")
    values = back_up_and_restore(fleet, first, second, say)
    say("restore-config: VMs of cls1 are back")
    first.unlabel()
    second.destroy("vm2")
    request_restore(fleet, "restore-config-two-clusters.yaml", values)
    second.check_restore("restore-new-2", "vm2")
    say("and one of cls2")
    mover = SnapshotMover(fleet, os.path.join(s3, "cloud"))
    mover.prepare()
    mover.make_dpa("velero-sample", "openshift-adp")
    mover.back_up()
    mover.check_bucket()
    say("velero-sample: the application is saved")
    mover.restore()
    say("and back")
    fleet.run("kubectl --context cls2 -n openshift-adp delete dpa velero-sample")
    mover.make_dpa("cephfs-dpa", "openshift-adp")
    mover.make_dpa("all-other-storage-dpa", "dpa-openshift")
    say("cephfs-dpa and all-other-storage-dpa are Reconciled")
    first.check_removed()
    say("cls1 has nothing but its Backups")


def explain(fleet):
    """What the policies and the clusters' objects say when the test ends early."""
    print(fleet.get("kubectl --context hub -n cls1 get policies -o jsonpath='{range .items[*]}{.metadata.name}: "
                    "{.status.details[*].history[0].message}{\"\\n\"}{end}'"))
    for context in ("cls1", "cls2"):
        kinds = "dpa,bsl,schedules,backups,restores,datauploads,datadownloads,vsb,vsr"
        print(fleet.get("kubectl --context %s get -A %s -o jsonpath='{range .items[*]}{.kind}/{.metadata.name}: "
                        "{.status}{\"\\n\"}{end}'" % (context, kinds)))


def main():
    began = time.monotonic()

    def say(what):
        print("%4.0f s  %s" % (time.monotonic() - began, what), flush=True)
    # Disks and the S3 server's data belong on a disk, not in memory.
    folder = tempfile.mkdtemp(prefix="breakwater-mission-", dir="/var/tmp")
    s3 = os.path.join(folder, "s3")
    fleet = Fleet(os.path.abspath(sys.argv[1]), folder)
    try:
        with subprocess.Popen(["tools/s3_server.sh", "start", s3],
                              env=dict(os.environ, S3_MORE_BUCKETS=BUCKET)) as server:
            fleet.start()
            run(fleet, s3, server, say)
    except SystemExit:
        explain(fleet)
        raise
    finally:
        fleet.stop()
        subprocess.run(["tools/s3_server.sh", "stop", s3], check=False)
        shutil.rmtree(folder)


main()
