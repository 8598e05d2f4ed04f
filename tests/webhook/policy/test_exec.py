"""The exec gate: which requests follow which label, and how a kubelet path is read."""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.policy import exec as exec_gate
from webhook.policy import model, pod

DENY_EXEC = model.Policy(exec="deny", connect="allow")
DENY_CONNECT = model.Policy(exec="allow", connect="deny")


def connect(kind: str, path: str = "") -> model.Subject:
    """A CONNECT of a kind."""
    return model.Subject(kind, operation="CONNECT", name="shop", connect=model.Connect(path=path))


@pytest.mark.parametrize(
    ("kind", "action", "follows"),
    [
        ("PodExecOptions", "exec", "exec"),
        ("PodAttachOptions", "attach", "exec"),
        ("PodPortForwardOptions", "port-forward", "connect"),
        ("PodProxyOptions", "pods/proxy", "connect"),
        ("ServiceProxyOptions", "services/proxy", "connect"),
        ("PodTeleportOptions", "PodTeleportOptions", "connect"),
    ],
)
def test_a_connect_follows_its_label(kind: str, action: str, follows: str) -> None:
    """Each kind is denied by its own label alone, and says what it was."""
    for policy, label in ((DENY_EXEC, "exec"), (DENY_CONNECT, "connect")):
        verdict = exec_gate.exec_gate(connect(kind), policy)
        assert verdict.action == action
        assert (verdict.gate == "deny") is (label == follows)
        assert (f"podseal.dev/{label} is deny" in verdict.reason) is (label == follows)


def test_record_is_told_from_allow() -> None:
    """The gate hands on what the label says."""
    assert exec_gate.exec_gate(connect("PodExecOptions"), model.Policy(exec="record")).gate == "record"


@pytest.mark.parametrize(
    ("path", "reads"),
    [
        ("/metrics", True),
        ("metrics/cadvisor", True),
        ("/pods", True),
        ("/pods/", True),
        ("/stats/summary", True),
        ("/healthz", True),
        ("/configz", True),
        ("", False),
        ("/", False),
        ("/run/shop/web/app", False),
        ("/exec/shop/web/app?command=sh", False),
        ("/metrics/../run/shop/web/app", False),
        ("/metrics/%2e%2e/run/shop/web/app", False),
        ("/metrics/%252e%252e/run/shop/web/app", False),
        ("//run/shop", False),
        ("/./run", False),
        ("/run/../metrics", True),
        ("/%72un/shop", False),
        ("/metricsx", False),
        ("/METRICS", False),
        ("/metrics\\..\\run", False),
        ("/metrics\x00/run", False),
        ("/containerLogs/shop/web/app", False),
        ("/logs/", False),
        ("/debug/pprof/", False),
    ],
)
def test_a_kubelet_path_is_cleaned_before_it_is_judged(path: str, *, reads: bool) -> None:
    """The spellings seen on a live API server, and their kin."""
    assert exec_gate.only_reads(path) is reads
    verdict = exec_gate.exec_gate(connect("NodeProxyOptions", path), model.Policy())
    assert verdict.gate == ("allow" if reads else "deny")


@given(
    st.lists(st.sampled_from(["metrics", "run", "exec", "..", ".", "", "%2e%2e", "%2f", "%252e", "pods"]), max_size=8)
)
def test_what_passes_means_the_same_to_the_api_server(segments: list[str]) -> None:
    """A path that passes, decoded and cleaned as the API server does it, starts with a segment that only reads."""
    path = "/" + "/".join(segments)
    if exec_gate.only_reads(path):
        first = os.path.normpath(unquote(path).replace("//", "/")).strip("/").split("/")[0]
        assert first in exec_gate.READING_PATHS


@pytest.mark.parametrize(
    ("name", "node"), [("node1", "node1"), ("https:node1:10250", "node1"), ("node1:10250", "node1"), ("", "")]
)
def test_a_proxy_target_is_unwrapped(name: str, node: str) -> None:
    """scheme:node:port, node:port and node all name the node."""
    assert exec_gate.node_name(name) == node


@pytest.mark.parametrize(
    ("file", "action"),
    [
        ("update-pods-ephemeralcontainers.json", "debug"),
        ("update-pods.json", "image change"),
        ("update-pods-2.json", ""),
        ("update-pods-3.json", ""),
        ("update-pods-status.json", ""),
        ("create-pods.json", ""),
        ("delete-pods.json", ""),
    ],
)
def test_code_may_come_without_an_exec(file: str, action: str) -> None:
    """Among the captured requests, those that bring code into a running pod are named."""
    request: dict[str, Any] = json.loads((Path(__file__).parents[2] / "data" / "reviews" / file).read_text())["request"]
    old, new = (msgspec.convert(request[key], pod.Pod) if request[key] else None for key in ("oldObject", "object"))
    subject = model.Subject(
        "Pod", request["operation"], request.get("subResource", ""), name="shop", pod=new, old_pod=old
    )
    verdict = exec_gate.exec_gate(subject, DENY_EXEC)
    assert verdict.action == action
    assert (verdict.gate == "deny") is bool(action)
