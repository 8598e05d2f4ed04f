"""What keeps a fingerprint, and what makes another."""

import pytest
from msgspec import structs

from tests.webhook.check import inputs
from webhook.check import fingerprints

SAME: dict[str, dict[str, object]] = {
    "another line": {"line": 400, "column": 1},
    "another file": {"file": "moved.yaml"},
    "containers reordered": {"path": "spec.containers[3].securityContext.privileged"},
    "another mode": {"mode": "warn"},
    "another text": {"message": "x", "fix": "y", "allowed": "z"},
}
OTHER: dict[str, dict[str, object]] = {
    "another control": {"control": "seccomp"},
    "another object": {"name": "web2"},
    "another namespace": {"namespace": "other"},
    "another container": {"container": "sidecar"},
    "another field": {"path": "spec.containers[0].securityContext.procMount"},
    "another value": {"seen": "false"},
}


@pytest.mark.parametrize("changes", SAME.values(), ids=SAME.keys())
def test_edits_around_a_finding_keep_its_fingerprint(changes: dict[str, object]) -> None:
    """Else each edit would make everything new."""
    assert fingerprints.of(structs.replace(inputs.ROW, **changes)) == fingerprints.of(inputs.ROW)


@pytest.mark.parametrize("changes", OTHER.values(), ids=OTHER.keys())
def test_another_finding_has_another_fingerprint(changes: dict[str, object]) -> None:
    """Else a new finding would pass as a known one."""
    assert fingerprints.of(structs.replace(inputs.ROW, **changes)) != fingerprints.of(inputs.ROW)


def test_the_fingerprint_of_today_is_that_of_tomorrow() -> None:
    """Baselines lie in repositories for years: a change here needs a new schema of the baseline."""
    assert fingerprints.of(inputs.ROW) == "4d904790c6cbee01"
