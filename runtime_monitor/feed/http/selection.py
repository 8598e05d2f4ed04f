"""The filters of a URL: `?priority=warning&namespace=shop&rule=Shell*` -> a Query, and whether an alert fits it.

In: the parameters of a request. Out: a `Query`, or the parameter that is wrong. Pure. Called by `app` and `stream`, so
that the page's first alerts and those that follow are chosen alike.
"""

import datetime as dt
import fnmatch
from collections.abc import Mapping
from typing import Final

from runtime_monitor.alerts import Alert
from runtime_monitor.feed.filters import priority_of
from runtime_monitor.spool.reader import Query

TEXTS: Final = ("rule", "namespace", "pod", "user", "session")
LONGEST: Final = 500
FIELDS: Final = {"namespace": "k8s.ns.name", "session": "exec.session"}


class ParameterError(ValueError):
    """A parameter of a request that is none; the text names it."""


def read(parameters: Mapping[str, str]) -> Query:
    """The query of a request's parameters; those that are no filter are another's to read.

    Raises:
        ParameterError: a priority or a time is none, or a text is too long.
    """
    texts = {name: parameters.get(name, "") for name in TEXTS}
    for name, value in texts.items():
        if len(value) > LONGEST:
            raise ParameterError(f"{name}: longer than {LONGEST} characters")
    try:
        priority = priority_of(parameters.get("priority") or "debug")
    except ValueError as error:
        raise ParameterError(f"priority: {error}") from error
    return Query(
        priority=priority,
        since=_moment("since", parameters.get("since", "")),
        until=_moment("until", parameters.get("until", "")),
        **texts,
    )


def number(parameters: Mapping[str, str], name: str, default: int | None, highest: int) -> int | None:
    """A whole number of a parameter, at most `highest`.

    Raises:
        ParameterError: it is none.
    """
    text = parameters.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 20):  # noqa: PLR2004 -- what 64 bits hold
        raise ParameterError(f"{name}: {text[:40]!r} is no number")
    return min(int(text), highest)


def fits(query: Query, alert: Alert) -> bool:
    """Whether the spool would have found this alert for the query."""
    fields = alert.output_fields
    user = fields.get("exec.user") or fields.get("user.name")
    return (
        alert.priority <= query.priority
        and (not query.rule or _matches(alert.rule, query.rule))
        and (not query.pod or _matches(fields.get("k8s.pod.name"), query.pod))
        and (not query.user or str(user) == query.user)
        and all(
            not getattr(query, name) or str(fields.get(key)) == getattr(query, name) for name, key in FIELDS.items()
        )
        and (query.since is None or alert.time >= query.since)
        and (query.until is None or alert.time < query.until)
    )


def _matches(value: object, pattern: str) -> bool:
    # A bracket is itself, as in the spool.
    return value is not None and fnmatch.fnmatchcase(str(value), pattern.replace("[", "[[]"))


def _moment(name: str, text: str) -> int | None:
    """RFC 3339, or seconds since 1970 -> nanoseconds."""
    if not text:
        return None
    try:
        if text.isascii() and text.isdigit() and len(text) < 12:  # noqa: PLR2004 -- seconds, of some thousand years
            return int(text) * 1_000_000_000
        moment = dt.datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp() * 1e9)
    except (ValueError, OverflowError) as error:
        raise ParameterError(f"{name}: {text[:40]!r} is no time; 2026-11-26T05:10:10Z is one") from error
