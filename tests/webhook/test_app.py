"""The two routes, without a server: what is answered, counted and logged, and that a bug fails closed."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

import flask.testing
import pytest
from prometheus_client import CollectorRegistry

from tests.webhook import bad_input, serving
from webhook import app, gate, metrics, review, settings
from webhook.policy import guard

NOW = datetime(2026, 11, 23, 12, 30, 15, tzinfo=UTC)
POLICIES = settings.policies(None)
DENIED = "denied"


class Bench:
    """An app with its metrics, and a client for it."""

    def __init__(
        self,
        labels_of: app.Lookup = app.no_cluster,
        exempt: settings.Exempt | None = None,
        preview: app.Previewer = app.no_preview,
    ) -> None:
        self.registry = CollectorRegistry()
        policies = settings.Policies(POLICIES.defaults, POLICIES.catalogue, exempt or settings.Exempt())
        self.now = NOW
        cluster = app.Cluster(labels_of, gate.Gate(gate.Rules()), preview)
        webhook = app.Webhook(policies, metrics.Requests(self.registry), lambda: self.now, cluster)
        self.client: flask.testing.FlaskClient = app.create(webhook).test_client()

    def post(self, path: str, body: bytes = bad_input.GOOD) -> dict[str, Any]:
        """The response inside the answer to a review."""
        answer = self.client.post(path, data=body, content_type="application/json")
        assert answer.status_code == 200
        response: dict[str, Any] = json.loads(answer.data)["response"]
        return response

    def count(self, name: str, **labels: str) -> float:
        """A counter's value, 0 where nothing was counted."""
        return self.registry.get_sample_value(name, labels) or 0.0


@pytest.fixture
def bench() -> Bench:
    """A fresh app, without a cluster."""
    return Bench()


def captured(name: str) -> bytes:
    """The body of a captured review."""
    return (serving.DATA / f"{name}.json").read_bytes()


def test_a_denial_is_counted_and_logged(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """One line with uid, user, object, findings and milliseconds; one count per control."""
    caplog.set_level(logging.INFO)
    response = bench.post("/validate")
    assert response["allowed"] is False
    (record,) = [each for each in caplog.records if each.message == DENIED]
    fields = record.__dict__["fields"]
    assert fields["uid"] == bad_input.UID
    assert (fields["user"], fields["kind"], fields["namespace"], fields["name"]) == ("admin", "Pod", "t", "shop")
    assert (fields["operation"], fields["dry_run"]) == ("CREATE", False)
    assert {each["control"] for each in fields["findings"]} == {"writable-root-filesystem"}
    assert fields["milliseconds"] > 0
    assert bench.count("podseal_requests_total", endpoint="validate", outcome="denied") == 1
    assert bench.count("podseal_request_seconds_count", endpoint="validate") == 1
    labels = {"control": "writable-root-filesystem", "mode": "deny", "operation": "CREATE", "kind": "Pod"}
    assert bench.count("podseal_decisions_total", **labels) == 1


def test_mutate_patches_and_never_denies(bench: Bench) -> None:
    """The same pod passes /mutate: whoever comes after it may still repair more."""
    everything = Bench(lambda _: guard.NamespaceKeys({"podseal.dev/mutate": "all"}))
    response = everything.post("/mutate")
    assert response["allowed"] is True
    assert response["patchType"] == "JSONPatch"
    assert everything.count("podseal_requests_total", endpoint="mutate", outcome="patched") == 1
    assert everything.count("podseal_patches_total", kind="Pod") == 1
    assert bench.post("/mutate")["allowed"] is True
    assert bench.count("podseal_requests_total", endpoint="mutate", outcome="allowed") == 1


def test_what_mutate_made_passes_validate() -> None:
    """The patched pod, sent to /validate as the API server does it, has no finding left that the mutation repairs."""
    import base64  # noqa: PLC0415

    import jsonpatch  # noqa: PLC0415

    everything = Bench(lambda _: guard.NamespaceKeys({"podseal.dev/mutate": "all"}))
    patch = json.loads(base64.b64decode(everything.post("/mutate")["patch"]))
    review = json.loads(bad_input.GOOD)
    review["request"]["object"] = jsonpatch.apply_patch(review["request"]["object"], patch)
    body = json.dumps(review).encode()
    assert everything.post("/validate", body)["allowed"] is True
    assert "patch" not in everything.post("/mutate", body)


def test_a_template_is_warned_of_not_denied(bench: Bench) -> None:
    """A Deployment passes, with what its pods will be refused for."""
    response = bench.post("/validate", captured("create-deployments"))
    assert response["allowed"] is True
    assert any("will refuse its pods: writable-root-filesystem" in each for each in response["warnings"])
    assert all(len(each) <= 120 for each in response["warnings"])


@pytest.mark.parametrize("name", ["delete-pods", "update-pods-status", "connect-pods-exec", "update-namespaces"])
def test_what_changes_no_container_passes(bench: Bench, name: str) -> None:
    """DELETE, status, CONNECT and objects without pods are let pass, and counted so."""
    response = bench.post("/validate", captured(name))
    assert response == {"uid": response["uid"], "allowed": True}
    assert bench.count("podseal_requests_total", endpoint="validate", outcome="skipped") == 1


def test_a_dry_run_is_decided_like_any_other(bench: Bench) -> None:
    """Nothing is left behind in either case; the log says which it was."""
    assert bench.post("/validate", captured("create-pods-dry"))["allowed"] is False


@pytest.mark.parametrize(
    ("exempt", "why"),
    [
        (settings.Exempt(namespaces=("t",)), "exempt: namespace t"),
        (settings.Exempt(users=("admin",)), "exempt: user admin"),
    ],
)
def test_who_is_exempt_is_not_judged(exempt: settings.Exempt, why: str) -> None:
    """The settings' exemptions let pass at both endpoints, and the audit log says so."""
    bench = Bench(exempt=exempt)
    response = bench.post("/validate")
    assert response["allowed"] is True
    assert response["auditAnnotations"] == {"validate-exempt": why}
    assert "patch" not in bench.post("/mutate")
    assert bench.count("podseal_requests_total", endpoint="validate", outcome="exempt") == 1


def test_a_runtime_class_can_be_exempt() -> None:
    """As in Pod Security admission: pods in a sandbox of their own."""
    body = bad_input.changed("request.object.spec.runtimeClassName", "kata")
    exempt = settings.Exempt(runtime_classes=("kata",))
    assert Bench(exempt=exempt).post("/validate", body)["allowed"] is True
    assert Bench(exempt=exempt).post("/validate")["allowed"] is False


def broken(_namespace: str) -> guard.NamespaceKeys:
    """A bug."""
    raise ZeroDivisionError("of all things")


def test_a_decision_that_raises_fails_closed(caplog: pytest.LogCaptureFixture) -> None:
    """/validate refuses inside the review, /mutate leaves the pod alone; both are counted, logged and name the uid."""
    bench = Bench(broken)
    response = bench.post("/validate")
    assert response["allowed"] is False
    assert response["status"]["code"] == 500
    assert bad_input.UID in response["status"]["message"]
    assert "ZeroDivisionError" not in json.dumps(response)
    assert bench.count("podseal_decision_errors_total", endpoint="validate") == 1
    (record,) = caplog.records
    assert record.exc_info
    assert record.__dict__["fields"]["uid"] == bad_input.UID

    mutated = bench.post("/mutate")
    assert mutated["allowed"] is True
    assert "patch" not in mutated
    assert bench.count("podseal_decision_errors_total", endpoint="mutate") == 1


@pytest.mark.parametrize("name", bad_input.CASES)
def test_bad_input_is_answered(bench: Bench, name: str) -> None:
    """4xx with one line of JSON, or a denial that says what is wrong; /mutate lets the latter pass with a warning."""
    case = bad_input.CASES[name]
    answer = bench.client.post("/validate", data=case.body, headers=case.headers)
    assert answer.status_code == case.status
    assert answer.content_type == "application/json"
    found = json.loads(answer.data)
    if case.status != 200:
        assert found["code"] == case.status
        assert case.text in found["message"]
        return
    assert found["response"]["allowed"] is False
    assert case.text in found["response"]["status"]["message"]
    mutated = bench.post("/mutate", case.body)
    assert mutated["allowed"] is True
    assert "patch" not in mutated
    assert mutated["warnings"]


def test_a_content_type_may_have_parameters(bench: Bench) -> None:
    """RFC 9110: names are case-insensitive, and a charset may follow."""
    answer = bench.client.post("/validate", data=bad_input.GOOD, content_type="Application/JSON; charset=utf-8")
    assert answer.status_code == 200


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/validate", 405), ("POST", "/", 404)])
def test_another_path_or_method_is_told_what_there_is(bench: Bench, method: str, path: str, status: int) -> None:
    """One line of JSON, no page of HTML."""
    answer = bench.client.open(path, method=method)
    assert answer.status_code == status
    assert "POST /validate" in json.loads(answer.data)["message"]


def test_labels_of_the_namespace_decide() -> None:
    """A changed label counts at once; the same labels are read once a minute."""
    keys = {"t": guard.NamespaceKeys({"podseal.dev/enforce": "off"})}
    bench = Bench(keys.__getitem__)
    assert bench.post("/validate")["allowed"] is True
    keys["t"] = guard.NamespaceKeys({"podseal.dev/enforce": "default"})
    assert bench.post("/validate")["allowed"] is False


def test_a_waiver_ends_to_the_second() -> None:
    """A policy that is kept for a minute does not keep a waiver alive."""
    label = {"podseal.dev/exempt.writable-root-filesystem": "2026-11-23"}
    keys = guard.NamespaceKeys(label)
    bench = Bench(lambda _: keys)
    bench.now = datetime(2026, 11, 23, 23, 59, 59, tzinfo=UTC)
    assert bench.post("/validate")["allowed"] is True
    bench.now = datetime(2026, 11, 24, 0, 0, 0, tzinfo=UTC)
    assert bench.post("/validate")["allowed"] is False


def test_policies_that_are_kept_stay_few() -> None:
    """Names of namespaces come from requests: the cache has a bound."""
    webhook = app.Webhook(POLICIES, metrics.Requests(CollectorRegistry()), lambda: NOW)
    for number in range(app.MOST_CACHED_POLICIES + 10):
        webhook._policy(f"n{number}", NOW)
    assert len(webhook._cached) <= app.MOST_CACHED_POLICIES


def test_a_kind_from_outside_is_no_label_of_a_metric(bench: Bench) -> None:
    """Whoever invents kinds does not make the metrics grow."""
    bench.post("/validate", bad_input.changed("request.kind", {"group": "x", "version": "v1", "kind": "Invented"}))
    assert "Invented" not in str(list(bench.registry.collect()))


def test_who_waited_too_long_is_turned_away(bench: Bench) -> None:
    """429 as a Status, which the API server quotes, without a Retry-After; who waited less is answered."""
    for waited, status in ((2.0, 200), (2.1, 429)):
        answer = bench.client.post(
            "/validate?timeout=5s",
            data=bad_input.GOOD,
            content_type="application/json",
            environ_overrides={app.WAITED: waited},
        )
        assert answer.status_code == status
    said = json.loads(answer.data)
    assert (said["kind"], said["reason"], said["code"]) == ("Status", "TooManyRequests", 429)
    assert said["message"].startswith("podseal is overloaded, ")
    assert "Retry-After" not in answer.headers
    assert bench.count("podseal_requests_total", endpoint="validate", outcome="overloaded") == 1


PREVIEW = "/preview-namespace"


def test_a_preview_warns_and_never_refuses() -> None:
    """It is asked with the keys before and after, and half of the patience that the API server has."""
    asked = []

    def preview(change: review.Relabelling, now: datetime, seconds: float) -> list[str]:
        asked.append((change, now, seconds))
        return ["podseal would deny Deployment web: privileged", "x" * 200]

    response = Bench(preview=preview).post(f"{PREVIEW}?timeout=3s", captured("update-namespaces"))
    assert response["allowed"] is True
    assert response["warnings"][0] == "podseal would deny Deployment web: privileged"
    assert len(response["warnings"][1]) == 120
    ((change, now, seconds),) = asked
    assert (change.name, now, seconds) == ("t", NOW, 3)
    assert "podseal.dev/exempt.privileged" not in change.before.labels
    assert change.after.labels["podseal.dev/exempt.privileged"] == "2026-12-31"


def test_a_preview_that_fails_lets_pass() -> None:
    """A bug, a body that makes no sense, an exempt namespace, no cluster: the labels change all the same."""

    def fails(_change: review.Relabelling, _now: datetime, _seconds: float) -> list[str]:
        raise ZeroDivisionError

    failed = Bench(preview=fails).post(PREVIEW, captured("update-namespaces"))
    assert (failed["allowed"], "a bug" in failed["warnings"][0]) == (True, True)
    exempt = Bench(preview=fails, exempt=settings.Exempt(namespaces=("t",)))
    assert "warnings" not in exempt.post(PREVIEW, captured("update-namespaces"))
    assert "warnings" not in Bench().post(PREVIEW, captured("update-namespaces"))
    body = json.loads(captured("update-namespaces"))
    body["request"]["object"]["metadata"]["labels"] = 3
    odd = Bench().post(PREVIEW, json.dumps(body).encode())
    assert odd["allowed"] is True
    assert "the Namespace cannot be understood" in odd["warnings"][0]
