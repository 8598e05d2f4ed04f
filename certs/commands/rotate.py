"""`podseal-certs rotate`: the next step of a rotation before it is due."""

from __future__ import annotations

import datetime as dt

import click

from certs import errors, force, layout, model, reconcile, rotation, steps
from certs.commands import options, sources

_RENEWAL = (steps.Renew, steps.Promote)
_CHANGE = (steps.Stage, steps.Promote, steps.Retire)
_FOLLOWING = (steps.Publish, steps.MarkPublished)
_NEXT = {
    steps.Stage: f"when every caBundle holds {layout.TRUST}, run this again: the new authority signs then",
    steps.Promote: "when every webhook serves the new certificate, run this again: the old authority goes then",
}


@click.command(
    epilog="""\b
Examples:
  podseal-certs rotate --dir .dev/certs            # a new serving certificate
  podseal-certs rotate --dir .dev/certs --ca       # stages a new authority; again: it signs; again: the old goes
  podseal-certs rotate --secret podseal-tls -n podseal-system --webhook-configuration podseal --ca"""
)
@sources.folder_or_secret
@click.option("--ca", "authority", is_flag=True, help="Change the authority; each call takes one step.")
@options.wishes
def command(source: sources.Source, authority: bool, wishes: model.Wishes) -> None:  # noqa: FBT001 - click passes by name
    """Take the next step now: a new serving certificate, or with --ca one step of a change of authority.

    What is due anyway is done first, and counts. A step that would break what is served is refused.
    """
    site = source.site(wishes)
    data, _ = site.store.read()
    _refuse(site, data)
    taken = _step(site, authority=authority)
    for step in reconcile.due(site, only=_FOLLOWING):
        click.echo(f"{site.store}: {step.done}")
    if authority and type(taken) in _NEXT:
        click.echo(f"{site.store}: {_NEXT[type(taken)]}")


def _refuse(site: reconcile.Site, data: reconcile.Items) -> None:
    if not data:
        raise errors.CertsError(str(site.store), "holds no certificates", "make them with podseal-certs init or run")
    if layout.decode(data).state.foreign:
        raise errors.CertsError(
            str(site.store), "was made by somebody else (there is no ca.key)", "rotate it where it is made"
        )


def _step(site: reconcile.Site, *, authority: bool) -> steps.Step:
    def choose(now: dt.datetime, state: model.State, _: rotation.Bundles) -> steps.Step:
        step = force.change(now, site.wishes, state) if authority else force.renewal(now, state)
        if isinstance(step, force.Refusal):
            raise errors.CertsError(str(site.store), step.cause, step.remedy)
        return step

    for step in reconcile.due(site):
        click.echo(f"{site.store}: {step.done} ({step.reason})")
        if isinstance(step, _CHANGE if authority else _RENEWAL):
            return step
    forced = reconcile.insist(site, choose)
    click.echo(f"{site.store}: {forced.done}")
    return forced
