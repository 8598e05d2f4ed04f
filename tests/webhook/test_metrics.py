"""Metrics: what one process counts, and what many leave behind. The many are real processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from webhook import metrics
from webhook.policy import model

WORKER = """
import json, os, sys
from webhook import metrics
from webhook.policy import model
requests = metrics.Requests()
pids = []
for end in (3000.0, 2000.0):
    pid = os.fork()
    if not pid:
        metrics.Certificate().loaded(end)
        requests.answered("validate", "denied", 0.0003)
        os._exit(0)
    os.waitpid(pid, 0)
    pids.append(pid)
def value(name):
    text = metrics.render(os.environ["PROMETHEUS_MULTIPROC_DIR"], {"ready": 1}).decode()
    return [line.split()[1] for line in text.splitlines() if line.startswith(name)]
seen = [value("podseal_certificate_not_after"), value("podseal_requests_total"), value("podseal_workers")]
metrics.forget(pids[1])
seen.append(value("podseal_certificate_not_after"))
seen.append(value('podseal_request_seconds_bucket{endpoint="validate",le="0.0005"}'))
print(json.dumps(seen))
"""


def finding(control: str, mode: model.Mode) -> model.Finding:
    """A finding in one mode."""
    return model.Finding(control, (mode,), "Pod", "", "", "c", "p", "s", "a", "f")


def test_counts_of_all_processes_are_summed_and_gauges_follow_the_living(tmp_path: Path) -> None:
    """Two forked workers: their counts add up and outlive them; of certificates, the living's earliest end counts."""
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", WORKER], capture_output=True, text=True, env=environment, check=True, timeout=60
    )
    assert json.loads(done.stdout) == [["2000.0"], ["2.0"], ["1"], ["3000.0"], ["2.0"]]


def test_a_control_counts_once_a_request() -> None:
    """By its strongest mode, however many containers it is found in."""
    registry = CollectorRegistry()
    counts = metrics.Requests(registry)
    found = (finding("privileged", "deny"), finding("privileged", "deny"), finding("seccomp", "warn"))
    counts.decided(model.Verdict(model.Subject("Pod"), findings=found))
    counts.decided(model.Verdict(model.Subject("Pod")))
    labels = {"operation": "CREATE", "kind": "Pod"}
    for control, mode in (("privileged", "deny"), ("seccomp", "warn")):
        assert registry.get_sample_value("podseal_decisions_total", {"control": control, "mode": mode, **labels}) == 1


def test_what_a_waiver_lets_pass_is_counted() -> None:
    """A waiver that is used shows."""
    registry = CollectorRegistry()
    waiver = model.Waiver("privileged", "podseal.dev/exempt.privileged", None)
    waived = (model.Waived(finding("privileged", "deny"), waiver),)
    metrics.Requests(registry).decided(model.Verdict(model.Subject("Pod"), waived=waived))
    assert b'mode="waived"' in generate_latest(registry)


def test_latency_is_told_from_a_quarter_of_a_millisecond() -> None:
    """The webhook answers in that order; Prometheus' own buckets begin at 5 ms."""
    registry = CollectorRegistry()
    metrics.Requests(registry).answered("validate", "allowed", 0.0002)
    labels = {"endpoint": "validate", "le": "0.00025"}
    assert registry.get_sample_value("podseal_request_seconds_bucket", labels) == 1
