"""The real server: gunicorn, TLS, worker processes, signals. Everything here speaks to it over sockets."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests import waiting
from tests.webhook import bad_input, pki, serving
from webhook import tls

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("path", serving.REVIEWS, ids=lambda path: path.stem)
def test_a_captured_review_is_answered(shared_server: serving.Server, path: Path) -> None:
    """Over TLS, at both endpoints, with the uid of the request."""
    body = path.read_bytes()
    for endpoint in ("/validate", "/mutate?timeout=5s"):
        status, answer = shared_server.post(endpoint, body)
        assert status == 200
        assert json.loads(answer)["response"]["uid"] == json.loads(body)["request"]["uid"]


@pytest.mark.parametrize("name", bad_input.CASES)
def test_bad_input_hurts_no_worker(shared_server: serving.Server, name: str) -> None:
    """4xx or a denial, and the same workers afterwards."""
    case = bad_input.CASES[name]
    before = shared_server.workers()
    status, _ = shared_server.post("/validate", case.body, case.headers)
    assert status == case.status
    assert shared_server.post("/validate", bad_input.GOOD)[0] == 200
    assert shared_server.workers() == before


def test_a_kept_connection_serves_many(shared_server: serving.Server) -> None:
    """As the API server holds it: HTTP/1.1, one connection, also after a request that was refused."""
    with contextlib.closing(shared_server.connect()) as connection:
        for body in (bad_input.GOOD, b"nonsense", bad_input.GOOD):
            connection.request("POST", "/validate", body, serving.JSON)
            response = connection.getresponse()
            response.read()
            assert response.version == 11
            assert not response.will_close


def test_a_body_in_chunks_is_read_and_bounded(shared_server: serving.Server) -> None:
    """Without a Content-Length the limit holds all the same."""
    for body, status in ((bad_input.GOOD, 200), (b" " * (9 * 1024 * 1024), 413)):
        with contextlib.closing(shared_server.connect()) as connection:
            chunks = (body[start : start + 65536] for start in range(0, len(body), 65536))
            connection.request("POST", "/validate", chunks, serving.JSON, encode_chunked=True)
            assert connection.getresponse().status == status


def test_head_and_body_come_in_one_piece(shared_server: serving.Server) -> None:
    """One TLS record, which the API server reads at once: two would wake it twice."""
    with contextlib.closing(shared_server.connect()) as connection:
        connection.request("POST", "/validate", bad_input.GOOD, serving.JSON)
        assert connection.sock is not None
        head, _, body = connection.sock.recv(65536).partition(b"\r\n\r\n")
    fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
    assert json.loads(body)["response"]["uid"] == bad_input.UID
    assert fields.pop(b"Date").endswith(b" GMT")
    length = str(len(body)).encode()
    assert fields == {b"Connection": b"keep-alive", b"Content-Type": b"application/json", b"Content-Length": length}


@pytest.mark.parametrize(
    ("version", "path", "extra"),
    [("1.0", "/validate", ""), ("1.1", "/validate", "Expect: 100-continue\r\n"), ("1.1", "/%76alidate", "")],
)
def test_what_the_api_server_never_says_is_understood_as_well(
    shared_server: serving.Server, version: str, path: str, extra: str
) -> None:
    """An old version, an expectation, an escaped path: answered like any other review, by gunicorn's own ways."""
    head = (
        f"POST {path} HTTP/{version}\r\nHost: localhost\r\nContent-Type: application/json\r\n{extra}"
        f"Content-Length: {len(bad_input.GOOD)}\r\nConnection: close\r\n\r\n"
    )
    context = shared_server.context()
    with (
        socket.create_connection(("localhost", shared_server.port), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        connection.sendall(head.encode() + bad_input.GOOD)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b" 200 OK\r\n" in answer
    assert json.loads(answer[answer.rindex(b"\r\n\r\n") :])["response"]["uid"] == bad_input.UID


def test_plain_http_and_old_tls_are_refused(shared_server: serving.Server) -> None:
    """No answer without TLS, none below version 1.2."""
    plain = http.client.HTTPConnection("localhost", shared_server.port, timeout=10)
    with contextlib.closing(plain):
        plain.request("POST", "/validate", bad_input.GOOD, serving.JSON)
        with contextlib.suppress(OSError, http.client.HTTPException):
            assert plain.getresponse().status >= 400
    openssl = f"openssl s_client -tls1_1 -cipher ALL:@SECLEVEL=0 -connect localhost:{shared_server.port}"
    refused = subprocess.run(openssl.split(), input=b"", capture_output=True, timeout=30, check=False)
    assert refused.returncode != 0
    assert b"alert protocol version" in refused.stderr


def test_probes_and_metrics_answer_beside_the_webhook(shared_server: serving.Server) -> None:
    """Without TLS, on a port of their own."""
    shared_server.post("/validate", bad_input.GOOD)
    assert shared_server.probe("/healthz") == (200, "ok\n")
    assert shared_server.probe("/readyz") == (200, "ok\n")
    _await_count(shared_server, 'endpoint="validate",outcome="denied"} ')
    status, text = shared_server.probe("/metrics")
    assert status == 200
    assert 'podseal_workers{state="ready"} 2\n' in text
    assert shared_server.probe("/other")[0] == 404
    lines = [line for line in text.splitlines() if line.startswith("podseal_certificate_not_after_seconds ")]
    assert [float(line.split()[1]) > 1.7e9 for line in lines] == [True]


def test_the_log_tells_that_no_cluster_is_configured(shared_server: serving.Server) -> None:
    """One line at the start, with the addresses."""
    (line,) = [line for line in shared_server.log if "webhook" in line]
    assert "default policy" in line["message"]


@pytest.fixture
def server(certificates: Path) -> Iterator[serving.Server]:
    """A server of the test's own, which it may hurt."""
    with serving.serve(certificates) as running:
        yield running


def test_a_killed_worker_is_replaced(server: serving.Server) -> None:
    """The probes answer all the while, the counts stay, and the new worker serves."""
    server.post("/validate", bad_input.GOOD)
    _await_count(server, 'outcome="denied"} 1.0')
    before = server.workers()
    assert len(before) == 2
    os.kill(min(before), signal.SIGKILL)
    waiting.until(lambda: len(server.workers() - before) == 1 and server.is_ready(), "a new worker is ready")
    assert server.probe("/healthz")[0] == 200
    assert 'outcome="denied"} 1.0' in server.probe("/metrics")[1]
    assert server.post("/validate", bad_input.GOOD)[0] == 200


def test_a_killed_probe_process_is_replaced(server: serving.Server) -> None:
    """The master forks another one; the workers do not notice."""
    workers = server.workers()
    (probes,) = server.children() - workers
    os.kill(probes, signal.SIGKILL)
    waiting.until(lambda: server.children() - workers - {probes} and server.is_ready(), "probes answer again")
    assert server.workers() == workers


def test_a_killed_master_leaves_nobody_behind(certificates: Path) -> None:
    """Workers and probes end by themselves: no process holds the ports."""
    with serving.serve(certificates) as server:
        children = server.children()
        server.process.kill()
        server.process.wait()
        waiting.until(
            lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), "all processes have ended", 60
        )


def test_sigterm_under_load_loses_no_request(certificates: Path) -> None:
    """Clients on kept connections are answered until the server itself says that it closes; it ends with code 0."""
    with serving.serve(certificates) as server:
        warm, stopped = threading.Barrier(9), threading.Event()

        def client() -> tuple[int, bool]:
            answered = 0
            with contextlib.closing(server.connect()) as connection:
                while True:
                    connection.request("POST", "/validate", bad_input.GOOD, serving.JSON)
                    response = connection.getresponse()
                    assert response.status == 200
                    assert b'"uid"' in response.read()
                    answered += 1
                    if answered == 1:
                        warm.wait(30)
                    if response.will_close:
                        return answered, stopped.is_set()

        with ThreadPoolExecutor(8) as pool:
            clients = [pool.submit(client) for _ in range(8)]
            warm.wait(30)
            stopped.set()
            server.process.send_signal(signal.SIGTERM)
            results = [each.result(60) for each in clients]
        assert all(after_signal for _, after_signal in results)
        assert server.stop() == 0


def test_not_ready_while_it_stops(certificates: Path) -> None:
    """From the signal on no new request should come, while one that is under way is still answered."""
    with serving.serve(certificates) as server, contextlib.closing(server.connect()) as connection:
        connection.putrequest("POST", "/validate")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(bad_input.GOOD)))
        connection.endheaders(bad_input.GOOD[:100])
        workers = server.workers()
        server.process.send_signal(signal.SIGTERM)
        waiting.until(lambda: server.probe("/readyz")[0] == 503, "the server is not ready")
        assert server.probe("/readyz")[1] == "the server is stopping\n"
        assert server.workers() & workers
        connection.send(bad_input.GOOD[100:])
        response = connection.getresponse()
        assert response.status == 200
        assert response.getheader("Connection") == "close"
        assert b'"uid"' in response.read()
        assert server.stop() == 0


def test_a_swapped_certificate_is_served_without_a_failed_handshake(tmp_path: Path, authority: pki.Pair) -> None:
    """New connections all the while, several rotations, files replaced one after the other as `mv` would do it."""
    folder = pki.write(tmp_path / "tls", authority, pki.issue("first", authority))
    with serving.serve(folder) as server:
        context = server.context()
        stop = threading.Event()

        def shake_hands() -> int:
            count = 0
            while not stop.is_set():
                _serial(server, context)
                count += 1
            return count

        with ThreadPoolExecutor(3) as pool:
            clients = [pool.submit(shake_hands) for _ in range(3)]
            try:
                for number in range(3):
                    leaf = pki.issue(f"rotation {number}", authority)
                    _replace(folder, leaf)
                    serial = f"{leaf.certificate.serial_number:X}"
                    waiting.until(lambda serial=serial: _serves(server, context, serial), "the new one is served")  # type: ignore[misc]  # mypy cannot type a lambda with a default
            finally:
                stop.set()
            assert all(each.result(30) > 0 for each in clients)


def test_a_broken_certificate_changes_nothing(tmp_path: Path, authority: pki.Pair) -> None:
    """The former one serves on; the failure is counted; a worker that starts meanwhile serves as well."""
    leaf = pki.issue("good", authority)
    folder = pki.write(tmp_path / "tls", authority, leaf)
    with serving.serve(folder) as server:
        (folder / "tls.key").write_bytes(pki.issue("other", authority).key_pem)
        _serial(server, server.context())
        waiting.until(lambda: _failures(server, server.context()) > 0, "the failure is counted")
        before = server.workers()
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        waiting.until(lambda: len(server.workers() - before) == 2 and server.is_ready(), "new workers are ready")
        assert _serial(server, server.context()) == f"{leaf.certificate.serial_number:X}"


def test_clients_need_a_certificate_where_it_is_asked_for(tmp_path: Path, authority: pki.Pair) -> None:
    """With --client-ca-file: none and a stranger's are refused in the handshake, one of the authority's is served."""
    folder = pki.write(tmp_path / "tls", authority, pki.issue("server", authority))
    clients = pki.issue("client authority")
    known = pki.write(tmp_path / "known", clients, pki.issue("api server", clients))
    stranger = pki.write(tmp_path / "stranger", clients, pki.issue("stranger", pki.issue("nobody")))
    with serving.serve(folder, f"--client-ca-file={known / 'ca.crt'}") as server:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            _post_with(server, None)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            _post_with(server, stranger)
        assert _post_with(server, known) == 200


def test_stalled_clients_do_not_hold_the_threads(certificates: Path) -> None:
    """A client that stops in the middle of a handshake, or of a body, gives its thread back while it still waits.

    Who queued behind it meanwhile may have been turned away as overload; whoever comes after is served.
    """
    with serving.serve(certificates, "--workers=1", "--threads=1") as server:

        def served() -> bool:
            return server.post("/validate", bad_input.GOOD)[0] == 200

        with socket.create_connection(("localhost", server.port)) as half_a_handshake:
            half_a_handshake.send(b"\x16\x03\x01\x02\x00\x01")
            waiting.until(served, "the thread is free again", 40)
        with contextlib.closing(server.connect()) as half_a_body:
            half_a_body.putrequest("POST", "/validate")
            half_a_body.putheader("Content-Type", "application/json")
            half_a_body.putheader("Content-Length", "1000")
            half_a_body.endheaders(b"{")
            waiting.until(served, "the thread is free again", 40)
            assert half_a_body.getresponse().status == 400


def test_a_connection_made_ahead_of_need_holds_no_thread(certificates: Path) -> None:
    """Go's client dials for a request that another connection then carries, and keeps the new one for the next."""
    with serving.serve(certificates, "--workers=1", "--threads=1") as server:
        patience = tls.SECONDS_FOR_CLIENT * 0.8
        early = http.client.HTTPSConnection("localhost", server.port, context=server.context(), timeout=patience)
        other = http.client.HTTPSConnection("localhost", server.port, context=server.context(), timeout=patience)
        with contextlib.closing(early), contextlib.closing(other):
            early.connect()
            for connection in (other, early, other):
                connection.request("POST", "/validate", bad_input.GOOD, serving.JSON)
                response = connection.getresponse()
                response.read()
                assert response.status == 200
                assert not response.will_close


@pytest.mark.slow
def test_overload_is_turned_away_before_the_api_server_gives_up(certificates: Path) -> None:
    """More expensive reviews at once than can be decided in time: each client hears something within its patience."""
    review = json.loads(bad_input.GOOD)
    spec = review["request"]["object"]["spec"]
    spec["containers"] = [spec["containers"][0] | {"name": f"c{number}"} for number in range(6000)]
    body = json.dumps(review).encode()
    with serving.serve(certificates, "--workers=1") as server:

        def ask(_number: int) -> int:
            with contextlib.closing(server.connect()) as connection:
                connection.request("POST", "/validate", bad_input.GOOD, serving.JSON)
                connection.getresponse().read()
                together.wait(60)
                connection.request("POST", "/validate?timeout=1s", body, serving.JSON)
                response = connection.getresponse()
                text = response.read()
                assert response.status == 200 or b"podseal is overloaded, " in text
                return response.status

        together = threading.Barrier(100)
        with ThreadPoolExecutor(100) as pool:
            statuses = list(pool.map(ask, range(100)))
        assert set(statuses) == {200, 429}
        assert server.post("/validate", bad_input.GOOD)[0] == 200
        _await_count(server, 'outcome="overloaded"')


def _unusable(options: list[str]) -> tuple[int, list[str]]:
    command = [str(serving.PODSEAL), "serve", "--metrics-bind=127.0.0.1:0", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == ""
    return done.returncode, done.stderr.splitlines()


MISTAKES: dict[str, tuple[Callable[[Path, int], list[str]], str, str]] = {
    "no certificate": (lambda _, __: ["--bind=127.0.0.1:0"], "no certificate is named", "podseal-certs init"),
    "missing file": (
        lambda tls, _: [f"--tls-cert-file={tls}/no.crt", f"--tls-private-key-file={tls}/tls.key"],
        "cannot read",
        "podseal-certs init",
    ),
    "key of another certificate": (
        lambda tls, _: [f"--tls-cert-file={tls}/tls.crt", f"--tls-private-key-file={tls}/other.key"],
        "do not belong together",
        "podseal-certs init",
    ),
    "port in use": (
        lambda tls, port: [
            f"--bind=127.0.0.1:{port}",
            f"--tls-cert-file={tls}/tls.crt",
            f"--tls-private-key-file={tls}/tls.key",
        ],
        "Address already in use",
        "--bind",
    ),
    "address without a host": (
        lambda tls, _: ["--bind=8443", f"--tls-cert-file={tls}/tls.crt", f"--tls-private-key-file={tls}/tls.key"],
        "no HOST:PORT",
        "--bind 127.0.0.1:8443",
    ),
    "no such settings file": (lambda tls, _: [f"--config={tls}/none.yaml"], "No such file", "none.yaml"),
    "unknown key in the settings": (lambda tls, _: [f"--config={tls}/bad.yaml"], "bad.yaml:3", "did you mean bind?"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_ends_in_one_line(tmp_path: Path, authority: pki.Pair, name: str) -> None:
    """Exit code 2, the cause and the remedy, no traceback."""
    folder = pki.write(tmp_path / "tls", authority, pki.issue("server", authority))
    (folder / "other.key").write_bytes(pki.issue("other", authority).key_pem)
    (folder / "bad.yaml").write_text("apiVersion: config.podseal.dev/v1alpha1\nkind: Settings\nbnd: 127.0.0.1:0\n")
    options, cause, remedy = MISTAKES[name]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, lines = _unusable(options(folder, taken.getsockname()[1]))
    assert code == 2
    assert len(lines) == 1
    assert lines[0].startswith("podseal serve: ")
    assert cause in lines[0]
    assert remedy in lines[0]


def test_settings_come_from_a_file(tmp_path: Path, certificates: Path) -> None:
    """Kinds Settings and Policy of one file; what the command line says wins."""
    config = tmp_path / "podseal.yaml"
    config.write_text(
        "apiVersion: config.podseal.dev/v1alpha1\nkind: Settings\nworkers: 1\nbind: 127.0.0.1:1\n---\n"
        "apiVersion: config.podseal.dev/v1alpha1\nkind: Policy\ndefaults: {enforce: off}\n"
    )
    with serving.serve(certificates, f"--config={config}") as server:
        waiting.until(lambda: len(server.workers()) == 1, "the one worker in the log")
        assert json.loads(server.post("/validate", bad_input.GOOD)[1])["response"]["allowed"] is True


def test_nothing_is_left_in_memory_file_systems(certificates: Path) -> None:
    """The folder of the metrics goes with the server."""
    with serving.serve(certificates) as server:
        folder = next(
            value.partition("=")[2]
            for pid in server.workers()
            for path in Path(f"/proc/{pid}/maps").read_text().splitlines()
            for value in [f"={path.split()[-1]}"]
            if "podseal-metrics-" in value
        )
        folder = str(Path(folder).parent)
        assert Path(folder).is_dir()
    assert not Path(folder).exists()


def _serial(server: serving.Server, context: ssl.SSLContext) -> str:
    """The serial number of the certificate that a new connection is shown."""
    with socket.create_connection(("localhost", server.port), 30) as raw:
        raw.settimeout(30)
        with context.wrap_socket(raw, server_hostname="localhost") as connection:
            certificate = connection.getpeercert()
            assert certificate
            return str(certificate["serialNumber"]).lstrip("0")


def _serves(server: serving.Server, context: ssl.SSLContext, serial: str) -> bool:
    """Whether so many connections in a row show a certificate that every worker must have been among them."""
    return all(_serial(server, context) == serial.lstrip("0") for _ in range(6))


def _await_count(server: serving.Server, text: str) -> None:
    """What was answered is counted only then."""
    waiting.until(lambda: text in server.probe("/metrics")[1], f"{text} among the metrics")


def _failures(server: serving.Server, context: ssl.SSLContext) -> float:
    """The counter of failed reloads, after one more connection, which makes a worker look."""
    _serial(server, context)
    name = "podseal_certificate_reload_failures_total "
    lines = [line for line in server.probe("/metrics")[1].splitlines() if line.startswith(name)]
    return sum(float(line.split()[1]) for line in lines)


def _replace(folder: Path, leaf: pki.Pair) -> None:
    for name, content in (("tls.crt", leaf.pem), ("tls.key", leaf.key_pem)):
        beside = folder / f".{name}"
        beside.write_bytes(content)
        shutil.move(beside, folder / name)


def _post_with(server: serving.Server, client: Path | None) -> int:
    context = server.context()
    if client:
        context.load_cert_chain(client / "tls.crt", client / "tls.key")
    with contextlib.closing(server.connect(context)) as connection:
        connection.request("POST", "/validate", bad_input.GOOD, serving.JSON)
        return connection.getresponse().status


@pytest.fixture
def paths_of(tmp_path: Path) -> Path:
    """A file with the random end of the paths."""
    file = tmp_path / "paths.json"
    file.write_text(json.dumps({"paths": [{"token": "secret-end"}]}))
    return file


def test_whoever_does_not_know_the_path_is_turned_away_and_counted(certificates: Path, paths_of: Path) -> None:
    """404, as for a path that does not exist; the API server, who was told it, is answered."""
    strangers = {"/validate": "validate", "/validate/guess": "validate", "/connect/": "connect", "/secret-end": "other"}
    with serving.serve(certificates, f"--path-file={paths_of}") as server:
        for path in strangers:
            assert server.post(path, bad_input.GOOD)[0] == 404
        for endpoint in ("validate", "mutate", "connect", "preview-namespace"):
            assert server.post(f"/{endpoint}/secret-end?timeout=5s", bad_input.GOOD)[0] == 200
        text = server.probe("/metrics")[1]
        for endpoint in set(strangers.values()):
            count = list(strangers.values()).count(endpoint)
            assert f'podseal_unknown_callers_total{{endpoint="{endpoint}"}} {count}.0' in text
        assert not any("secret-end" in json.dumps(line) for line in server.log)


@pytest.mark.parametrize("content", [None, "{}"])
def test_a_path_file_that_is_none_ends_in_one_line(certificates: Path, tmp_path: Path, content: str | None) -> None:
    """Before anything is served."""
    file = tmp_path / "paths.json"
    if content:
        file.write_text(content)
    command = [
        *(str(serving.PODSEAL), "serve", "--bind=127.0.0.1:0", "--metrics-bind=127.0.0.1:0", f"--path-file={file}"),
        *(f"--tls-cert-file={certificates / 'tls.crt'}", f"--tls-private-key-file={certificates / 'tls.key'}"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"podseal serve: {file}")
    assert done.stderr.count("\n") == 1
