"""`podseal-monitor selftest`: play every behaviour in a container of its own and say what this kernel lets be seen.

In: options. Out: a table (or JSON) of behaviour, tier, seen, latency in milliseconds; exit code 0 where all was seen, 1
where something was missed or the quiet was broken, 2 where the self-test cannot run here.
"""

import sys
from collections.abc import Sequence

import click
import msgspec

from runtime_monitor.events import Event
from runtime_monitor.kernel.libbpf import KernelError
from runtime_monitor.kernel.sensor import Sensor, Settings
from runtime_monitor.selftest import quiet, run
from runtime_monitor.selftest.behaviour import Behaviour, discover, event_types
from runtime_monitor.selftest.source import Live, live

_SEEN = {True: "seen", False: "MISSED", None: "not here"}
_PATIENCE = 5.0
_ROW = "{:<38} {:<11} {:<8} {:>10}  {}"


@click.command("selftest")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--only", metavar="NAME", multiple=True, help="play this behaviour alone; may be repeated")
@click.option(
    "--quiet",
    "quiet_seconds",
    type=click.FloatRange(min=0),
    default=0,
    metavar="SECONDS",
    help="afterwards do for so long what must stay quiet, and list what was said all the same",
)
@click.option(
    "--patience",
    type=click.FloatRange(min=0),
    default=_PATIENCE,
    show_default=True,
    metavar="SECONDS",
    help="how long to wait for an event",
)
@click.option("--list", "listing", is_flag=True, help="list the behaviours and play none")
def command(
    output: str,
    only: tuple[str, ...],
    quiet_seconds: float,
    patience: float,
    listing: bool,  # noqa: FBT001 -- click passes by name
) -> None:
    """Play every behaviour that must be seen in a throw-away container, and print what was seen.

    Needs root and nothing else: no container runtime, no compiler, no network. The container is gone afterwards,
    whatever happens.
    """
    chosen = _choose(only)
    if listing:
        for each in chosen:
            click.echo(f"{each.name:<38} {each.about}")
        return
    try:
        with Sensor.open(Settings(event_types=event_types(chosen))) as sensor, live(sensor) as source:
            click.echo(sensor.describe(), err=True)
            rows = _play(source, chosen, run.Terms(sensor.tier, patience), output)
            noise = quiet.keep(source, quiet_seconds) if quiet_seconds else []
    except (KernelError, OSError) as error:
        click.echo(f"podseal-monitor selftest: {error}", err=True)
        sys.exit(2)
    if output == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode())
    for event in noise:
        click.echo(f"not quiet: {_line(event)}", err=True)
    if quiet_seconds:
        click.echo(f"quiet: {len(noise)} events in {quiet_seconds:g} s", err=True)
    sys.exit(1 if noise or any(row.seen is False for row in rows) else 0)


def _choose(only: Sequence[str]) -> list[Behaviour]:
    found = discover()
    unknown = sorted(set(only) - {each.name for each in found})
    if unknown:
        raise click.BadParameter(f"there is no behaviour {unknown[0]!r}; --list shows them", param_hint="--only")
    return [each for each in found if not only or each.name in only]


def _play(source: Live, chosen: Sequence[Behaviour], terms: run.Terms, output: str) -> list[run.Row]:
    """Play, and print each row of the table as it comes."""
    rows = []
    if output == "text":
        click.echo(_ROW.format("BEHAVIOUR", "TIER", "SEEN", "LATENCY", "").rstrip())
    for row in run.play(source, chosen, terms):
        rows.append(row)
        if output == "text":
            latency = f"{row.latency_ms:.2f} ms" if row.latency_ms is not None else ""
            click.echo(_ROW.format(row.behaviour, row.tier, _SEEN[row.seen], latency, row.detail).rstrip())
    if output == "text":
        counts = ", ".join(f"{sum(row.seen is each for row in rows)} {word.lower()}" for each, word in _SEEN.items())
        click.echo(f"{len(rows)} behaviours: {counts}")
    return rows


def _line(event: Event) -> str:
    """An event in one line, for people; names in it are escaped."""
    what = (event.evt.type, event.drift.kind, event.session.kind, event.proc.name, event.proc.pid, event.fd.name)
    return " ".join(ascii(each) for each in what if each is not None)
