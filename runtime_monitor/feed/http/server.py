"""The server: uvicorn, which keeps open streams without a thread each, with Flask in a few threads beside them.

In: where to listen, what to serve. Out: it serves until it is told to stop. Called by `feed.process`.
"""

import socket
from typing import Any, Final, cast

import uvicorn
from a2wsgi import WSGIMiddleware

from runtime_monitor.feed.http import app, guard, stream
from runtime_monitor.feed.http.certificates import Certificates
from runtime_monitor.feed.http.patience import Impatient
from runtime_monitor.feed.settings import Listen

THREADS: Final = 8
SPARE_CONNECTIONS: Final = 100
SECONDS_TO_END: Final = 3
STREAM: Final = "/alerts/stream"


class _Uvicorn(uvicorn.Server):
    """Ends the open streams before it waits for the connections to end."""

    def __init__(self, config: uvicorn.Config, streams: stream.Streams) -> None:
        super().__init__(config)
        self._streams = streams

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        self._streams.start()
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End."""
        await self._streams.stop()
        await super().shutdown(sockets)


class Server:
    """Serves the feed.

    Raises:
        guard.ConfigurationError, OSError, ssl.SSLError: the address cannot be served like this.
    """

    def __init__(self, listen: Listen, store: app.Store) -> None:
        self._streams = stream.Streams(store, listen.max_streams)
        self._flask: Any = WSGIMiddleware(cast("Any", app.build(store)), workers=THREADS)
        self._config = uvicorn.Config(
            guard.Guard(self._route, listen),
            http=Impatient,
            log_config=None,
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws="none",
            proxy_headers=False,
            server_header=False,
            limit_concurrency=listen.max_streams + SPARE_CONNECTIONS,
            timeout_graceful_shutdown=SECONDS_TO_END,
        )
        self._config.load()
        if listen.tls_cert_file:
            self._config.ssl = Certificates(listen).context()
        self._socket = _bound(listen.address)
        self._server = _Uvicorn(self._config, self._streams)

    @property
    def url(self) -> str:
        """Where it is served."""
        host, port = self._socket.getsockname()[:2]
        scheme = "https" if self._config.ssl else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/"

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._server.server_state.connections)

    def run(self) -> None:
        """Serve until `stop`; in the main thread SIGINT and SIGTERM end it too, and are raised again then."""
        self._server.run(sockets=[self._socket])

    def stop(self) -> None:
        """Let it end. Any thread may call this."""
        self._server.should_exit = True

    async def _route(self, scope: guard.Scope, receive: guard.Receive, send: guard.Send) -> None:
        if scope["path"] == STREAM and scope["method"] == "GET":
            await self._streams(scope, receive, send)
        else:
            await self._flask(scope, receive, send)


def _bound(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    made = socket.socket(socket.AF_INET6 if host.startswith("[") else socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host.strip("[]"), int(port)))
    except (OSError, ValueError, OverflowError) as error:
        made.close()
        raise OSError(f"listen.address {address}: {error}") from error
    return made
