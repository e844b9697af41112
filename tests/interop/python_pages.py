"""Pages through many objects with the official Python client while they change.

Usage: python_pages.py KUBECONFIG COUNT HISTORY
The namespace "many" holds COUNT ConfigMaps, called m-00000 and so on. HISTORY is how many changes
the server remembers.
"""
import sys
import time

from kubernetes import client, config

NAMESPACE = "many"
LIMIT = 250


def expect(condition, message):
    if not condition:
        raise SystemExit("failed: " + message)


def all_pages(core, between=lambda page: None):
    """Names in order, resource versions of the pages, and what remainingItemCount said."""
    names, versions, token, number = [], set(), None, 0
    while True:
        page = core.list_namespaced_config_map(NAMESPACE, limit=LIMIT, _continue=token)
        expect(len(page.items) <= LIMIT, "a page keeps its limit")
        names += [item.metadata.name for item in page.items]
        versions.add(page.metadata.resource_version)
        token = page.metadata._continue
        if not token:
            return names, versions
        between(number)
        number += 1


def change(core, number):
    """Something before, in and after what has been read so far: none of it may show."""
    body = client.V1ConfigMap(metadata=client.V1ObjectMeta(name="a-%d" % number))
    core.create_namespaced_config_map(NAMESPACE, body)
    body = client.V1ConfigMap(metadata=client.V1ObjectMeta(name="z-%d" % number))
    core.create_namespaced_config_map(NAMESPACE, body)
    core.delete_namespaced_config_map("m-%05d" % (4 * LIMIT + number), NAMESPACE)


def main():
    config.load_kube_config(sys.argv[1])
    core = client.CoreV1Api(client.ApiClient())
    count, history = int(sys.argv[2]), int(sys.argv[3])
    before = ["m-%05d" % number for number in range(count)]

    started = time.monotonic()
    names, versions = all_pages(core)
    seconds = time.monotonic() - started
    expect(names == before, "the pages make up the list")
    expect(len(versions) == 1, "all pages are of one version")

    names, versions = all_pages(core, lambda number: change(core, number))
    expect(names == before, "what changes meanwhile does not show")
    expect(len(versions) == 1, "all pages are of one version")
    names, _ = all_pages(core)
    expect(len(names) == count + (count - 1) // LIMIT, "it shows in the next list")

    first = core.list_namespaced_config_map(NAMESPACE, limit=LIMIT)
    for number in range(history + 1):
        core.patch_namespaced_config_map("z-0", NAMESPACE, {"data": {"n": str(number)}})
    try:
        core.list_namespaced_config_map(NAMESPACE, limit=LIMIT, _continue=first.metadata._continue)
        expect(False, "a list that is too old goes on")
    except client.ApiException as error:
        expect(error.status == 410, "a list that is too old is 410, not %d" % error.status)
    started = time.monotonic()
    whole = core.list_namespaced_config_map(NAMESPACE)
    print("python client: %d objects in pages of %d in %.2f s, in one piece in %.2f s" %
          (count, LIMIT, seconds, time.monotonic() - started))
    expect(len(whole.items) == len(names), "without a limit everything comes at once")
    expect(seconds < 20, "%.1f s for %d objects" % (seconds, count))


main()
