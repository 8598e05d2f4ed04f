"""A waiver's whole life by real kubectl, on what the chart renders: granted, used, ended; and floors under labels."""

import datetime as dt
import secrets
import sys
from collections.abc import Iterator

import pytest

from tests.cluster import beds, waiting
from tests.cluster.e2e import installation, objects

FLOORED = "floored"
VALUES = {"policy": {"floors": [{"namespaces": [f"{FLOORED}-*"], "enforce": "default", "exec": "deny"}]}}
LABEL = "podseal.dev/exempt.privileged"
DAYS = 30
LAST_DAY = (dt.datetime.now(dt.UTC) + dt.timedelta(days=DAYS)).date().isoformat()


@pytest.fixture(scope="module")
def floors(bed: beds.Bed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[installation.Installation]:
    """Podseal with a floor under the namespaces of some names."""
    with installation.install(bed, tmp_path_factory.mktemp("floors"), VALUES) as installed:
        yield installed


@pytest.fixture
def floored(floors: installation.Installation) -> Iterator[str]:
    """A namespace over a floor, with a pod that runs."""
    name = f"{FLOORED}-{secrets.token_hex(4)}"
    floors.bed.create_namespace(name)
    objects.create(floors.bed, name, objects.sealed("shop")).check_returncode()
    floors.bed.admin("wait", "--for=condition=Ready", "pod/shop", "--namespace", name, "--timeout=60s")
    yield name
    floors.bed.delete_namespace(name)


def grant(bed: beds.Bed, namespace: str, *labels: str) -> None:
    """Set labels as who may."""
    bed.kubectl("granter", "label", "namespace", namespace, "--overwrite", *labels).check_returncode()


def privileged(bed: beds.Bed, namespace: str) -> str:
    """What is said to a developer's privileged pod, empty where it may come."""
    said = objects.create(bed, namespace, objects.with_context("job", privileged=True), "--dry-run=server")
    return said.stderr if said.returncode else ""


def test_a_waiver_is_granted_used_and_ends(floors: installation.Installation, namespace: str) -> None:
    """It holds from the moment somebody with the right sets it, through its last day, and not on the day after."""
    bed = floors.bed
    assert "[privileged]" in privileged(bed, namespace)
    refused = bed.kubectl("labeller", "label", "namespace", namespace, f"{LABEL}={LAST_DAY}")
    assert "exemptions.podseal.dev/privileged" in refused.stderr
    assert "[privileged]" in privileged(bed, namespace)
    grant(bed, namespace, f"{LABEL}={LAST_DAY}")
    waiting.until(lambda: not any(privileged(bed, namespace) for _ in range(4)), "the waiver")
    for days, expected in ((DAYS, ""), (DAYS + 1, "[privileged]")):
        today = list(floors.replicas)
        floors.add_replica(sys.executable, "-m", "tests.cluster.e2e.later", str(days))
        for replica in today:
            floors.retire(replica)
        said = privileged(bed, namespace)
        assert said == "" if not expected else expected in said, (days, said)
    floors.add_replica()
    floors.retire(floors.replicas[0])


def test_before_its_end_it_is_told_to_whoever_deploys(floors: installation.Installation, namespace: str) -> None:
    """A waiver that ends within two weeks is warned of when it is used."""
    soon = (dt.datetime.now(dt.UTC) + dt.timedelta(days=5)).date().isoformat()
    grant(floors.bed, namespace, f"{LABEL}={soon}")
    waiting.until(lambda: not any(privileged(floors.bed, namespace) for _ in range(4)), "the waiver")
    pod = objects.with_context("job", privileged=True)
    assert soon in objects.create(floors.bed, namespace, pod, "--dry-run=server").stderr


def test_no_label_goes_below_a_floor(floors: installation.Installation, floored: str) -> None:
    """Whoever holds every right still cannot loosen what the settings hold up, and is told so."""
    bed = floors.bed
    grant(bed, floored, f"{LABEL}={LAST_DAY}", "podseal.dev/enforce=off", "podseal.dev/exec=allow")
    for _ in range(4):
        said = privileged(bed, floored)
        assert "[privileged]" in said
    waiting.until(lambda: "floor" in privileged(bed, floored), "the warning about the labels")
    refused = bed.kubectl("dev", "exec", "shop", "--namespace", floored, "--", "true")
    assert "exec refused" in refused.stderr


def test_a_namespace_made_anew_gains_nothing_against_a_floor(floors: installation.Installation, floored: str) -> None:
    """Deleted and created again with the loosest labels: the name is what the floor goes by."""
    bed = floors.bed
    bed.delete_namespace(floored)
    waiting.until(lambda: not bed.admin("get", "namespace", floored, "--ignore-not-found"), "the deletion")
    bed.create_namespace(floored, {"podseal.dev/enforce": "off", "podseal.dev/exec": "allow", LABEL: LAST_DAY})
    assert "[privileged]" in privileged(bed, floored)
    objects.create(bed, floored, objects.sealed("shop")).check_returncode()
    bed.admin("wait", "--for=condition=Ready", "pod/shop", "--namespace", floored, "--timeout=60s")
    assert "exec refused" in bed.kubectl("dev", "exec", "shop", "--namespace", floored, "--", "true").stderr


def test_a_floor_that_denies_fails_closed(floors: installation.Installation, floored: str) -> None:
    """With podseal gone nobody gets in, although the label allows it; namespaces of other names are open."""
    bed = floors.bed
    grant(bed, floored, "podseal.dev/exec=allow")
    for replica in tuple(floors.replicas):
        floors.forget(replica)
    try:
        said = bed.kubectl("admin", "exec", "shop", "--namespace", floored, "--", "true").stderr
        assert 'failed calling webhook "exec-floor.podseal.dev"' in said
    finally:
        floors.add_replica()


def test_without_its_rights_the_webhook_says_which_rule_is_missing(floors: installation.Installation) -> None:
    """Its log names verb, resource and group, and it serves on."""
    bed = floors.bed
    role = "clusterrolebinding/podseal-webhook"
    saved = bed.admin("get", role, "-o", "json")
    bed.admin("delete", role)
    try:
        replica = floors.add_replica()
        wanted = 'cannot list resource "namespaces" in API group "" at the cluster scope'
        waiting.until(lambda: any(wanted in str(line["message"]) for line in replica.server.log), "the missing rule")
        assert replica.server.is_ready()
        floors.retire(replica)
    finally:
        bed.admin("create", "-f", "-", stdin=saved)
