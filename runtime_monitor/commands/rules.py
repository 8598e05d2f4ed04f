"""`podseal-monitor rules`: check and list rules, list fields, explain a verdict, show what the kernel may leave out.

In: a command line and files. Out: reports on standard output; `check` exits with 0, 1 or 2 as `podseal check` does.
What it means is in `runtime_monitor.rules`.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

import click
import msgspec
from msgspec import structs

from runtime_monitor import capabilities, recording, rule_files, rule_reports
from runtime_monitor.falco_yaml import files as falco_files
from runtime_monitor.falco_yaml.tree import FalcoYamlError
from runtime_monitor.kernel import calls, open_filter
from runtime_monitor.rules import explain as explaining
from runtime_monitor.rules import fields as registry
from runtime_monitor.rules import pushdown as pushing
from runtime_monitor.rules import resolve, ruleset
from runtime_monitor.rules.problems import Problem

EXIT_FINDINGS, EXIT_UNUSABLE = 1, 2
UNUSABLE = ("LOAD_ERR_FILE_READ", "LOAD_ERR_YAML_PARSE")
"""Codes of what could not be read at all."""
FAILING = {"error": ("error",), "warning": ("error", "warning"), "never": ()}
FILES = click.argument("files", nargs=-1, metavar="FILE...")
OWN = click.option("--own/--no-own", default=False, show_default=True, help="podseal's own rules before the files.")


EPILOG = """\b
Examples:
  podseal-monitor rules check mine.yaml -o text -o sarif=rules.sarif
  podseal-monitor rules check --own mine.yaml            what changes podseal's own rules
  podseal-monitor rules check --config /etc/falco/falco.yaml
  podseal-monitor rules list falco_rules.yaml -o json
  podseal-monitor rules fields -o json
  podseal-monitor rules explain mine.yaml --rule NAME --event recorded.jsonl
  podseal-monitor rules pushdown falco_rules.yaml
"""


@click.group("rules", epilog=EPILOG)
def command() -> None:
    """Rules in Falco's language."""


@command.command()
@FILES
@OWN
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="FORMAT[=FILE]",
    help="text (default), json, sarif or junit, to standard output or FILE; repeatable.",
)
@click.option(
    "--fail-on", type=click.Choice(list(FAILING)), default="error", show_default=True, help="Exit 1 from here."
)
@click.option("--sensor", is_flag=True, help="Refuse what this version's sensor cannot tell, as `run` leaves it out.")
@click.option(
    "-c",
    "--config",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Falco's falco.yaml: is it followed, and are the rules right that it names?",
)
@click.pass_context
def check(  # noqa: PLR0913 -- one parameter an option
    context: click.Context,
    files: tuple[str, ...],
    outputs: tuple[str, ...],
    fail_on: str,
    path: Path | None,
    *,
    own: bool,
    sensor: bool,
) -> None:
    """Load rules as the monitor would, in the order given, and say what is wrong.

    FILE is a file, a folder (its YAML files by name) or - for standard input. Exit codes: 0 clean, 1 problems at or
    above --fail-on, 2 wrong usage or a file that cannot be read.
    """
    options = _options() if sensor else ruleset.Options()
    problems: tuple[Problem, ...] = ()
    if path is not None:
        options, problems, files = _configured(path, options, files)
    read, loaded = _load(files, options, own=own)
    report = rule_reports.Report(
        tuple(source.name for source in read.sources), problems + read.problems + loaded.problems, len(loaded.rules)
    )
    for output in outputs or ("text",):
        _write(report, output)
    if any(problem.code in UNUSABLE for problem in report.problems):
        context.exit(EXIT_UNUSABLE)
    failed = any(problem.severity in FAILING[fail_on] for problem in report.problems)
    context.exit(EXIT_FINDINGS if failed else 0)


@command.command("list")
@FILES
@click.option("--own/--no-own", default=True, show_default=True, help="podseal's own rules before the files.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def list_rules(context: click.Context, files: tuple[str, ...], output: str, *, own: bool) -> None:
    """List the rules that are in force with these files: priority, name, tags, what they are about."""
    _read, loaded = _load(files, own=own)
    if loaded.errors:
        raise click.UsageError("\n".join(map(str, loaded.errors)), context)
    rows = [_listed(rule) for rule in loaded.rules]
    if output == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(rows)).decode())
        return
    for rule in loaded.rules:
        click.echo(f"{rule.priority.label:<14} {rule.name:<60} {' '.join(rule.tags)}".rstrip())


@command.command()
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def fields(output: str) -> None:
    """List every field: type, argument, what a sensor must fill for it."""
    rows = [_described(field) for _name, field in sorted(registry.FIELDS.items())]
    if output == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(rows)).decode())
        return
    for row in rows:
        click.echo(f"{row['name']:<42} {row['type']:<8} {row['doc']}")


@command.command()
@FILES
@OWN
@click.option("--rule", "name", required=True, help="Name of the rule.")
@click.option(
    "--event",
    "source",
    required=True,
    metavar="FILE",
    help="Recorded events, a JSON object a line; - is standard input.",
)
@click.option("--all", "whole", is_flag=True, help="Every check, not only those that decided.")
@click.pass_context
def explain(  # noqa: PLR0913 -- one parameter an option
    context: click.Context, files: tuple[str, ...], name: str, source: str, *, own: bool, whole: bool
) -> None:
    """Say of each event why a rule fires or not: the checks that decided, and values that are not known (null)."""
    _read, loaded = _load(files, own=own)
    if loaded.errors:
        raise click.UsageError("\n".join(map(str, loaded.errors)), context)
    rule = next((rule for rule in loaded.rules if rule.name == name), None)
    if rule is None:
        known = ", ".join(sorted(rule.name for rule in loaded.rules)) or "none"
        raise click.UsageError(f"no rule {name!r}; loaded are: {known}", context)
    try:
        for event in recording.read(source):
            explanation = explaining.explain(rule.condition, event)
            click.echo(f"{event.id} {event.evt.type}: {'fires' if explanation.truth else 'does not fire'}")
            for line in _lines(explanation, whole=whole):
                click.echo(f"  {line}")
    except recording.RecordingError as error:
        raise click.UsageError(str(error), context) from error


@command.command()
@FILES
@OWN
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--by-rule", is_flag=True, help="What each rule demands, not all together.")
@click.option("--maps", is_flag=True, help="What comes of it in the kernel: the maps that `run` fills.")
@click.pass_context
def pushdown(  # noqa: PLR0913 -- one parameter an option
    context: click.Context, files: tuple[str, ...], output: str, *, own: bool, by_rule: bool, maps: bool
) -> None:
    """Show which events the kernel must hand over so that the rules can fire; the others never leave it."""
    _read, loaded = _load(files, own=own)
    if loaded.errors:
        raise click.UsageError("\n".join(map(str, loaded.errors)), context)
    rules = [pushing.of_rule(rule.name, rule.condition) for rule in loaded.rules]
    together = pushing.together(rules)
    if maps:
        click.echo(f"calls on demand: {', '.join(calls.demanded(together.keys())) or 'none'}")
        click.echo(open_filter.of(together))
        return
    if output == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(rules if by_rule else together)).decode())
        return
    for rule in rules if by_rule else ():
        click.echo(rule.rule)
        for event_type, clause in rule.types.items():
            click.echo(f"  {event_type}: {clause}")
    for event_type, clauses in () if by_rule else together.items():
        for clause in clauses:
            click.echo(f"{event_type}: {clause}")


def _load(
    files: tuple[str, ...],
    options: ruleset.Options = ruleset.Options(),  # noqa: B008 -- frozen
    *,
    own: bool,
) -> tuple[rule_files.Read, ruleset.RuleSet]:
    if not files and not own:
        raise click.UsageError("name rules files, or - for standard input, or --own")
    stdin = sys.stdin.buffer.read() if rule_files.STDIN in files else b""
    read = rule_files.read(files, own=own, stdin=stdin)
    return read, ruleset.load(read.sources, options)


def _configured(
    path: Path, options: ruleset.Options, files: tuple[str, ...]
) -> tuple[ruleset.Options, tuple[Problem, ...], tuple[str, ...]]:
    """Options, warnings and files as falco.yaml has them, its files before those that are given."""
    try:
        config, warnings, _files = falco_files.load(path, ())
    except FalcoYamlError as error:
        raise click.UsageError(str(error)) from error
    following = {"priority": config.priority, "additions": config.additions, "selection": config.selection}
    return structs.replace(options, **following), warnings, rule_files.present(config.rules_files) + files


def _options() -> ruleset.Options:
    return ruleset.Options(fillable=capabilities.fillable(), delivered=capabilities.delivered())


def _write(report: rule_reports.Report, output: str) -> None:
    name, _, file = output.partition("=")
    if name not in rule_reports.names():
        raise click.UsageError(f"{name!r} is no format: expected one of {', '.join(rule_reports.names())}")
    text = rule_reports.load(name).render(report)
    if not file:
        click.echo(text, nl=False)
        return
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"{file} cannot be written: {error.strerror}") from error


def _listed(rule: ruleset.Rule) -> dict[str, object]:
    return {
        "rule": rule.name,
        "desc": rule.desc,
        "priority": rule.priority.label,
        "tags": sorted(rule.tags),
        "source": rule.source,
        "own": rule.own,
        "file": rule.place.file,
        "line": rule.place.line,
        "event_types": sorted(rule.types),
        "output": rule.output.text,
        "condition": resolve.render(rule.condition),
    }


def _described(field: registry.Field) -> dict[str, object]:
    return {
        "name": field.name,
        "type": field.type.value,
        "argument": field.argument.value,
        "values": field.several.value,
        "doc": field.doc,
        "needs": list(field.needs),
        "events": sorted(field.events or ()),
    }


def _lines(explanation: explaining.Explanation, *, whole: bool) -> Iterable[str]:
    if not whole:
        yield from map(str, explaining.deciding(explanation))
        return
    left = [(explanation, 0)]
    while left:
        part, indent = left.pop()
        shown = part if part.kind == "check" else f"{'true ' if part.truth else 'false'} {part.kind}"
        yield f"{'  ' * indent}{shown}"
        left.extend((child, indent + 1) for child in reversed(part.children))
