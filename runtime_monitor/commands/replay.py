"""`podseal-monitor replay`: recorded events through any rules, offline; and the difference that other rules would make.

In: recorded events (`run --record`), a JSON object a line, and rules files. Out: the alerts, then how often each rule
fired; with `--against` the events on which two sets of rules differ. The engine is the one that `run` has.
"""

from collections import Counter

import click
import msgspec

from runtime_monitor import recording, reload
from runtime_monitor.rules.engine import Engine

EXIT_FINDINGS, EXIT_UNUSABLE = 1, 2
RULES = click.option("--rules", "files", multiple=True, metavar="FILE", help="Rules, in order; repeatable.")


@click.command(
    "replay",
    epilog="""\b
Examples:
  podseal-monitor run --record events.jsonl
  podseal-monitor replay events.jsonl --rules mine.yaml
  podseal-monitor replay events.jsonl --rules mine.yaml --against new.yaml
""",
)
@click.argument("recorded", metavar="EVENTS")
@RULES
@click.option("--own/--no-own", default=True, show_default=True, help="podseal's own rules before the files.")
@click.option("--against", multiple=True, metavar="FILE", help="Other rules instead of --rules: show what differs.")
@click.option("--all-matches/--first-match", default=False, help="Every rule that fires, or the first of an event.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def command(  # noqa: PLR0913 -- one parameter an option
    context: click.Context,
    recorded: str,
    files: tuple[str, ...],
    against: tuple[str, ...],
    output: str,
    *,
    own: bool,
    all_matches: bool,
) -> None:
    """Judge recorded EVENTS (a file, or - for standard input) by rules.

    Exit codes: 0; with --against 1 where the two differ; 2 for wrong usage or what cannot be read.
    """
    engine = _engine(reload.Request(files, own=own, first=not all_matches))
    try:
        if against:
            other = _engine(reload.Request(against, own=own, first=not all_matches))
            context.exit(EXIT_FINDINGS if _compare(engine, other, recorded, output) else 0)
        _replay(engine, recorded, output)
    except recording.RecordingError as error:
        raise click.UsageError(str(error), context) from error


def _replay(engine: Engine, recorded: str, output: str) -> None:
    total = 0
    for event in recording.read(recorded):
        total += 1
        for alert in engine.judge(event):
            click.echo(msgspec.json.encode(alert.as_falco()).decode() if output == "json" else alert.output)
    if output == "text":
        _summary(engine, total)


def _engine(request: reload.Request) -> Engine:
    reply = reload.answer(request)
    for problem in reply.problems:
        click.echo(str(problem), err=True)
    if reply.program is None:
        raise click.exceptions.Exit(EXIT_UNUSABLE)
    return Engine(reply.program)


def _summary(engine: Engine, total: int) -> None:
    click.echo(f"\n{total} events, {sum(engine.fired.values())} alerts, {len(engine.rules)} rules")
    for name, count in sorted(engine.fired.items(), key=lambda pair: (-pair[1], pair[0])):
        click.echo(f"{count:>8}  {name}")
    for name, reason in engine.disabled.items():
        click.echo(f"disabled  {name}: {reason}")


def _compare(before: Engine, after: Engine, recorded: str, output: str) -> int:
    """Print each event on which the two differ, then the sums by rule; return how many events differ."""
    changed = 0
    lost: Counter[str] = Counter()
    gained: Counter[str] = Counter()
    for event in recording.read(recorded):
        old, new = before.verdict(event), after.verdict(event)
        if old == new:
            continue
        changed += 1
        lost.update(set(old) - set(new))
        gained.update(set(new) - set(old))
        if output == "json":
            row = {"event": event.id, "type": event.evt.type, "before": old, "after": new}
            click.echo(msgspec.json.encode(row).decode())
        else:
            click.echo(f"{event.id} {event.evt.type}: {', '.join(old) or 'none'} -> {', '.join(new) or 'none'}")
    if output == "text":
        click.echo(f"{changed} events differ")
        for name in sorted(lost.keys() | gained.keys()):
            click.echo(f"  {name}: -{lost[name]} +{gained[name]}")
    return changed
