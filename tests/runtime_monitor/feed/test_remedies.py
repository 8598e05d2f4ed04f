"""What would have prevented an alert of drift."""

from typing import Any

import msgspec
import pytest
import yaml

from runtime_monitor.alerts import Alert
from runtime_monitor.feed.remedies import remedy
from tests.runtime_monitor import generated
from webhook.policy import writable_paths

PLAIN = generated.alert(0)


def drift(**fields: Any) -> Alert:  # noqa: ANN401 -- output fields
    """An alert of drift; underscores stand for dots."""
    named = {name.replace("_", "."): value for name, value in fields.items()}
    base = {"k8s.ns.name": "shop", "container.name": "api", "drift.kind": "write", "fd.name": "/var/cache/app/x"}
    return msgspec.structs.replace(PLAIN, output_fields={**base, **named})


@pytest.mark.parametrize("kind", ["write", "attempt"])
def test_a_write_gets_a_volume(kind: str) -> None:
    """YAML that Kubernetes would take, and the annotation that the webhook reads."""
    found = remedy(drift(drift_kind=kind))
    assert found
    annotated, spec = found.text.split("# or:")[0], "# or:" + found.text.split("# or:")[1]
    asked = yaml.safe_load(annotated)["metadata"]["annotations"]["podseal.dev/writable-paths"]
    assert writable_paths.read(asked, ["api"])[1] == []
    pod = yaml.safe_load(spec)["spec"]
    (mount,), (volume,) = pod["containers"][0]["volumeMounts"], pod["volumes"]
    assert mount == {"name": volume["name"], "mountPath": "/var/cache/app"}
    assert volume["emptyDir"] == {"sizeLimit": "64Mi"}


POLICY = "kubectl label namespace shop podseal.dev/enforce=default --overwrite"
CASES = {
    "a program that is not of the image": (drift(drift_kind="exec"), POLICY),
    "an escape": (drift(drift_kind="escape"), POLICY),
    "a write where no volume belongs": (drift(fd_name="/usr/bin/x"), POLICY),
    "a write into the root": (drift(fd_name="/x"), POLICY),
    "a write whose path is hostile": (drift(fd_name="/a\nb: c/x"), POLICY),
    "a container without a name": (drift(container_name=None), POLICY),
    "no drift": (drift(drift_kind=None), None),
    "a namespace that is hostile": (drift(k8s_ns_name="a; rm -rf /"), None),
    "no namespace": (drift(k8s_ns_name=None), None),
}


@pytest.mark.parametrize("name", CASES)
def test_others(name: str) -> None:
    """The policy's line, or nothing."""
    alert, text = CASES[name]
    found = remedy(alert)
    assert (found.text if found else None) == text


@pytest.mark.parametrize("alert", generated.hostile(), ids=lambda alert: alert.id)
def test_nothing_hostile_is_ever_suggested(alert: Alert) -> None:
    """Its names are no names; its path is none for a volume."""
    assert remedy(msgspec.structs.replace(alert, output_fields={**alert.output_fields, "drift.kind": "write"})) is None
    named = {**alert.output_fields, "drift.kind": "write", "k8s.ns.name": "shop", "container.name": "api"}
    found = remedy(msgspec.structs.replace(alert, output_fields={**named, "fd.name": f"/var/{alert.output}/x"}))
    assert found
    assert "podseal.dev" in found.text
    assert all(letter == "\n" or letter.isprintable() for letter in found.text)
