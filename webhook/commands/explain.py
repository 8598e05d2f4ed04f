"""`podseal explain [CONTROL]`: what a control checks, why, how to comply and how to be exempted.

In: a control's id. Out: its record as text or JSON. The texts are the controls' own.
"""

import textwrap
from typing import Any

import click
import msgspec

from webhook.policy import controls, labels

WIDTH = 100


class ControlType(click.ParamType[str]):
    """The id of a control; an unknown one suggests the nearest."""

    name = "CONTROL"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401 -- click's signature
        """Refuse unknown ids."""
        name = str(value)
        if name not in controls.CONTROLS:
            nearest = labels.nearest(name, controls.CONTROLS)
            self.fail(f"there is no control {name!r}{nearest}; `podseal explain` lists all", param, ctx)
        return name


def _ids(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """What a shell offers for CONTROL."""
    return [name for name in controls.CONTROLS if name.startswith(incomplete)]


@click.command()
@click.argument("control", type=ControlType(), required=False, shell_complete=_ids)
@click.option("-o", "--output", type=click.Choice(("text", "json")), default="text", show_default=True)
def command(control: str | None, output: str) -> None:
    """Tell what CONTROL checks and why, or list all controls."""
    chosen = [controls.CONTROLS[control]] if control else list(controls.CONTROLS.values())
    if output == "json":
        described = [_described(each) for each in chosen]
        whole: object = described[0] if control else described
        click.echo(msgspec.json.format(msgspec.json.encode(whole), indent=2).decode())
    elif control:
        click.echo(_text(chosen[0]))
    else:
        click.echo(_list(chosen))


def _described(control: controls.Control) -> dict[str, object]:
    return {
        "control": control.id,
        "title": control.title,
        "why": control.why,
        "fields": control.fields,
        "allowed": control.allowed,
        "fix": control.fix_hint,
        "repaired_by_webhook": control.fix is not None,
        "profiles": [{"profile": rule.profile, "since": f"v{rule.since}"} for rule in control.rules],
        "pod_security": control.pod_security,
        "exempt": {"label": _label(control), "grant": _grant(control)},
    }


def _label(control: controls.Control) -> str:
    return f"{labels.PREFIX}exempt.{control.id}=YYYY-MM-DD"


def _grant(control: controls.Control) -> str:
    return f"verb grant on exemptions.{labels.GROUP}, resourceName {control.id}"


def _list(chosen: list[controls.Control]) -> str:
    width = max(len(control.id) for control in chosen)
    rows = [f"{control.id:<{width}}  {_weakest(control):<8}  {control.title}" for control in chosen]
    return "\n".join([f"{'CONTROL':<{width}}  {'FROM':<8}  WHAT", *rows])


def _weakest(control: controls.Control) -> str:
    return min((rule.profile for rule in control.rules), key=controls.RANK.__getitem__)


def _text(control: controls.Control) -> str:
    profiles = "; ".join(f"{rule.profile} since v{rule.since}" for rule in control.rules)
    sections = [
        ("Why", control.why),
        ("Fields", "\n".join(control.fields)),
        ("Allowed", control.allowed),
        ("Profiles", f"{profiles}; a stricter profile takes over what a weaker one checks"),
        ("Fix", control.fix_hint + ("; the webhook does it where it may (label mutate)" if control.fix else "")),
        ("Exempt", _exemption(control)),
    ]
    if control.pod_security:
        sections.append(("Pod Security", f"covers {', '.join(control.pod_security)}"))
    body = "\n".join(f"{title:<14}{_wrapped(text)}" for title, text in sections)
    return f"{control.id}: {control.title}\n\n{body}"


def _exemption(control: controls.Control) -> str:
    return (
        f"kubectl label namespace NAME {_label(control)}\n"
        f"The date is the last valid day, UTC. Whoever sets the label needs the {_grant(control)}, "
        f"by a ClusterRoleBinding. Annotations {labels.PREFIX}exempt.{control.id}.serviceaccounts and .images "
        "narrow it, .reason and .ticket say why."
    )


def _wrapped(text: str) -> str:
    lines = [line for part in text.split("\n") for line in textwrap.wrap(part, WIDTH - 14, break_long_words=False)]
    return "\n".join([lines[0], *(" " * 14 + line for line in lines[1:])]) if lines else ""
