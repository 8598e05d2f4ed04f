"""Bodies that no API server sends: the table that the parser, the app and the real server are all tried with.

In: nothing. Out: `CASES`, name = what is wrong. `status` is the HTTP code; 200 means a denial inside the review, whose
message has `text`.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from tests.webhook import serving

REVIEW = json.loads((serving.DATA / "create-pods.json").read_bytes())
UID = REVIEW["request"]["uid"]


@dataclass(frozen=True)
class Case:
    """One body with its headers, and what comes back."""

    body: bytes
    status: int
    text: str
    headers: dict[str, str] = field(default_factory=lambda: dict(serving.JSON))


def changed(path: str, value: object) -> bytes:
    """The captured review with one field replaced; a path ends in the field to set."""
    review = json.loads(json.dumps(REVIEW))
    at: Any = review
    *parents, last = path.split(".")
    for step in parents:
        at = at[int(step) if step.isdigit() else step]
    at[int(last) if last.isdigit() else last] = value
    return json.dumps(review).encode()


def without(path: str) -> bytes:
    """The captured review without one field of its top two levels."""
    review = json.loads(json.dumps(REVIEW))
    parent, _, last = path.rpartition(".")
    del (review[parent] if parent else review)[last]
    return json.dumps(review).encode()


GOOD = json.dumps(REVIEW).encode()
POD = "request.object"
CONTAINER = f"{POD}.spec.containers.0"
DEEP = b"[" * 10_000 + b"]" * 10_000

CASES = {
    "empty body": Case(b"", 400, "not JSON"),
    "not JSON": Case(b"hello", 400, "not JSON"),
    "a form instead of JSON": Case(GOOD, 415, "Content-Type", {"Content-Type": "application/x-www-form-urlencoded"}),
    "no Content-Type": Case(GOOD, 415, "Content-Type", {}),
    "a text that starts like JSON": Case(GOOD + b"x", 400, "not JSON"),
    "cut in the middle": Case(GOOD[:1000], 400, "not JSON"),
    "a list": Case(b"[]", 400, "no AdmissionReview"),
    "a number": Case(b"17", 400, "no AdmissionReview"),
    "null": Case(b"null", 400, "no AdmissionReview"),
    "an empty object": Case(b"{}", 400, "expected admission.k8s.io/v1"),
    "old apiVersion": Case(changed("apiVersion", "admission.k8s.io/v1beta1"), 400, "v1beta1"),
    "other kind": Case(changed("kind", "Review"), 400, "'Review'"),
    "no request": Case(without("request"), 400, "no request"),
    "null request": Case(changed("request", None), 400, "no request"),
    "request of another type": Case(changed("request", "create"), 400, "$.request"),
    "no uid": Case(without("request.uid"), 400, "no uid"),
    "empty uid": Case(changed("request.uid", ""), 400, "no uid"),
    "uid of another type": Case(changed("request.uid", 7), 400, "$.request.uid"),
    "null user": Case(changed("request.userInfo", None), 400, "$.request.userInfo"),
    "NaN in a field that nobody reads": Case(GOOD[:-1] + b', "x": NaN}', 400, "not JSON"),
    "invalid UTF-8 in the name": Case(GOOD.replace(b'"shop"', b'"sh\xffp"', 1), 400, "not UTF-8"),
    "invalid UTF-8 in a field that nobody reads": Case(
        GOOD.replace(b'"kubectl-create"', b'"kubectl\xc3\x28"', 1), 400, "not UTF-8"
    ),
    "a byte order mark": Case(b"\xef\xbb\xbf" + GOOD, 400, "not JSON"),
    "UTF-16": Case(GOOD.decode().encode("utf-16"), 400, "not UTF-8"),
    "a lone surrogate in the name": Case(GOOD.replace(b'"name": "shop"', b'"name": "\\ud800"', 1), 400, "not JSON"),
    "nested 10,000 deep": Case(DEEP, 400, "AdmissionReview"),
    "nested 10,000 deep in a field that nobody reads": Case(
        b'{"x": ' + DEEP + b"," + GOOD[1:], 400, "nested too deeply"
    ),
    "larger than any review": Case(b" " * (8 * 1024 * 1024 + 1), 413, "more than 8388608 bytes"),
    "object null": Case(changed(POD, None), 200, "without an object"),
    "object absent": Case(without("request.object"), 200, "without an object"),
    "object a list": Case(changed(POD, []), 200, "Expected `object`, got `array`"),
    "spec a string": Case(changed(f"{POD}.spec", "x"), 200, "$.spec"),
    "containers a string": Case(changed(f"{POD}.spec.containers", "web"), 200, "$.spec.containers"),
    "containers an object": Case(changed(f"{POD}.spec.containers", {"name": "web"}), 200, "$.spec.containers"),
    "a container null": Case(changed(CONTAINER, None), 200, "$.spec.containers[0]"),
    "privileged a string": Case(
        changed(f"{CONTAINER}.securityContext", {"privileged": "true"}), 200, "securityContext.privileged"
    ),
    "runAsUser a string": Case(
        changed(f"{CONTAINER}.securityContext", {"runAsUser": "0"}), 200, "securityContext.runAsUser"
    ),
    "annotations of another type": Case(
        changed(f"{POD}.metadata.annotations", {"a": 1}), 200, "$.metadata.annotations"
    ),
    "object nested 500 deep where a string belongs": Case(
        changed(f"{CONTAINER}.image", json.loads("[" * 500 + "]" * 500)), 200, "image"
    ),
}
