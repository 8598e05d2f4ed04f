"""What an installation would do, and the exclusions that follow."""

import msgspec

from tests.webhook.scan import pod_objects
from webhook.policy import guard
from webhook.scan import collect, gather, model, preflight

RULES = msgspec.structs.replace(pod_objects.RULES, preflight=True)
PLUGIN = {"spec": {"volumes": [{"name": "cni", "hostPath": {"path": "/opt/cni/bin"}}]}}
AGENT = {"container": pod_objects.PRIVILEGED, "metadata": pod_objects.owned("DaemonSet", "agent")}
UNSET_ROOT = {"container": {"securityContext": {"readOnlyRootFilesystem": None}}}
BAD = {"container": pod_objects.PRIVILEGED}


def scan(**namespaces: list[pod_objects.Json]) -> model.Scan:
    """A scan of namespaces (underscores for hyphens) with these pods."""
    found = []
    for key, pods in namespaces.items():
        name = key.replace("_", "-")
        gatherer = gather.Gatherer(name, guard.NamespaceKeys({"podseal.dev/mutate": "all"}), RULES)
        for number, pod in enumerate(pods):
            gatherer.add(pod_objects.pod(f"p{number}", name, **pod))
        found.append(gatherer.result())
    return collect.collect(found)


def test_each_namespace_tells_what_would_happen() -> None:
    """Denied, changed, or let in; kube-system is left out by the chart."""
    found = preflight.preflight(scan(kube_system=[BAD], shop=[BAD, UNSET_ROOT, {}], tidy=[{}], empty=[]))
    assert found.impacts == (
        preflight.Impact("kube-system", 1, 1, 0, exempt=True),
        preflight.Impact("shop", 3, 1, 1, exempt=False),
        preflight.Impact("tidy", 1, 0, 0, exempt=False),
    )


def test_namespaces_that_nodes_need_are_to_be_excluded() -> None:
    """By what their pods are, also where these would pass today; but for those that the chart always leaves out."""
    found = preflight.preflight(scan(kube_system=[PLUGIN], net=[PLUGIN], monitoring=[AGENT], shop=[BAD]))
    assert found.exempt_namespaces == ("net",)
    assert [(row.namespace, row.role.needed) for row in found.infrastructure] == [
        ("kube-system", True),
        ("monitoring", False),
        ("net", True),
    ]


def test_a_namespace_shared_with_others_is_marked() -> None:
    """Excluding it would let them out of podseal as well."""
    shared, alone = preflight.preflight(scan(mixed=[PLUGIN, BAD], net=[PLUGIN])).infrastructure
    assert (shared.namespace, shared.alone) == ("mixed", False)
    assert (alone.namespace, alone.alone) == ("net", True)


def test_a_cluster_without_infrastructure_needs_nothing() -> None:
    """No guesses."""
    found = preflight.preflight(scan(shop=[BAD]))
    assert found.infrastructure == ()
    assert found.exempt_namespaces == ()
