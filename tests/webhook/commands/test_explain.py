"""`podseal explain`: every control, one control, the nearest of an unknown one."""

import json

import pytest
from click.testing import CliRunner, Result

from webhook import cli
from webhook.policy import controls


def _explain(*arguments: str) -> Result:
    return CliRunner().invoke(cli.main, ["explain", *arguments])


@pytest.mark.parametrize("control", controls.CONTROLS.values(), ids=controls.CONTROLS.keys())
def test_a_control_is_explained(control: controls.Control) -> None:
    """Why, what is allowed, since when, how to fix and how to be exempted, in lines of a terminal's width."""
    shown = _explain(control.id)
    assert shown.exit_code == 0
    words = " ".join(shown.output.split())
    for said in (control.title, control.why, control.allowed, control.fix_hint, *control.fields):
        assert " ".join(said.split()) in words
    assert f"podseal.dev/exempt.{control.id}=YYYY-MM-DD" in words
    assert f"exemptions.podseal.dev, resourceName {control.id}" in words
    for rule in control.rules:
        assert f"{rule.profile} since v{rule.since}" in words
    assert max(map(len, shown.output.splitlines())) <= 130


def test_without_a_control_all_are_listed() -> None:
    """One line each, with the weakest profile that checks it."""
    lines = _explain().output.splitlines()[1:]
    assert [line.split()[0] for line in lines] == list(controls.CONTROLS)
    assert next(line.split()[1] for line in lines if line.startswith("run-as-root")) == "default"


def test_an_unknown_control_suggests_the_nearest() -> None:
    """Exit 2, as any wrong usage."""
    refused = _explain("priviledged")
    assert refused.exit_code == 2
    assert "there is no control 'priviledged'; did you mean privileged?" in refused.output


def test_json_holds_the_same() -> None:
    """One object for one control, a list for all."""
    one = json.loads(_explain("privileged", "-o", "json").output)
    every = json.loads(_explain("-o", "json").output)
    assert [each["control"] for each in every] == list(controls.CONTROLS)
    assert one in every
    assert one["profiles"] == [{"profile": "baseline", "since": "v1"}]
