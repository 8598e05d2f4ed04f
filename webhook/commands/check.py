"""`podseal check`: options in, reports and an exit code out. What it means is in `webhook.check`.

In: a command line, PODSEAL_CHECK_* variables, files. Out: reports on standard output or in files; exit 0, 1 or 2.
"""

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from webhook import settings
from webhook.check import files, judge, model, progress, reporting, reports, run, terminal
from webhook.config_file import ConfigError
from webhook.policy import labels
from webhook.policy import model as policy_model

EPILOG = """\b
Examples:
  podseal check deploy/                              a folder, for a person
  helm template shop ./chart | podseal check -       a chart as it would be installed
  podseal check deploy/ -o text -o sarif=out.sarif   for a person and for a code host
  podseal check deploy/ --write-baseline known.json  accept what is there today, then
  podseal check deploy/ --baseline known.json        fail on what is new
  podseal check deploy/ --profile strict --show-mutated

\b
Exit codes: 0 clean, 1 findings at or above --fail-on, 2 wrong usage or input that cannot be read.
Every option has a variable: --fail-on is PODSEAL_CHECK_FAIL_ON.
"""


class Options(Struct, frozen=True):
    """The command line, as click hands it over."""

    paths: tuple[str, ...]
    stdin_filename: str
    namespace_labels: dict[str, str]
    profile: str | None
    policy: str | None
    outputs: tuple[reporting.Output, ...]
    fail_on: reporting.FailOn
    write_baseline: str | None
    baseline: str | None
    show_mutated: bool
    jobs: int
    color: bool | None
    quiet: bool


def _labels(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    """`k=v,k=v`, any number of times, as one mapping; the last of a key counts."""
    found = {}
    for pair in ",".join(given).split(","):
        key, equals, value = pair.strip().partition("=")
        if not (key and equals) and pair.strip():
            raise click.BadParameter(f"{pair.strip()!r} is no label; write key=value[,key=value]")
        if key:
            found[key] = value
    return found


FILE = click.Path(dir_okay=False)


@click.command(epilog=EPILOG)
@click.argument("paths", nargs=-1, metavar="PATH...")
@click.option("--stdin-filename", default="<stdin>", show_default=True, help="What reports call standard input.")
@click.option(
    "--namespace-labels",
    multiple=True,
    metavar="K=V[,K=V]",
    callback=_labels,
    help="Labels of the namespace to judge by; those of Namespace objects in the input win.",
)
@click.option("--profile", type=click.Choice(labels.PROFILES), help="The profile to enforce, above all labels.")
@click.option("--policy", type=FILE, metavar="FILE", help="podseal.yaml; else it is looked for from here upward.")
@click.option(
    "-o",
    "--output",
    "-f",
    "--format",
    "outputs",
    type=reporting.OutputType(reports.names),
    multiple=True,
    help="text (default), json, sarif, junit or github, to standard output or FILE; repeatable.",
)
@click.option(
    "--fail-on",
    type=click.Choice(tuple(reporting.FAILING)),
    default="deny",
    show_default=True,
    help="Exit 1 from here.",
)
@click.option("--write-baseline", type=FILE, metavar="FILE", help="Write what is found as known, and succeed.")
@click.option("--baseline", type=FILE, metavar="FILE", help="Findings in FILE are known and do not fail.")
@click.option("--show-mutated", is_flag=True, help="Show each pod before and after the webhook, as a diff.")
@click.option("--jobs", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes to judge with.")
@click.option("--color/--no-color", default=None, help="Colour; by default on terminals without NO_COLOR.")
@click.option("-q", "--quiet", is_flag=True, help="Findings only: no remedies, no summary, no progress.")
@click.pass_context
def command(context: click.Context, /, **given: Any) -> None:  # noqa: ANN401 -- click hands over what the options say
    """Judge manifests as the webhook would judge their pods.

    PATH is a file, a folder (its .yaml, .yml and .json files) or - for standard input. Helm's and kustomize's output,
    Lists and several documents in a file are read; what holds no pod is passed over.
    """
    options = Options(**given)
    report = _run(options, context)
    report = _with_baseline(report, options)
    failing = reporting.FAILING[options.fail_on]
    _report(report, options, failing)
    if report.problems:
        context.exit(reporting.EXIT_UNUSABLE)
    failed = any(row.mode in failing for row in report.rows)
    context.exit(reporting.EXIT_FINDINGS if failed and not options.write_baseline else 0)


def _run(options: Options, context: click.Context) -> model.Report:
    paths = options.paths
    if not paths:
        if sys.stdin.isatty():
            raise click.UsageError("nothing to check: name files or folders, or - for standard input", context)
        paths = (files.STDIN,)
    data = sys.stdin.buffer.read(files.MAX_BYTES + 1) if files.STDIN in paths else b""
    bar = progress.Bar(sys.stderr, time.monotonic)
    try:
        return run.run(
            run.Request(paths, files.Source(options.stdin_filename, data), _rules(options), options.jobs),
            (lambda _done, _total: None) if options.quiet else bar,
        )
    finally:
        bar.close()


def _rules(options: Options) -> judge.Rules:
    try:
        policies = settings.policies(Path(options.policy) if options.policy else settings.find(Path.cwd()))
    except ConfigError as error:
        raise click.UsageError(str(error)) from error
    return judge.Rules(
        defaults=policies.defaults,
        catalogue=policies.catalogue,
        exempt=policies.exempt,
        now=datetime.now(UTC),
        namespace_labels=options.namespace_labels,
        profile=options.profile or "",
        show_mutated=options.show_mutated,
    )


def _with_baseline(report: model.Report, options: Options) -> model.Report:
    if not (options.write_baseline or options.baseline):
        return report
    from webhook.check import baseline  # noqa: PLC0415 -- brings hashlib, and start-up counts

    if options.write_baseline:
        reporting.write(options.write_baseline, baseline.render(report))
    if not options.baseline:
        return report
    content = files.content(files.Source(options.baseline))
    try:
        if isinstance(content, model.Problem):
            raise ValueError(content.reason)  # noqa: TRY301, TRY004 -- both causes get the same remedy
        return baseline.apply(report, baseline.parse(content))
    except ValueError as error:
        message = f"baseline {options.baseline}: {error}; write one with --write-baseline"
        raise click.UsageError(message) from error


def _report(report: model.Report, options: Options, failing: frozenset[policy_model.Mode]) -> None:
    wanted = options.outputs
    if not wanted:
        on_github = bool(os.environ.get("GITHUB_ACTIONS"))
        names = ("text", "github") if on_github else ("text",)
        wanted = tuple(map(reporting.Output, names))
    colored = terminal.may_color(sys.stdout, os.environ) if options.color is None else options.color
    for output in wanted:
        style = terminal.Style(colored and not output.file)
        text = reports.load(output.format).render(report, reports.Look(style, options.quiet, failing))
        if output.file:
            reporting.write(output.file, text.encode())
        else:
            click.echo(text, nl=False, color=True)
    if not any(output.format == "text" and not output.file for output in wanted):
        for problem in report.problems:
            click.echo(f"podseal check: {problem.file}:{problem.line}: {terminal.printable(problem.reason)}", err=True)
