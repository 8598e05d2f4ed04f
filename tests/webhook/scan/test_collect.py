"""Everything together, with a bound."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.webhook.scan import pod_objects
from webhook.policy import guard
from webhook.scan import collect, gather, infrastructure, model


def namespace(name: str, bad: int = 1, clean: int = 0) -> model.Namespace:
    """A namespace of bare pods."""
    gatherer = gather.Gatherer(name, guard.NamespaceKeys(), pod_objects.RULES)
    for number in range(bad + clean):
        container = pod_objects.PRIVILEGED if number < bad else {}
        gatherer.add(pod_objects.pod(f"{name}-{number}", name, container=container))
    return gatherer.result()


ROWS = len(namespace("shop").owners[0].rows)


def test_namespaces_stand_in_order_of_name() -> None:
    """The API server's order differs: its keys end in a slash."""
    scan = collect.collect([namespace("shop-db"), namespace("shop")])
    assert [each.name for each in scan.namespaces] == ["shop", "shop-db"]


def test_owners_of_whom_nothing_is_to_be_told_are_counted_only() -> None:
    """What is clean takes no memory."""
    scan = collect.collect([namespace("shop", bad=1, clean=4)])
    assert len(scan.owners) == 1
    assert (scan.counts.owners, scan.counts.pods) == (5, 5)


def test_infrastructure_is_kept_though_it_is_clean() -> None:
    """The preflight tells of it."""
    role = infrastructure.Role(infrastructure.DNS, needed=True, reason="runs the image coredns")
    found = namespace("shop", bad=0, clean=1)
    owners = tuple(msgspec.structs.replace(owner, role=role) for owner in found.owners)
    assert collect.collect([msgspec.structs.replace(found, owners=owners)]).owners == owners


@given(st.lists(st.integers(0, 3), max_size=4), st.integers(0, 4 * ROWS))
def test_what_is_kept_and_what_is_cut_is_everything(sizes: list[int], most: int) -> None:
    """Whatever the bound, the counts are those of all."""
    found = [namespace(f"n{number}", bad) for number, bad in enumerate(sizes)]
    scan = collect.collect(found, most)
    assert len(scan.rows) + len(scan.waived) == min(most, sum(sizes) * ROWS)
    assert scan.counts.cut == sum(sizes) * ROWS - len(scan.rows)
    whole = collect.collect(found).counts
    assert (scan.counts.deny, scan.counts.warn, scan.counts.pods) == (whole.deny, whole.warn, whole.pods)
