"""The questions that the feed answers: alerts, sessions, the sensor's state, and the page that asks them.

In: GET requests that `guard` let through. Out: JSON, the files of `page/`. A Flask application; the OpenAPI document
beside this file describes it. Nothing here writes anything.
"""

import threading
import time
from pathlib import Path
from typing import Any, Final, Protocol

import flask
from flask import Flask, Response

from runtime_monitor.alerts import Alert
from runtime_monitor.feed import metrics as counted
from runtime_monitor.feed import remedies, render, sessions
from runtime_monitor.feed.http import selection
from runtime_monitor.feed.watch import Watch
from runtime_monitor.spool.reader import Entry, Reader
from runtime_monitor.spool.schema import SpoolError

HERE: Final = Path(__file__).parent
MOST: Final = 1000
LONGEST_STRIP: Final = 24 * 60
STORY_ALERTS: Final = 5000


class Origin(Protocol):
    """What the spool is a copy of, where it is one."""

    error: str

    def unready(self) -> str:
        """Why readers are better served elsewhere, empty if they are not."""

    def newest(self) -> int:
        """The highest number there, copied or not."""


class Store:
    """What the answers come from. Each thread of the server has a reader of its own."""

    def __init__(self, spool: Path, watch: Watch, metrics: counted.Metrics, origin: Origin | None = None) -> None:
        self.spool = spool
        self.watch = watch
        self.metrics = metrics
        self._origin = origin
        self._local = threading.local()

    @property
    def reader(self) -> Reader:
        """This thread's."""
        found = getattr(self._local, "reader", None)
        if not isinstance(found, Reader):
            found = self._local.reader = Reader(self.spool)
        return found

    @property
    def error(self) -> str:
        """Why there are no alerts, or no new ones; empty if there are."""
        return (self._origin.error if self._origin else "") or self.watch.error

    def unready(self) -> str:
        """Why nobody should be sent here, empty if they may."""
        return (self._origin.unready() if self._origin else "") or self.watch.error

    def newest(self) -> int:
        """The highest number that a reader of any replica can have seen. May wait for an answer."""
        return self._origin.newest() if self._origin else self.watch.last


def build(store: Store) -> Flask:
    """The application."""
    app = Flask("runtime_monitor.feed", static_folder=str(HERE / "page"), static_url_path="/static")
    app.add_url_rule("/", "page", lambda: app.send_static_file("index.html"))
    app.add_url_rule("/openapi.json", "openapi", lambda: _file("openapi.json", "application/json"))
    app.add_url_rule("/healthz", "healthz", lambda: _json({"spool": store.error or "ok"}))
    app.add_url_rule("/readyz", "readyz", lambda: _ready(store.unready()))
    app.add_url_rule("/metrics", "metrics", lambda: _metrics(store))
    app.add_url_rule("/alerts", "alerts", lambda: _alerts(store))
    app.add_url_rule("/alerts/minutes", "minutes", lambda: _minutes(store))
    app.add_url_rule("/sessions", "sessions", lambda: _sessions(store))
    app.add_url_rule("/sessions/<path:identifier>", "session", lambda identifier: _session(store, identifier))
    app.add_url_rule("/status", "status", lambda: _status(store))
    app.register_error_handler(selection.ParameterError, lambda error: _json({"error": str(error)}, 400))
    app.register_error_handler(SpoolError, lambda error: _json({"error": str(error)}, 503))
    app.register_error_handler(404, lambda _: _json({"error": "there is nothing here"}, 404))
    app.register_error_handler(405, lambda _: _json({"error": "the feed is only read"}, 405))
    return app


def _ready(unready: str) -> Response:
    return _json({"spool": unready or "ok"}, 503 if unready else 200)


def _alerts(store: Store) -> Response:
    parameters = flask.request.args
    query = selection.read(parameters)
    before = selection.number(parameters, "cursor", None, 2**62)
    limit = selection.number(parameters, "limit", 100, MOST) or 1
    page = store.reader.page(query, before, limit)
    found = [shown for entry in page.entries if (shown := _shown(entry)) is not None]
    return _json({"alerts": found, "next": None if page.next is None else str(page.next)})


def _shown(entry: Entry) -> dict[str, Any] | None:
    alert = _alert(entry)
    return (
        None if alert is None else {"id": str(entry.seq), "alert": alert.as_falco(), "remedy": remedies.remedy(alert)}
    )


def _alert(entry: Entry) -> Alert | None:
    try:
        return entry.alert()
    except ValueError:  # a row that the disk damaged; the outputs count it
        return None


def _minutes(store: Store) -> Response:
    count = selection.number(flask.request.args, "count", 60, LONGEST_STRIP) or 60
    return _json({"minutes": store.watch.minutes.last(count, time.time_ns())})


def _sessions(store: Store) -> Response:
    limit = selection.number(flask.request.args, "limit", 100, MOST) or 1
    return _json({"sessions": store.reader.sessions(limit)})


def _session(store: Store, identifier: str) -> Response:
    entries = store.reader.session(identifier, STORY_ALERTS)
    pairs = [(entry, alert) for entry in entries if (alert := _alert(entry)) is not None]
    if not pairs:
        return _json({"error": "no alert in the spool is of this session"}, 404)
    return _json(sessions.story(identifier, pairs))


def _status(store: Store) -> Response:
    reader = store.reader
    evicted = {priority.name.lower(): count for priority, count in reader.evicted().items()}
    return _json({"sensor": reader.status(), "spool": {"evicted": evicted, "error": store.error or None}})


def _metrics(store: Store) -> Response:
    metrics = store.metrics
    try:
        for priority, count in store.reader.evicted().items():
            metrics.evicted.labels(priority.name.lower()).set(count)
        metrics.spool_up.set(1)
    except SpoolError:
        metrics.spool_up.set(0)
    return Response(metrics.render(), content_type=counted.CONTENT_TYPE)


def _json(value: Any, status: int = 200) -> Response:  # noqa: ANN401 -- whatever JSON can say
    return Response(render.encode(value), status, content_type="application/json")


def _file(name: str, kind: str) -> Response:
    return Response((HERE / name).read_bytes(), content_type=kind)
