"""Who may read: tokens of ServiceAccounts, with a receiver in the API server's place.

Tokens of a file, names of hosts and certificates: test_server, with a real feed.
"""

import json
import pathlib
from collections.abc import Iterator

import pytest

from runtime_monitor.feed import kubernetes
from runtime_monitor.feed.http import guard
from runtime_monitor.feed.http.guard import Reviewer
from runtime_monitor.feed.settings import TokenReview
from tests.runtime_monitor.feed.receiver import Receiver, Request, receiver
from tests.runtime_monitor.feed.tls import Authority

USER = {"username": "system:serviceaccount:ns:reader", "uid": "u1", "groups": ["g"], "extra": {"k": ["v"]}}


class ApiServer:
    """Answers reviews as an API server does."""

    def __init__(self, server: Receiver, review: TokenReview) -> None:
        self.server = server
        self.review = review
        self.allowed = True
        self.audiences = ["podseal"]
        server.answer = self.answer

    def answer(self, request: Request) -> tuple[int, dict[str, str]]:
        """By the kind of review."""
        if request.path.endswith("/tokenreviews"):
            good = request.json["spec"]["token"].startswith("good")
            status = {"authenticated": good, "user": USER if good else {}, "audiences": self.audiences}
        else:
            status = {"allowed": self.allowed}
        self.server.body = json.dumps({"status": status}).encode()
        return 201, {}


@pytest.fixture
def api_server(tmp_path: pathlib.Path) -> Iterator[ApiServer]:
    """Over TLS, with the feed's own token."""
    authority = Authority(tmp_path)
    (tmp_path / "token").write_text("feed")
    with receiver(context=authority.server_context(authority.issue("127.0.0.1"), clients=False)) as server:
        where = kubernetes.ApiServer(server.url, str(authority.certificate), str(tmp_path / "token"))
        yield ApiServer(server, TokenReview(server=where, audiences=("podseal",)))


def test_a_token_is_reviewed_and_the_right_asked_for(api_server: ApiServer) -> None:
    """For the audience, and for `get` on the path; the answer is kept."""
    now = [0.0]
    reviewer = Reviewer(api_server.review, clock=lambda: now[0])
    assert reviewer.status("good", "/sessions/a/b") == 0
    assert reviewer.status("good", "/sessions/c") == 0
    token, access = api_server.server.requests
    assert token.json["spec"] == {"token": "good", "audiences": ["podseal"]}
    assert access.json["spec"]["user"] == USER["username"]
    assert access.json["spec"]["nonResourceAttributes"] == {"path": "/sessions", "verb": "get"}
    now[0] = guard.SECONDS_GRANTED + 1
    assert reviewer.status("good", "/sessions") == 0
    assert len(api_server.server.requests) == 4


def test_who_is_not_known_or_not_allowed_is_refused(api_server: ApiServer) -> None:
    """401 and 403; a token for another audience is none."""
    reviewer = Reviewer(api_server.review)
    assert reviewer.status("bad", "/alerts") == 401
    api_server.allowed = False
    assert reviewer.status("good", "/alerts") == 403
    api_server.allowed = True
    api_server.audiences = []
    assert reviewer.status("good", "/status") == 401


def test_an_api_server_that_fails_grants_nothing(api_server: ApiServer) -> None:
    """And nothing is remembered of it."""
    reviewer = Reviewer(api_server.review)
    good = api_server.server.answer
    api_server.server.answer = lambda _: (500, {})
    assert reviewer.status("good", "/alerts") == 503
    api_server.server.answer = good
    assert reviewer.status("good", "/alerts") == 0


def test_the_answers_kept_are_bounded(api_server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever tries tokens fills no memory."""
    monkeypatch.setattr(guard, "REMEMBERED", 5)
    reviewer = Reviewer(api_server.review)
    for number in range(12):
        assert reviewer.status(f"bad-{number}", "/alerts") == 401
    assert len(reviewer._answers) == 5


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104 -- told from the loopback
        ("[::]", False),
        ("10.0.0.1", False),
        ("localhost.example", False),
        ("", False),
    ],
)
def test_the_loopback(host: str, loopback: bool) -> None:  # noqa: FBT001 -- a table's column
    """Addresses that reach this machine alone."""
    assert guard.is_loopback(host) is loopback
