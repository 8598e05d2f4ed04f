"""Events on pods."""

import pathlib

import msgspec
import pytest

from runtime_monitor.feed import output
from runtime_monitor.feed.kubernetes import ApiServer
from runtime_monitor.feed.outputs import kubernetes_event
from tests.runtime_monitor import generated
from tests.runtime_monitor.feed.receiver import Receiver, receiver
from tests.runtime_monitor.feed.tls import Authority

ALERT = generated.alert(3)


def test_an_event_of_a_pod() -> None:
    """Core v1; its name comes from the alert's id."""
    event = kubernetes_event.of_pod(ALERT)
    assert event
    assert event == kubernetes_event.of_pod(ALERT)
    assert event["involvedObject"] == {
        "apiVersion": "v1",
        "kind": "Pod",
        "namespace": ALERT.output_fields["k8s.ns.name"],
        "name": ALERT.output_fields["k8s.pod.name"],
        "uid": ALERT.output_fields["k8s.pod.uid"],
    }
    other = msgspec.structs.replace(ALERT, id="another")
    assert (kubernetes_event.of_pod(other) or {})["metadata"]["name"] != event["metadata"]["name"]


@pytest.mark.parametrize("alert", generated.hostile(), ids=lambda alert: alert.id)
def test_no_hostile_name_becomes_part_of_a_path(alert: object) -> None:
    """What cannot be a pod's name is no pod."""
    assert isinstance(alert, type(ALERT))
    assert kubernetes_event.of_pod(alert) is None
    named = msgspec.structs.replace(ALERT, output=alert.output * 200)
    event = kubernetes_event.of_pod(named)
    assert event
    assert len(event["message"].encode()) <= kubernetes_event.NOTE_BYTES
    assert "\n" not in event["message"]


def test_by_default_warnings_once_in_ten_minutes() -> None:
    """A pod's events are few."""
    settings = kubernetes_event.Settings(name="k")
    assert settings.filter.priority == "warning"
    assert settings.deduplicate
    assert settings.deduplicate.seconds == 600


ANSWERS = {201: None, 409: None, 404: output.RejectedError, 403: output.UnavailableError, 500: output.UnavailableError}


@pytest.mark.parametrize("status", ANSWERS)
def test_what_the_api_server_answers(tmp_path: pathlib.Path, status: int) -> None:
    """An event that is there already was delivered; a namespace that is gone takes none any more."""
    authority = Authority(tmp_path)
    context = authority.server_context(authority.issue("127.0.0.1"), clients=False)
    (tmp_path / "token").write_text("t\n")
    with receiver(context=context) as server:
        server.answer = lambda _: (status, {})
        server.body = b'{"kind": "Status", "message": "said so"}'
        made = kubernetes_event.Settings(name="k", server=api_server(server, authority, tmp_path)).open()
        failure = ANSWERS[status]
        if failure is None:
            made.send([ALERT])
        else:
            with pytest.raises(failure, match=f"HTTP {status}"):
                made.send([ALERT])
        made.close()
        if status == 201:
            (request,) = server.requests
            assert request.path == f"/api/v1/namespaces/{ALERT.output_fields['k8s.ns.name']}/events"
            assert request.headers["Authorization"] == "Bearer t"


def api_server(server: Receiver, authority: Authority, folder: pathlib.Path) -> ApiServer:
    """How to reach a receiver that stands for an API server."""
    return ApiServer(url=server.url, ca_file=str(authority.certificate), token_file=str(folder / "token"))
