"""Options that several sub-commands have, and what becomes of their values."""

from __future__ import annotations

import datetime as dt
import ipaddress
import pathlib
import re
from collections.abc import Callable
from typing import Any

import click

from certs import model

_DEFAULTS = model.Wishes()
_DNS_NAME = re.compile(r"(?=.{1,253}$)(\*\.)?([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)*[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_DURATION = re.compile(r"(?P<number>\d+)(?P<unit>[smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

type_of_folder = click.Path(file_okay=False, path_type=pathlib.Path)


class DnsName(click.ParamType[str]):
    """A DNS name, in lower case; RFC 1123 labels, a wildcard as the first."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401 - click's signature
        """The name, or a usage error."""
        name = str(value).lower().removesuffix(".")
        if not _DNS_NAME.fullmatch(name):
            self.fail(f"{value!r} is no DNS name; give letters, digits, '-' and '.', or use --ip", param, ctx)
        return name


class Address(click.ParamType[str]):
    """An IPv4 or IPv6 address in its shortest form."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401 - click's signature
        """The address, or a usage error."""
        try:
            return str(ipaddress.ip_address(value))
        except ValueError:
            self.fail(f"{value!r} is no IP address; give one as 192.0.2.1 or 2001:db8::1", param, ctx)


class Duration(click.ParamType[dt.timedelta]):
    """A number and its unit: 90s, 10m, 12h, 30d."""

    name = "duration"

    def convert(  # noqa: D102 - the class says it
        self,
        value: Any,  # noqa: ANN401 - click's signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> dt.timedelta:
        if isinstance(value, dt.timedelta):
            return value
        match = _DURATION.fullmatch(str(value))
        if match is None:
            self.fail(f"{value!r} is no duration; give a number and s, m, h or d, as in 10m", param, ctx)
        return dt.timedelta(**{_UNITS[match["unit"]]: int(match["number"])})


def names(command: Callable[..., None]) -> Callable[..., None]:
    """`--dns` and `--ip`."""
    command = click.option(
        "--ip", "addresses", type=Address(), multiple=True, help="IP address to serve (repeatable)."
    )(command)
    return click.option("--dns", type=DnsName(), multiple=True, help="DNS name to serve (repeatable).")(command)


def lives(command: Callable[..., None]) -> Callable[..., None]:
    """`--days-ca` and `--days-leaf`."""
    days = click.FloatRange(min=0, min_open=True, max=36500)
    command = click.option(
        "--days-leaf",
        type=days,
        default=_DEFAULTS.leaf_life.days,
        show_default=True,
        help="Life of a new serving certificate.",
    )(command)
    return click.option(
        "--days-ca",
        type=days,
        default=_DEFAULTS.authority_life.days,
        show_default=True,
        help="Life of a new authority.",
    )(command)


def wishes(
    served: tuple[str, ...],
    days_ca: float,
    days_leaf: float,
    settle: dt.timedelta = _DEFAULTS.settle,
) -> model.Wishes:
    """The options as Wishes.

    Raises:
        click.UsageError: a serving certificate would outlive its authority.
    """
    if days_leaf > days_ca:
        raise click.UsageError(
            f"--days-leaf {days_leaf:g} is longer than --days-ca {days_ca:g}; "
            "a serving certificate ends with its authority"
        )
    return model.Wishes(
        names=served,
        authority_life=dt.timedelta(days=days_ca),
        leaf_life=dt.timedelta(days=days_leaf),
        settle=settle,
    )


def clock() -> dt.datetime:
    """The time, for `reconcile.Site`."""
    return dt.datetime.now(dt.UTC)
