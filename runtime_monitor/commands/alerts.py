"""`podseal-monitor alerts`: the feed in a terminal, the newest alerts and then those that follow.

In: the feed's URL, filters. Out: a line an alert: coloured text in a terminal, plain text in a pipe, or JSON. It comes
back by itself when the feed was away, and goes on behind the last alert that it printed.
"""

import os
import sys
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

import click
import msgspec
import urllib3

from runtime_monitor.alerts import Priority
from runtime_monitor.feed import render
from runtime_monitor.feed.filters import priority_of

COLOURS: Final = {
    Priority.EMERGENCY: "\x1b[1;97;41m",
    Priority.ALERT: "\x1b[1;31m",
    Priority.CRITICAL: "\x1b[1;31m",
    Priority.ERROR: "\x1b[31m",
    Priority.WARNING: "\x1b[33m",
    Priority.NOTICE: "\x1b[36m",
    Priority.INFORMATIONAL: "\x1b[32m",
    Priority.DEBUG: "\x1b[2m",
}
PLAIN: Final = "\x1b[0m"
SILENCE: Final = 45.0
"""Three heartbeats: after so many seconds without a word the connection is dead."""
RETRY_SECONDS: Final = 2.0
FILTERS: Final = ("priority", "rule", "namespace", "pod", "user", "session", "since")


@dataclass(frozen=True)
class Feed:
    """Where the alerts come from."""

    url: str
    headers: dict[str, str]
    parameters: dict[str, str]
    pool: urllib3.PoolManager

    def page(self, limit: int) -> list[dict[str, Any]]:
        """The newest alerts, the oldest of them first."""
        query = urllib.parse.urlencode({**self.parameters, "limit": limit})
        answer = self._get(f"/alerts?{query}", self.headers)
        try:
            found = msgspec.json.decode(answer.read())
        finally:
            answer.release_conn()
        return list(reversed(found["alerts"]))

    def events(self, last: str) -> Iterator[tuple[str, bytes]]:
        """Number and JSON of each alert that follows."""
        headers = {**self.headers, "Accept": "text/event-stream", **({"Last-Event-ID": last} if last else {})}
        answer = self._get(f"/alerts/stream?{urllib.parse.urlencode(self.parameters)}", headers)
        number = ""
        pending = b""
        for chunk in answer.stream(65536):
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                if line.startswith(b"id: "):
                    number = line[4:].decode()
                elif line.startswith(b"data: "):
                    yield number, line[6:]

    def _get(self, path: str, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        timeout = urllib3.Timeout(connect=5.0, read=SILENCE)
        answer = self.pool.request(
            "GET", self.url.rstrip("/") + path, headers=headers, timeout=timeout, preload_content=False, redirect=False
        )
        if answer.status != 200:  # noqa: PLR2004 -- HTTP OK
            told = render.printable(answer.read(2000).decode("utf-8", "replace"))
            hint = {401: "; give --token-file FILE", 403: "; this user may not read the feed"}.get(answer.status, "")
            raise click.ClickException(f"{self.url}: HTTP {answer.status}: {told}{hint}")
        return answer


class Printer:
    """Writes alerts as lines."""

    def __init__(self, stream: TextIO, form: str, *, coloured: bool) -> None:
        self._stream = stream
        self._form = form
        self._coloured = coloured

    def alert(self, falco: dict[str, Any]) -> None:
        """One line, whatever the alert holds."""
        self._stream.write(self._line(falco) + "\n")
        self._stream.flush()

    def _line(self, falco: dict[str, Any]) -> str:
        if self._form == "json":
            return render.printable_json(falco)
        priority = priority_of(str(falco["priority"]))
        told = render.printable(f"{falco['time'][11:23]} {priority.label:<13} ")
        fields = falco["output_fields"]
        place = "/".join(str(fields[key]) for key in ("k8s.ns.name", "k8s.pod.name") if fields.get(key))
        output = render.PREFIX.sub("", falco["output"], count=1)
        rest = render.printable(f"{f'[{place}] ' if place else ''}{falco['rule']}: {output}")
        return f"{COLOURS[priority]}{told}{PLAIN}{rest}" if self._coloured else told + rest


@click.command("alerts")
@click.option("--url", default="http://127.0.0.1:9480", show_default=True, help="The feed.")
@click.option("--token-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A bearer token.")
@click.option(
    "--ca-file", type=click.Path(exists=True, dir_okay=False), help="The authority of the feed's certificate."
)
@click.option("--priority", default="debug", show_default=True, help="The least grave one.")
@click.option("--rule", default="", help="Of this rule; `*` and `?` stand for others.")
@click.option("--namespace", "-n", default="", help="In this namespace.")
@click.option("--pod", default="", help="In this pod; `*` and `?` stand for others.")
@click.option("--user", default="", help="Caused by this user.")
@click.option("--session", default="", help="Of this session.")
@click.option("--since", default="", help="Not before: 2026-11-26T05:10:10Z.")
@click.option(
    "--lines", default=20, show_default=True, type=click.IntRange(0, 1000), help="So many of the newest first."
)
@click.option("--follow/--no-follow", default=True, show_default=True, help="Go on with those that follow.")
@click.option("--output", "-o", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--color/--no-color", default=None, help="By default in terminals alone; NO_COLOR is heeded.")
def command(url: str, token_file: Path | None, ca_file: str | None, **options: Any) -> None:  # noqa: ANN401 -- click's
    """Show the feed's alerts, the newest ones and those that follow."""
    try:
        priority_of(options["priority"])
    except ValueError as error:
        raise click.UsageError(f"--priority: {error}") from error
    headers = {"Authorization": f"Bearer {token_file.read_text().strip()}"} if token_file else {}
    parameters = {name: options[name] for name in FILTERS if options[name]}
    feed = Feed(url, headers, parameters, urllib3.PoolManager(retries=False, ca_certs=ca_file))
    color = options["color"]
    coloured = color if color is not None else sys.stdout.isatty() and "NO_COLOR" not in os.environ
    try:
        printer = Printer(sys.stdout, options["output"], coloured=coloured)
        _show(feed, printer, options["lines"], follow=options["follow"])
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # `| head` has seen enough
    except KeyboardInterrupt:
        pass
    except (urllib3.exceptions.HTTPError, OSError, msgspec.DecodeError) as error:
        raise click.ClickException(f"{url}: {error}; does `podseal-monitor feed` run there?") from error


def _show(feed: Feed, printer: Printer, lines: int, *, follow: bool) -> None:
    last = ""
    for shown in feed.page(max(lines, 1)):
        last = shown["id"]
        if lines:
            printer.alert(shown["alert"])
    told = False
    while follow:
        try:
            for number, data in feed.events(last):
                last, told = number, False
                printer.alert(msgspec.json.decode(data))
        except urllib3.exceptions.HTTPError as error:
            if not told:
                sys.stderr.write(f"{feed.url}: {error}; waiting for it to come back\n")
                told = True
        time.sleep(RETRY_SECONDS)
