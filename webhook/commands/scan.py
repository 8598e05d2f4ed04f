"""`podseal scan`: options in, an answer about a running cluster and an exit code out. Its meaning is in `webhook.scan`.

In: a command line, PODSEAL_SCAN_* variables, a cluster. Out: reports on standard output, in files or as objects of the
cluster; exit 0, 1 or 2.
"""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from datetime import time as time_of_day
from pathlib import Path
from typing import Any

import click
import msgspec
from msgspec import Struct

from webhook import apiserver, config_file, settings
from webhook.check import progress, reporting, reports, terminal
from webhook.check.reports import sarif
from webhook.policy import model as policy_model
from webhook.scan import collect, grants, judge, model, policyreports, preflight, rbac, waivers, walk
from webhook.scan.reports import findings
from webhook.scan.reports import grants as grants_report
from webhook.scan.reports import preflight as preflight_report
from webhook.scan.reports import waivers as waivers_report

POLICY_REPORTS = "policyreports"
FORMATS = ("table", "json", "sarif", POLICY_REPORTS)
LESS = ("table", "json")
"""The formats of answers that are no findings."""

EPILOG = """\b
Examples:
  podseal scan                                     what runs today, for a person
  podseal scan -n shop -o sarif=shop.sarif         one namespace, for a code host
  podseal scan --as-of 2027-02-01                  what breaks when waivers have expired by then
  podseal scan --expiring 14                       waivers to prolong, and waivers to drop
  podseal scan --preflight                         what an installation would do to this cluster
  podseal scan --grants                            who can undo what podseal does
  podseal scan -o policyreports                    as objects, for dashboards

\b
Exit codes: 0 clean, 1 findings at or above --fail-on (of --expiring: warn is an end, audit an unused waiver), 2 wrong
usage, or a cluster that does not answer or refuses.
It needs list on pods and namespaces (get on the namespace, where one is named); --grants needs list on the four kinds
of RBAC; -o policyreports needs list, create, patch and delete on the reports.
"""


class Options(Struct, frozen=True):
    """The command line, as click hands it over."""

    namespaces: tuple[str, ...]
    selector: str
    as_of: datetime | None
    expiring: int | None
    preflight: bool
    grants: bool
    outputs: tuple[reporting.Output, ...]
    fail_on: reporting.FailOn
    kubeconfig: str | None
    policy: str | None
    color: bool | None
    quiet: bool

    @property
    def request(self) -> walk.Request:
        """What to look at."""
        return walk.Request(self.namespaces, self.selector)

    @property
    def until(self) -> str:
        """The later date, empty where none is asked for."""
        return self.as_of.date().isoformat() if self.as_of else ""


class Answer(Struct, frozen=True):
    """What to show in each format, made only where it is asked for, and whether the run fails."""

    formats: dict[str, Callable[[terminal.Style], str]]
    failed: bool


FILE = click.Path(dir_okay=False)


@click.command(epilog=EPILOG)
@click.option("-n", "--namespace", "namespaces", multiple=True, metavar="NAME", help="Only this one; repeatable.")
@click.option("-l", "--selector", default="", metavar="LABELS", help="Only pods with these labels, as for kubectl.")
@click.option(
    "--as-of", type=click.DateTime(("%Y-%m-%d",)), metavar="DATE", help="What is new at the end of that day (UTC)."
)
@click.option(
    "--expiring", type=click.IntRange(0, 36500), metavar="DAYS", help="Waivers that end within DAYS, or are unused."
)
@click.option("--preflight", is_flag=True, help="What an installation would deny and change, and what to exclude.")
@click.option("--grants", is_flag=True, help="Who can grant exemptions, break the glass or go around podseal.")
@click.option(
    "-o",
    "--output",
    "outputs",
    type=reporting.OutputType(lambda: FORMATS),
    multiple=True,
    help="table (default), json, sarif or policyreports, to standard output or FILE; repeatable.",
)
@click.option(
    "--fail-on",
    type=click.Choice(tuple(reporting.FAILING)),
    default="deny",
    show_default=True,
    help="Exit 1 from here.",
)
@click.option("--kubeconfig", type=FILE, metavar="FILE", help="Else this pod's account, else ~/.kube/config.")
@click.option("--policy", type=FILE, metavar="FILE", help="podseal.yaml; else it is looked for from here upward.")
@click.option("--color/--no-color", default=None, help="Colour; by default on terminals without NO_COLOR.")
@click.option("-q", "--quiet", is_flag=True, help="No remedies, no summary, no progress.")
@click.pass_context
def command(context: click.Context, /, **given: Any) -> None:  # noqa: ANN401 -- click hands over what the options say
    """Judge what runs in a cluster, as the webhook would judge it if it were created now."""
    now = datetime.now(UTC)
    options = Options(**given)
    if options.as_of:
        end_of_day = time_of_day(23, 59, 59, tzinfo=UTC)
        options = msgspec.structs.replace(options, as_of=datetime.combine(options.as_of.date(), end_of_day))
    _refuse_contradictions(options, now)
    try:
        answer = _answer(options, now)
    except apiserver.Refused as refused:
        click.echo(f"podseal scan: {terminal.printable(str(refused))}", err=True)
        context.exit(reporting.EXIT_UNUSABLE)
    _show(answer, options)
    context.exit(reporting.EXIT_FINDINGS if answer.failed else 0)


def _refuse_contradictions(options: Options, now: datetime) -> None:
    """One question at a time, in a format that it has."""
    questions = {
        "--as-of": options.as_of is not None,
        "--expiring": options.expiring is not None,
        "--preflight": options.preflight,
        "--grants": options.grants,
    }
    asked = [name for name, said in questions.items() if said]
    if len(asked) > 1:
        raise click.UsageError(f"{' and '.join(asked)} are different questions; ask one at a time")
    if options.as_of and options.as_of < now:
        raise click.UsageError(f"--as-of {options.until} is past; give today or a later day")
    if options.grants and (options.namespaces or options.selector):
        raise click.UsageError("--grants is about the whole cluster; leave out --namespace and --selector")
    question = asked[0] if asked else ""
    for output in options.outputs:
        offered = FORMATS if not question else FORMATS[:3] if question == "--as-of" else LESS
        if output.format not in offered:
            raise click.UsageError(f"{question} has no format {output.format}; choose from {', '.join(offered)}")
        if output.format == POLICY_REPORTS and output.file:
            raise click.UsageError(f"-o {POLICY_REPORTS} writes objects, not a file; leave out ={output.file}")
        if output.format == POLICY_REPORTS and options.selector:
            raise click.UsageError(f"-o {POLICY_REPORTS} reports on whole namespaces; leave out --selector")


def _answer(options: Options, now: datetime) -> Answer:
    client = apiserver.connect(options.kubeconfig)
    failing = reporting.FAILING[options.fail_on]
    if options.grants:
        return _grants(client, options)
    rules = judge.Rules(_policies(options), now, options.as_of, options.preflight)
    bar = progress.Bar(sys.stderr, time.monotonic, "pods")
    try:
        found = walk.scan(client, options.request, rules, (lambda _done, _total: None) if options.quiet else bar)
        if any(output.format == POLICY_REPORTS for output in options.outputs):
            found = _written(found, policyreports.Writer(client, now), options)
        scan = collect.collect(found)
    finally:
        bar.close()
    if options.preflight:
        return _preflight(scan, options, failing)
    if options.expiring is not None:
        return _expiring(scan, options, now, failing)
    return _findings(scan, options, failing)


def _policies(options: Options) -> settings.Policies:
    try:
        return settings.policies(Path(options.policy) if options.policy else settings.find(Path.cwd()))
    except config_file.ConfigError as error:
        raise click.UsageError(str(error)) from error


def _written(
    found: Iterable[model.Namespace], writer: policyreports.Writer, options: Options
) -> Iterator[model.Namespace]:
    """The same results, each written as it comes: no more than one namespace's need be in memory for it."""
    for namespace in found:
        writer.write(namespace)
        yield namespace
    writer.remove_stale(options.namespaces)
    if not options.quiet:
        where = f"{writer.api.plural} ({writer.api.group_version})"
        click.echo(f"podseal scan: {where}: {writer.written} written, {writer.removed} removed", err=True)


def _findings(scan: model.Scan, options: Options, failing: frozenset[policy_model.Mode]) -> Answer:
    until = options.until
    return Answer(
        {
            "table": lambda style: _lines(findings.table(scan, style, until=until, quiet=options.quiet)),
            "json": lambda _style: _json(findings.value(scan, until)),
            "sarif": lambda _style: sarif.render(scan.report, reports.Look()),
        },
        # Of what is cut the modes are not known: there was more of it than anybody wants to pass.
        failed=any(getattr(scan.counts, mode) for mode in failing) or bool(scan.counts.cut and failing),
    )


def _preflight(scan: model.Scan, options: Options, failing: frozenset[policy_model.Mode]) -> Answer:
    found = preflight.preflight(scan)
    left_out = {*preflight.ALWAYS_EXEMPT, *found.exempt_namespaces}
    return Answer(
        {
            "table": lambda style: _lines(preflight_report.table(found, scan, style, quiet=options.quiet)),
            "json": lambda _style: _json(preflight_report.value(found, scan)),
        },
        failed="deny" in failing and any(each.denied for each in found.impacts if each.namespace not in left_out),
    )


def _expiring(scan: model.Scan, options: Options, now: datetime, failing: frozenset[policy_model.Mode]) -> Answer:
    days = options.expiring or 0
    rows = waivers.to_act_on((use for each in scan.namespaces for use in each.uses), now, days)
    return Answer(
        {
            "table": lambda style: _lines(waivers_report.table(rows, days, style)),
            "json": lambda _style: _json(waivers_report.value(rows)),
        },
        failed=any((row.expiring and "warn" in failing) or (row.unused and "audit" in failing) for row in rows),
    )


def _grants(client: apiserver.Client, options: Options) -> Answer:
    found = grants.grants(rbac.read(client))
    return Answer(
        {
            "table": lambda style: _lines(grants_report.table(found, style, quiet=options.quiet)),
            "json": lambda _style: _json(grants_report.value(found)),
        },
        failed=False,
    )


def _show(answer: Answer, options: Options) -> None:
    colored = terminal.may_color(sys.stdout, os.environ) if options.color is None else options.color
    for output in options.outputs or (reporting.Output("table"),):
        if output.format == POLICY_REPORTS:
            continue
        text = answer.formats[output.format](terminal.Style(colored and not output.file))
        if output.file:
            reporting.write(output.file, text.encode())
        else:
            click.echo(text, nl=False, color=True)


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"
