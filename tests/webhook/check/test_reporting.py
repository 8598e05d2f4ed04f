"""What the reporting commands share."""

import itertools
from pathlib import Path

import click
import pytest

from webhook.check import reporting

FORMATS = reporting.OutputType(lambda: ["json", "sarif", "table"])


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("json", reporting.Output("json")),
        ("sarif=out.sarif", reporting.Output("sarif", "out.sarif")),
        ("json=a=b", reporting.Output("json", "a=b")),
    ],
)
def test_an_output_is_a_format_and_perhaps_a_file(text: str, output: reporting.Output) -> None:
    """The first equals sign parts them; a value that is converted already stays."""
    assert FORMATS.convert(text, None, None) == output
    assert FORMATS.convert(output, None, None) == output


def test_an_unknown_format_is_refused_with_those_there_are() -> None:
    """The remedy stands in the message."""
    with pytest.raises(click.BadParameter, match="'yaml' is no format; choose from json, sarif, table"):
        FORMATS.convert("yaml", None, None)


def test_a_shell_is_offered_what_fits() -> None:
    """Completion goes by the beginning."""
    context = click.Context(click.Command("scan"))
    offered = FORMATS.shell_complete(context, click.Option(["-o"]), "s")
    assert [each.value for each in offered] == ["sarif"]


def test_what_cannot_be_written_is_a_usage_error(tmp_path: Path) -> None:
    """The message names the file and the reason."""
    with pytest.raises(click.UsageError, match=r"cannot write .*absent/out: No such file"):
        reporting.write(str(tmp_path / "absent" / "out"), b"")


def test_each_threshold_contains_the_stricter_one() -> None:
    """What fails at one threshold fails at every later one: never, deny, warn, audit."""
    sets = [reporting.FAILING[name] for name in ("never", "deny", "warn", "audit")]
    assert all(one < two for one, two in itertools.pairwise(sets))
