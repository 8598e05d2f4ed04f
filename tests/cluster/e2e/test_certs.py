"""podseal-certs on a real API server: what its double in tests/certs assumes, and what only a real one shows."""

import base64
import collections.abc
import json
import pathlib
import signal
from typing import Any

import pytest

from certs import authority, layout, model, pem
from certs.commands import options
from tests.cluster import beds, manifests, waiting
from tests.cluster.e2e.certs_sites import RULE, SECRET, SETTLE, Load, Loop, Site, installed, looping

LIFE = model.Wishes().leaf_life


@pytest.fixture
def site(bed: beds.Bed, namespace: str, tmp_path: pathlib.Path) -> collections.abc.Iterator[Site]:
    """An installation before its first pass: rights, two webhook configurations, a webhook that runs."""
    with installed(bed, namespace, tmp_path) as site:
        yield site


@pytest.fixture
def served(site: Site) -> Site:
    """An installation whose webhook answers."""
    site.run_once()
    site.hooks.serve(site.pair())
    waiting.until(lambda: site.created().returncode == 0, "the API server to see the caBundles")
    return site


def test_first_pass_makes_the_webhook_work(site: Site) -> None:
    """Before it the API server cannot ask the webhook, after it it does; `status` finds nothing wrong."""
    stranger = authority.make_authority(options.clock(), LIFE)
    site.hooks.serve_pair(authority.make_leaf(options.clock(), LIFE, ("127.0.0.1",), stranger))
    assert "failed calling webhook" in site.created().stderr
    site.run_once()
    site.hooks.serve(site.pair())

    waiting.until(lambda: site.created().returncode == 0, "the API server to see the caBundles")

    assert site.hooks.asked
    assert site.certs("status").exit_code == 0
    assert site.certs("run", "--once", "--ip", "127.0.0.1").stdout == ""


def test_only_cabundles_are_claimed(served: Site) -> None:
    """The API server's record gives podseal-certs the caBundles, and leaves the rest to the GitOps tool."""
    for kind, names in (("validating", ("a", "b")), ("mutating", ("a",))):
        managers = {
            entry["manager"]: entry["fieldsV1"] for entry in served.configuration(kind)["metadata"]["managedFields"]
        }
        claimed: dict[str, Any] = {"f:clientConfig": {"f:caBundle": {}}}
        entries = {f'k:{{"name":"{name}.podseal.dev"}}': claimed for name in names}
        assert managers["podseal-certs"] == {"f:webhooks": entries}


def test_gitops_tool_sees_no_difference(served: Site) -> None:
    """Its manifest without caBundle differs in nothing, and applying it again leaves the caBundles."""
    arguments = ("diff", "--server-side", "--field-manager=gitops", "-f", "-")
    shown = served.bed.kubectl("admin", *arguments, stdin=served.manifest())
    assert (shown.returncode, shown.stdout) == (0, "")

    assert served.apply(served.manifest()).returncode == 0

    assert served.published()


def test_gitops_tool_is_told_of_the_conflict(served: Site) -> None:
    """A manifest with a caBundle of its own is refused, unless it is forced; then the next pass restores it."""
    overwriting = served.manifest(client={"caBundle": ""})
    assert 'conflicts with "podseal-certs"' in served.apply(overwriting).stderr
    assert served.apply(overwriting, "--force-conflicts").returncode == 0
    assert not served.published()

    served.run_once()

    assert served.published()


def test_gitops_tool_removes_a_webhook(served: Site) -> None:
    """The entry goes, with the caBundle that podseal-certs set: nothing of it is held back."""
    done = served.apply(served.manifest(names=("a",)))

    assert done.returncode == 0, done.stderr
    assert [one["name"] for one in served.configuration()["webhooks"]] == ["a.podseal.dev"]
    served.run_once()
    assert served.published()


def test_overwritten_bundles_are_restored_by_the_loop(served: Site) -> None:
    """Within one of its intervals, without anybody's doing."""
    with looping(served) as running:
        running.until_it_says("works")
        assert served.apply(served.manifest(client={"caBundle": ""}), "--force-conflicts").returncode == 0
        running.until_it_says("published the authorities")

    assert served.published()


def test_change_of_authority_fails_no_request(served: Site) -> None:
    """Staged, promoted, dropped under load, while old and new certificates are served side by side."""
    rotate = ("rotate", "--ca", *SETTLE)
    old = served.pair()
    with Load(served) as load:
        load.more()
        assert served.certs(*rotate).exit_code == 0
        assert [len(bundle) for bundle in served.bundles()] == [2, 2, 2]
        waiting.until(lambda: served.certs(*rotate).exit_code == 0, "the promotion")
        assert served.pair() != old
        served.hooks.serve(old, served.pair())
        load.more()
        assert served.certs("rotate").exit_code == 0
        served.hooks.serve(old, served.pair())
        load.more()
        served.hooks.serve(served.pair())
        waiting.until(lambda: served.certs(*rotate).exit_code == 0, "the end of the old authority")
        load.more()

    assert load.failures == []
    assert [len(bundle) for bundle in served.bundles()] == [1, 1, 1]
    assert served.published()


def test_deleted_secret_fails_no_request(served: Site) -> None:
    """Webhooks serve on what they have mounted; the new certificate is verified before and after they read it."""
    old = served.pair()
    with Load(served) as load:
        served.bed.admin("delete", "secret", SECRET, "-n", served.namespace)
        load.more()
        served.run_once()
        load.more()
        served.hooks.serve(old, served.pair())
        load.more()

    assert load.failures == []
    assert served.published()
    assert [len(bundle) for bundle in served.bundles()] == [2, 2, 2]


def test_two_replicas_at_once_end_with_one_result(site: Site) -> None:
    """Both start with nothing, without a Lease; and both again with a Secret that is gone."""
    for _ in range(2):
        both = [site.process("run", "--once", "--ip", "127.0.0.1") for _ in range(2)]
        assert [(process.communicate(timeout=60)[1], process.returncode) for process in both] == [("", 0)] * 2
        assert site.published()
        assert layout.decode(site.items()).problems == ()
        site.bed.admin("delete", "secret", SECRET, "-n", site.namespace)


def test_only_the_mounted_items_reach_a_pod(served: Site) -> None:
    """A volume with `items` shows a matching pair and no authority's key, and follows a renewal in one switch."""
    items = [{"key": name, "path": name} for name in ("tls.crt", "tls.key", "ca.crt")]
    container = manifests.container(volumeMounts=[{"name": "tls", "mountPath": "/tls"}])
    pod = manifests.pod("p", container, volumes=[{"name": "tls", "secret": {"secretName": SECRET, "items": items}}])
    served.bed.apply(pod | {"metadata": {"name": "p", "namespace": served.namespace}})
    served.bed.admin("wait", "--for=condition=Ready", "pod/p", "-n", served.namespace, "--timeout=60s")

    def mounted(command: str) -> str:
        return served.bed.admin("exec", "p", "-n", served.namespace, "--", "sh", "-c", command)

    assert mounted("cat /tls/..data/tls.crt").encode() == served.pair()[0]
    assert sorted(mounted("ls /tls").split()) == ["ca.crt", "tls.crt", "tls.key"]
    assert served.certs("rotate").exit_code == 0
    # The kubelet looks again when a pod changes, and else once a minute.
    served.bed.admin("annotate", "pod", "p", "-n", served.namespace, "looked=again")

    def follows() -> bool:
        # The folder is resolved once, as by a reader that wants one generation; it may go away under the reader.
        shown = mounted("cd -P /tls/..data; cat tls.crt; echo '#'; cat tls.key; true")
        certificate, _, key = shown.partition("#\n")
        if not certificate or not key:
            return False
        assert pem.key_matches(pem.certificates(certificate.encode())[0], key.encode())
        return certificate.encode() == served.pair()[0]

    waiting.until(follows, "the kubelet to bring the new certificate", seconds=150.0)


def test_empty_secret_of_the_tls_type_is_filled(site: Site) -> None:
    """The API server refuses this type without tls.crt and tls.key, also for the moment before they are made."""
    empty = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "data": {"tls.crt": "", "tls.key": ""}}
    site.bed.apply(empty | {"metadata": {"name": SECRET, "namespace": site.namespace}})

    site.run_once()

    assert site.state().leaf is not None
    assert site.published()


@pytest.mark.parametrize(
    ("kind", "resource", "verbs"),
    [
        ("role", "secrets", ["patch", "create"]),
        ("role", "secrets", ["get"]),
        ("clusterrole", "validatingwebhookconfigurations", ["get"]),
        ("clusterrole", "mutatingwebhookconfigurations", ["patch"]),
    ],
)
def test_missing_right_is_named(site: Site, kind: str, resource: str, verbs: list[str]) -> None:
    """One line with verb, resource and name; with the rule that it asks for added again, the pass succeeds."""
    name = site.name if kind == "clusterrole" else "podseal-certs"
    where = (kind, name, "-n", site.namespace)
    role = json.loads(site.bed.admin("get", *where, "-o", "json"))
    whole = role["rules"]
    lacking = [rule | {"verbs": [verb for verb in rule["verbs"] if verb not in verbs]} for rule in whole]
    untouched = [rule | {"resources": [one for one in rule["resources"] if one != resource]} for rule in whole]
    restricted = [
        rule | {"resources": [resource]} for rule in lacking if resource in rule["resources"] and rule["verbs"]
    ]
    site.bed.admin("patch", *where, "--type=merge", "-p", json.dumps({"rules": _filled(untouched) + restricted}))
    waiting.until(lambda: site.certs("run", "--once", "--ip", "127.0.0.1").exit_code == 1, "the right to be gone")

    said = site.certs("run", "--once", "--ip", "127.0.0.1").stderr
    assert said.count("\n") == 1
    words = ", ".join(f'"{verb}"' for verb in verbs)
    target = SECRET if resource == "secrets" else site.name
    assert f'resources: ["{resource}"], resourceNames: ["{target}"], verbs: [{words}]' in said
    assert f'User "system:serviceaccount:{site.namespace}:podseal-certs"' in said
    if resource == "secrets":
        assert site.bundles() == [set()] * 3

    site.bed.admin("patch", *where, "--type=merge", "-p", json.dumps({"rules": whole}))
    waiting.until(lambda: site.certs("run", "--once", "--ip", "127.0.0.1").exit_code == 0, "the right to be back")
    assert site.published()


def _filled(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rules that still name a resource: the API server refuses others."""
    return [rule for rule in rules if rule["resources"]]


def test_standby_takes_over(served: Site) -> None:
    """Of two loops one works; when it ends the other does, at once after SIGTERM and after a while after SIGKILL."""
    first = Loop(served)
    first.until_it_says("works")
    with looping(served) as second:
        second.until_it_says("waits, another replica holds the Lease")
        assert first.end(signal.SIGTERM) == 0
        second.until_it_says("works")
        third = Loop(served)
        third.until_it_says("waits, another replica holds the Lease")
    third.until_it_says("works")
    fourth = Loop(served)
    fourth.until_it_says("waits, another replica holds the Lease")
    third.end(signal.SIGKILL)
    fourth.until_it_says("works")
    assert fourth.end(signal.SIGTERM) == 0
    assert fourth.lease("holderIdentity") == ""
    assert fourth.lease("leaseTransitions") == "3"


def test_api_server_restarts(served: Site) -> None:
    """The loop says that it failed, and recovers by itself."""
    with looping(served) as running:
        running.until_it_says("works")
        served.bed.stop_api_server()
        running.until_it_says("failed, will be tried again")
        served.bed.start_api_server()
        running.until_it_says("has recovered")
    assert served.published()


@pytest.mark.parametrize("user", ["viewer", "stranger"])
def test_people_without_rights_change_nothing(served: Site, user: str) -> None:
    """A kubeconfig that may not read the Secret gets one line, and nothing happens."""
    before = served.items(), served.bundles()

    for command in (("rotate",), ("status",), ("run", "--once", "--ip", "127.0.0.1")):
        done = served.certs(*command, user=user)
        assert done.exit_code == 1
        assert f'User "{user}" cannot get resource' in done.stderr
        assert done.stderr.count("\n") == 1

    assert (served.items(), served.bundles()) == before


def test_cert_manager_secret_is_only_published(site: Site) -> None:
    """tls.crt, tls.key and ca.crt by somebody else: published, overlapping with the one before, never written."""
    now = options.clock()
    signers = [authority.make_authority(now, LIFE) for _ in range(2)]
    for count, signer in enumerate(signers, start=1):
        leaf = authority.make_leaf(now, LIFE, ("127.0.0.1",), signer)
        items = {"tls.crt": leaf.certificate.pem, "tls.key": leaf.key, "ca.crt": signer.certificate.pem}
        data = {name: base64.b64encode(content).decode() for name, content in items.items()}
        secret = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "data": data}
        site.bed.apply(secret | {"metadata": {"name": SECRET, "namespace": site.namespace}})
        assert site.certs("run", "--once", "--publish-only").exit_code == 0
        assert site.items() == items
        assert site.bundles() == [{one.certificate.fingerprint for one in signers[:count]}] * 3
    site.hooks.serve(site.pair())
    waiting.until(lambda: site.created().returncode == 0, "the API server to see the caBundles")


def test_webhook_is_registered_when_it_answers(site: Site) -> None:
    """Without rules nobody is asked; they come from the annotation with the webhook's first answer, and go again."""
    rules = json.dumps({"a.podseal.dev": [RULE]})
    bare: dict[str, Any] = {"annotations": {"podseal.dev/rules": rules}, "rules": False, "names": ("a",)}
    assert site.apply(site.manifest(**bare)).returncode == 0
    site.bed.admin("delete", "mutatingwebhookconfiguration", site.name)
    with looping(site) as running:
        running.until_it_says("waits for a webhook")
        assert site.created().returncode == 0
        assert not site.hooks.asked
        site.hooks.serve(site.pair())
        running.until_it_says("registered")
        waiting.until(lambda: site.created().returncode == 0 and _guards(site), "the API server to see the rules")
        assert site.apply(site.manifest(**bare)).returncode == 0  # an upgrade that changes nothing
        assert site.configuration()["webhooks"][0]["rules"] == [RULE]

        site.withdraw()
        assert "rules" not in site.configuration()["webhooks"][0]
        running.passes(2)
        assert "rules" not in site.configuration()["webhooks"][0]
        assert site.apply(site.manifest(**bare)).returncode == 0  # the uninstallation failed, an upgrade repairs it
        running.until_it_says("registered")
    assert site.configuration()["webhooks"][0]["rules"] == [RULE]


def _guards(site: Site) -> bool:
    return any(review["request"]["operation"] == "CREATE" for review in site.hooks.asked)
