"""Drives an API server with the official Python client: list, watch, resume, 410.

Usage: python_client.py KUBECONFIG MANY
MANY is more changes than the server's history keeps.
"""
import sys
import threading
import time

from kubernetes import client, config, dynamic, watch

NAMESPACE = "python"


def expect(condition, message):
    if not condition:
        raise SystemExit("failed: " + message)


def new_map(core, name, **data):
    body = client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name), data=data)
    return core.create_namespaced_config_map(NAMESPACE, body)


def crud(core, custom):
    core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=NAMESPACE)))
    new_map(core, "first", a="1")
    patched = core.patch_namespaced_config_map("first", NAMESPACE, {"data": {"b": "2"}})
    expect(patched.data == {"a": "1", "b": "2"}, "the patch merges")
    custom.create_namespaced_custom_object(
        "velero.io", "v1", NAMESPACE, "backups",
        {"apiVersion": "velero.io/v1", "kind": "Backup", "metadata": {"name": "b1"},
         "spec": {"ttl": "1h0m0s"}})
    found = custom.list_namespaced_custom_object("velero.io", "v1", NAMESPACE, "backups")
    expect([b["metadata"]["name"] for b in found["items"]] == ["b1"], "custom objects are listed")
    try:
        core.read_namespaced_config_map("nobody", NAMESPACE)
        expect(False, "an absent object is an error")
    except client.ApiException as error:
        expect(error.status == 404, "an absent object is a 404")
    status = custom.delete_namespaced_custom_object("velero.io", "v1", NAMESPACE, "backups", "b1")
    expect(status["status"] == "Success", "deletion succeeds")


def pages(core):
    for number in range(5):
        new_map(core, "page-%d" % number)
    names, token = [], None
    while True:
        page = core.list_namespaced_config_map(NAMESPACE, limit=2, _continue=token)
        names += [item.metadata.name for item in page.items]
        token = page.metadata._continue
        if not token:
            break
    expect([n for n in names if n.startswith("page-")] == ["page-%d" % n for n in range(5)],
           "pages make up the list: %s" % names)


def watch_and_resume(core):
    start = core.list_namespaced_config_map(NAMESPACE).metadata.resource_version

    def later():
        time.sleep(0.5)
        new_map(core, "watched-1")
        new_map(core, "watched-2")

    thread = threading.Thread(target=later)
    thread.start()
    stream = watch.Watch()
    resume = None
    for event in stream.stream(core.list_namespaced_config_map, NAMESPACE,
                               resource_version=start, timeout_seconds=20):
        if event["object"].metadata.name == "watched-1":
            expect(event["type"] == "ADDED", "a new object is ADDED")
            resume = event["object"].metadata.resource_version
            stream.stop()
    thread.join()
    names = []
    for event in watch.Watch().stream(core.list_namespaced_config_map, NAMESPACE,
                                      resource_version=resume, timeout_seconds=2):
        names.append(event["object"].metadata.name)
    expect(names == ["watched-2"], "a resumed watch goes on where it stopped: %s" % names)
    return start


def expired(core, old, many):
    for number in range(many):
        core.patch_namespaced_config_map("first", NAMESPACE, {"data": {"n": str(number)}})
    try:
        # Not through watch.Watch, which lists again by itself.
        response = core.list_namespaced_config_map(NAMESPACE, resource_version=old, watch=True,
                                                   timeout_seconds=5, _preload_content=False)
        text = response.read().decode()
        expect('"code":410' in text.replace(" ", ""), "an old version is 410: " + text[:200])
    except client.ApiException as error:
        expect(error.status == 410, "an old version is 410")
    seen = 0
    for _ in watch.Watch().stream(core.list_namespaced_config_map, NAMESPACE, timeout_seconds=1):
        seen += 1
    expect(seen >= 8, "a watch without version starts with everything")


def discovered(api):
    found = dynamic.DynamicClient(api)
    machines = found.resources.get(api_version="kubevirt.io/v1", kind="VirtualMachine")
    expect(machines.name == "virtualmachines", "discovery finds custom kinds")
    expect(len(machines.get(namespace=NAMESPACE).items) == 0, "and lists them")


def main():
    config.load_kube_config(sys.argv[1])
    api = client.ApiClient()
    core, custom = client.CoreV1Api(api), client.CustomObjectsApi(api)
    crud(core, custom)
    pages(core)
    old = watch_and_resume(core)
    expired(core, old, int(sys.argv[2]))
    discovered(api)
    print("python client: all well")


main()
