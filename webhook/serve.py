"""`podseal serve`: sockets, certificates, metrics directory, then gunicorn with the app, until a signal ends it.

In: a `Server` and where the policies are. Out: a process that serves; `CannotServeError` where it cannot even begin.
Called by `webhook.commands.serve`. Everything that a person can get wrong is tried here, before gunicorn starts, so
that it ends in one line.
"""

import contextlib
import gc
import logging
import os
import shutil
import socket
import ssl
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunicorn import arbiter
from gunicorn.app import base

from webhook import entrances, settings, tls

if TYPE_CHECKING:
    import flask

    from webhook import probes

BACKLOG = 2048
MEMORY = Path("/dev/shm")  # noqa: S108 -- a file system in memory; the folder made in it is private
DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
NO_CLUSTER = "no cluster is configured, so every namespace has the default policy"
log = logging.getLogger("podseal.serve")


class CannotServeError(Exception):
    """One line: what is wrong, and what to do."""


class Application(base.BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's view of the webhook."""

    def __init__(self, options: dict[str, Any], reviews: "flask.Flask", probe: "probes.Process") -> None:
        self._options = options
        self._reviews = reviews
        self._probe = probe
        super().__init__()

    def load_config(self) -> None:
        """The settings come from us, none from gunicorn's files, variables or arguments."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> "flask.Flask":
        """The app, made before the master forks."""
        return self._reviews

    def run(self) -> None:
        """Serve until a signal ends it."""
        Master(self, self._probe).run()


class Master(arbiter.Arbiter):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's master, which also keeps the process of the probes alive."""

    def __init__(self, application: Application, probe: "probes.Process") -> None:
        super().__init__(application)
        self._probe = probe

    def manage_workers(self) -> None:
        """Once a second, and whenever a child ended."""
        self._probe.ensure(self._leave)
        super().manage_workers()

    def stop(self, graceful: bool = True) -> None:  # noqa: FBT001, FBT002 -- gunicorn's signature
        """Not ready from the first moment on; the probes answer until the last worker has ended."""
        self._probe.board.stop()
        super().stop(graceful)
        self._probe.stop()

    def handle_hup(self) -> None:
        """A reload would need the metrics of two generations: a rolling restart does the same."""
        log.warning("SIGHUP is ignored; certificates are reloaded by themselves, for settings restart podseal")

    def handle_usr2(self) -> None:
        """An upgrade in place would need the sockets that this process has bound."""
        log.warning("SIGUSR2 is ignored; restart podseal to upgrade it")

    def _leave(self) -> None:
        """In the probes' process: the webhook's socket is not ours to hold open."""
        for listener in self.LISTENERS:
            listener.close()


def run(server: settings.Server, policy_file: Path | None) -> None:
    """Serve until a signal ends the process.

    Raises:
        CannotServeError: an address is taken, or the certificate cannot be used.
        ConfigError: the policy file cannot be used.
    """
    certificates = _certificates(server.tls)
    known_paths = _entrances(server.path_file)
    listener = bind(server.bind, "--bind")
    metrics_listener = bind(server.metrics_bind, "--metrics-bind")
    addresses = {"webhook": _url("https", listener), "metrics": _url("http", metrics_listener)}
    with metrics_directory() as directory:
        # prometheus_client reads the variable that metrics_directory sets when it is imported.
        from webhook import app, cluster, gunicorn_conf, metrics, probes  # noqa: PLC0415

        policies = settings.policies(policy_file)
        joined = cluster.join(server, policies)
        shared = gunicorn_conf.Shared(certificates, probes.Board(server.workers), (joined,) if joined else ())
        options = gunicorn_conf.options(server, shared, listener.detach())
        webhook = app.Webhook(
            policies,
            metrics.Requests(),
            lambda: datetime.now(UTC),
            joined.answers if joined else None,
        )
        upkeep = joined.upkeep if joined else None
        reviews = app.create(webhook, known_paths)
        application = Application(options, reviews, probes.Process(metrics_listener, shared.board, directory, upkeep))
        application.wsgi()
        # What is there before the fork stays shared: a collection in a child would write to the head of every object.
        gc.collect()
        gc.freeze()
        told = f"labels of namespaces come from {joined.host}" if joined else NO_CLUSTER
        log.info("serving; %s", told, extra={"fields": addresses})
        application.run()


def _entrances(file: str) -> entrances.Entrances | None:
    try:
        return entrances.Entrances(file) if file else None
    except OSError as error:
        raise CannotServeError(f"{file}: {error.strerror}; give --path-file a file of podseal-certs") from error
    except ValueError as error:
        raise CannotServeError(str(error)) from error


def bind(address: str, option: str) -> socket.socket:
    """A listening socket on HOST:PORT.

    Raises:
        CannotServeError: the address is taken, not ours, or none.
    """
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal():
        # Without a host it would listen on every interface, which should be said.
        raise CannotServeError(f"{address!r} is no HOST:PORT; write {option} 127.0.0.1:8443, or [::1]:8443")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, int(port)), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CannotServeError(f"cannot listen on {address}: {reason}; choose another with {option}") from error


@contextlib.contextmanager
def metrics_directory() -> Iterator[str]:
    """A folder for the metrics of all processes, empty at the start and gone at the end."""
    parent = MEMORY if os.access(MEMORY, os.W_OK) else None
    directory = tempfile.mkdtemp(prefix="podseal-metrics-", dir=parent)
    master = os.getpid()
    os.environ[DIRECTORY] = directory
    try:
        yield directory
    finally:
        # A worker leaves by the same way as the master does, and must not take the others' metrics along.
        if os.getpid() == master:
            shutil.rmtree(directory, ignore_errors=True)


def _certificates(said: settings.Tls) -> tls.Certificates:
    remedy = (
        "make both with `podseal-certs init --dir DIR`, or name them with --tls-cert-file and --tls-private-key-file"
    )
    if not (said.cert_file and said.private_key_file):
        raise CannotServeError(f"no certificate is named; {remedy}")
    files = tls.Files(said.cert_file, said.private_key_file, said.client_ca_file, said.min_version)
    for path in files.paths:
        if not os.access(path, os.R_OK):
            raise CannotServeError(f"cannot read {path}; {remedy}")
    certificates = tls.Certificates(files)
    try:
        certificates.context()
    except (OSError, ValueError) as error:
        kind = "do not belong together or are no certificate and key" if isinstance(error, ssl.SSLError) else str(error)
        raise CannotServeError(f"{said.cert_file} and {said.private_key_file}: {kind}; {remedy}") from error
    return certificates


def _url(scheme: str, listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
