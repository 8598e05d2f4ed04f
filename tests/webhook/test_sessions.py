"""The recorder without a server: what it does when nothing can be written. tests/cluster/e2e has it with one."""

import pytest

from tests import waiting
from tests.webhook import fake_apiserver
from tests.webhook.test_namespaces import client
from webhook import apiserver, sessions
from webhook.policy import model

NOBODY_LISTENS = "http://127.0.0.1:1"


def session(number: int) -> sessions.Session:
    """A session of dev in a pod."""
    target = sessions.Target(namespace="shop", pod="web", pod_uid="known")
    return sessions.Session(request_uid=f"u-{number}", action="exec", user=model.User("dev"), target=target)


def test_a_full_queue_never_makes_anybody_wait() -> None:
    """Without a writer the queue fills; the next is lost at once, and counted."""
    recorder = sessions.Recorder(client(NOBODY_LISTENS))
    for number in range(sessions.QUEUE_LENGTH + 5):
        recorder.submit(session(number))
    assert recorder.counts.lost == 5


def test_what_cannot_be_written_is_told_in_full(caplog: pytest.LogCaptureFixture) -> None:
    """After its tries a session is in the log, and nowhere else."""
    recorder = sessions.Recorder(client(NOBODY_LISTENS))
    recorder.start()
    recorder.submit(session(1))
    waiting.until(lambda: recorder.counts.lost == 1, "the loss", seconds=60)
    recorder.stop()
    assert recorder.counts.retried == sessions.TRIES - 1
    assert '"requestUID":"u-1"' in caplog.text


def test_what_is_queued_at_the_end_is_lost_and_told(caplog: pytest.LogCaptureFixture) -> None:
    """A recorder that is stopped before it could write loses nothing silently."""
    recorder = sessions.Recorder(client(NOBODY_LISTENS))
    recorder.start()
    for number in range(3):
        recorder.submit(session(number))
    recorder.stop(seconds=0)
    waiting.until(lambda: all(f"u-{number}" in caplog.text for number in range(3)), "three losses told", seconds=60)
    assert recorder.counts.lost == 3


def test_a_required_record_fails_where_it_cannot_be_written() -> None:
    """The caller hears of it, so that it can deny."""
    ticks = iter(range(1000))
    recorder = sessions.Recorder(client(NOBODY_LISTENS), clock=lambda: float(next(ticks)))
    with pytest.raises(apiserver.Refused, match="cannot reach"):
        recorder.record_now(session(1), seconds=3)


def test_a_required_record_gives_up_in_time() -> None:
    """An API server that does not answer holds nobody up for longer than the caller said."""
    script = fake_apiserver.Script()
    script.release.clear()
    target = sessions.Target(namespace="shop", pod="web")
    asked = sessions.Session(request_uid="u", action="exec", user=model.User("dev"), target=target)
    with fake_apiserver.serve(script) as address:
        with pytest.raises(apiserver.Refused, match="cannot reach"):
            sessions.Recorder(client(address)).record_now(asked, seconds=0.2)
        assert not script.release.is_set(), "the server has not answered yet"
