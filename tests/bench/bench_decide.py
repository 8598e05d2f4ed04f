"""How long a decision takes, beside the standard library's json.loads of the same review."""

import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tests.bench import measure
from webhook import settings
from webhook.policy import decide, model, workloads

RUNS = 2000
REVIEW = Path(__file__).parent / "data" / "review_three_containers.json"


def main() -> int:
    """Print and store the ratio; return the goals missed."""
    review = json.dumps(json.loads(REVIEW.read_bytes()), separators=(",", ":")).encode()
    raw = json.dumps(json.loads(review)["request"]["object"]).encode()
    pod = msgspec.json.decode(raw, type=workloads.BarePod)
    subject = model.Subject("Pod", namespace="shop", name="shop", pod=pod)
    policy, now = model.Policy(), datetime.now(UTC)
    catalogue = settings.policies(None).catalogue
    result = measure.compare(
        "decide / json.loads, CPU, three containers",
        lambda: measure.cpu_seconds(lambda: json.loads(review), RUNS),
        lambda: measure.cpu_seconds(lambda: decide.decide(subject, policy, catalogue, now), RUNS),
        goal=measure.Goal(1.5),
        blocks=20,
    )
    return measure.report("decide", [result])
