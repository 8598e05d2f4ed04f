"""Options that several sub-commands have, and what becomes of their values."""

from __future__ import annotations

import datetime as dt
import functools
import inspect
import ipaddress
import pathlib
import re
from collections.abc import Callable
from typing import Any

import click

from certs import model

_DEFAULTS = model.Wishes()
_DNS_NAME = re.compile(r"(?=.{1,253}$)(\*\.)?([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)*[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_DURATION = re.compile(r"(?P<number>[0-9]{1,4})(?P<unit>[smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

Decorator = Callable[[Callable[..., None]], Callable[..., None]]
"""Adds options to a command."""

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
            self.fail(f"{value!r} is no duration; give up to four digits and s, m, h or d, as in 10m", param, ctx)
        return dt.timedelta(**{_UNITS[match["unit"]]: int(match["number"])})


def gathered(name: str, build: Callable[..., object], *declared: Decorator) -> Decorator:
    """Options that reach the command as one value, `build` of them all.

    Args:
        name: the command's parameter.
        build: takes the options' values by their names.
        declared: the options, in the order of `--help`.
    """
    keys = tuple(inspect.signature(build).parameters)

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def gathering(**values: object) -> None:
            value = build(**{key: values.pop(key) for key in keys})
            command(**{name: value}, **values)

        decorated: Callable[..., None] = gathering
        for option in reversed(declared):
            decorated = option(decorated)
        return decorated

    return decorate


def _names(dns: tuple[str, ...], addresses: tuple[str, ...]) -> tuple[str, ...]:
    return (*dict.fromkeys(dns), *dict.fromkeys(addresses))


def _wishes(days_ca: float, days_leaf: float, settle: dt.timedelta) -> model.Wishes:
    if days_leaf > days_ca:
        raise click.UsageError(
            f"--days-leaf {days_leaf:g} is longer than --days-ca {days_ca:g}; "
            "a serving certificate ends with its authority"
        )
    authority_life, leaf_life = dt.timedelta(days=days_ca), dt.timedelta(days=days_leaf)
    return model.Wishes(authority_life=authority_life, leaf_life=leaf_life, settle=settle)


def _days(name: str, default: dt.timedelta, meaning: str) -> Decorator:
    days = click.FloatRange(min=0, min_open=True, max=36500)
    return click.option(name, type=days, default=default.days, show_default=True, metavar="DAYS", help=meaning)


names = gathered(
    "names",
    _names,
    click.option("--dns", type=DnsName(), multiple=True, help="DNS name to serve (repeatable)."),
    click.option("--ip", "addresses", type=Address(), multiple=True, help="IP address to serve (repeatable)."),
)
"""`--dns` and `--ip` as a tuple `names`."""

wishes = gathered(
    "wishes",
    _wishes,
    _days("--days-ca", _DEFAULTS.authority_life, "Life of a new authority."),
    _days("--days-leaf", _DEFAULTS.leaf_life, "Life of a new serving certificate."),
    click.option(
        "--settle",
        type=Duration(),
        default="10m",
        show_default=True,
        help="How long a new authority is published before it signs, and an old one stays at least.",
    ),
)
"""`--days-ca`, `--days-leaf` and `--settle` as a value `wishes` without names."""


def clock() -> dt.datetime:
    """The time, for `reconcile.Site`."""
    return dt.datetime.now(dt.UTC)
