"""POST, and what an answer means."""

import gzip
import pathlib
import socket
import subprocess

import pytest

from runtime_monitor.feed import output, posting
from tests.runtime_monitor.feed.receiver import receiver
from tests.runtime_monitor.feed.tls import Authority


def test_headers_come_from_settings_and_files(tmp_path: pathlib.Path) -> None:
    """A token's file is read for each request, since it is renewed; the connection is kept."""
    token = tmp_path / "token"
    endpoint = posting.Endpoint(headers={"X-Scope": "a"}, header_files={"Authorization": str(token)}, gzip=True)
    with receiver() as server:
        poster = posting.Poster(server.url, endpoint)
        for number in (1, 2):
            token.write_text(f"Bearer t{number}\n")
            poster.post(b'{"a": 1}', {"Idempotency-Key": f"k{number}"})
        first, second = server.requests
        poster.close()
    assert (first.headers["Authorization"], second.headers["Authorization"]) == ("Bearer t1", "Bearer t2")
    assert (first.headers["X-Scope"], first.headers["Idempotency-Key"]) == ("a", "k1")
    assert (first.headers["Content-Type"], first.headers["Content-Encoding"]) == ("application/json", "gzip")
    assert first.json == {"a": 1}
    assert gzip.decompress(gzip.compress(first.body)) == first.body


@pytest.mark.parametrize("status", [500, 503, 429, 401, 403, 404, 408, 302])
def test_an_answer_that_may_change_is_tried_again(status: int) -> None:
    """A redirect is not followed: it could lead a token anywhere."""
    with receiver() as server:
        server.answer = lambda _: (status, {"Location": "http://127.0.0.1:1/", "Retry-After": "7"})
        with pytest.raises(output.UnavailableError, match=rf"127\.0\.0\.1:\d+/x: HTTP {status}") as caught:
            posting.Poster(f"{server.url}/x?key=secret", posting.Endpoint()).post(b"{}", {})
    assert caught.value.after == 7.0
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("status", sorted(posting.UNPROCESSABLE))
def test_an_answer_that_will_not_change_is_final(status: int) -> None:
    """The content is at fault."""
    with receiver() as server:
        server.answer = lambda _: (status, {})
        with pytest.raises(output.RejectedError, match=f"HTTP {status}"):
            posting.Poster(server.url, posting.Endpoint()).post(b"{}", {})


def test_a_receiver_that_never_answers_is_left(tmp_path: pathlib.Path) -> None:
    """After the time-out; nor is one that is not there waited for. A file that is missing names itself."""
    endpoint = posting.Endpoint(timeout_seconds=0.2)
    with receiver() as server:
        server.hold = True
        with pytest.raises(output.UnavailableError, match="timed out"):
            posting.Poster(server.url, endpoint).post(b"{}", {})
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(output.UnavailableError, match="refused"):
        posting.Poster(f"http://127.0.0.1:{port}", endpoint).post(b"{}", {})
    missing = posting.Endpoint(header_files={"Authorization": str(tmp_path / "token")})
    with pytest.raises(output.UnavailableError, match="token"):
        posting.Poster(f"http://127.0.0.1:{port}", missing).post(b"{}", {})


def test_both_ends_show_certificates(tmp_path: pathlib.Path) -> None:
    """mTLS; without the authority, or without a certificate, there is no connection."""
    authority = Authority(tmp_path)
    server_files, client_files = authority.issue("127.0.0.1"), authority.issue("client")
    with receiver(context=authority.server_context(server_files)) as server:
        good = posting.Endpoint(
            ca_file=str(authority.certificate), client_cert_file=client_files[0], client_key_file=client_files[1]
        )
        poster = posting.Poster(server.url, good)
        poster.post(b"{}", {})
        poster.close()
        assert len(server.requests) == 1
        for bad in (posting.Endpoint(), posting.Endpoint(ca_file=str(authority.certificate), timeout_seconds=2)):
            with pytest.raises(output.UnavailableError, match=r"(?i)certificate|closed|reset|eof"):
                posting.Poster(server.url, bad).post(b"{}", {})
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("", None),
        ("120", 120.0),
        ("999999", posting.LONGEST_WAIT),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 40.0),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 0.0),
        ("soon", None),
        ("-1", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    """Seconds or a date, never more than ten minutes."""
    assert posting.retry_after(value, 60.0) == seconds


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("ftp://x/", "an http:// or https:// URL is wanted"),
        ("https:///x", "URL is wanted"),
        ("http://u:p@host/", "holds a password"),
    ],
)
def test_urls_that_are_refused(url: str, told: str) -> None:
    """The password is not repeated."""
    with pytest.raises(ValueError, match=told) as caught:
        posting.check_url(url)
    assert "u:p" not in str(caught.value)


def test_authorities_may_be_a_folder_or_anybody(tmp_path: pathlib.Path) -> None:
    """Falco's ca_path and insecure."""
    authority = Authority(tmp_path)
    files = authority.issue("localhost.example")
    folder = tmp_path / "certs"
    folder.mkdir()
    digest = subprocess.run(
        ["openssl", "x509", "-hash", "-noout", "-in", authority.certificate], check=True, capture_output=True, text=True
    ).stdout.strip()
    (folder / f"{digest}.0").write_bytes(authority.certificate.read_bytes())
    with receiver(context=authority.server_context(files, clients=False)) as server:
        posting.Poster(server.url, posting.Endpoint(insecure=True)).post(b"{}", {})
        with pytest.raises(output.UnavailableError, match="certificate"):
            posting.Poster(server.url, posting.Endpoint(ca_path=str(folder))).post(b"{}", {})
    files = authority.issue("127.0.0.1")
    with receiver(context=authority.server_context(files, clients=False)) as server:
        posting.Poster(server.url, posting.Endpoint(ca_path=str(folder))).post(b"{}", {})
        with pytest.raises(output.UnavailableError, match="certificate"):
            posting.Poster(server.url, posting.Endpoint()).post(b"{}", {})
