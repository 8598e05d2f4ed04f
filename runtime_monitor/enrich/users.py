"""The name of a user, by the container's own passwd and group.

In: an Event with a uid, and the container's root. Out: the Event with `user.name`, `user.loginname` and `group.name`.
Called by the pipeline. uid 1000 has another name in each image, and none at all where the image has no passwd: then the
name stays unknown. The files are the container's, so they may be anything; they are read bounded, and again once they
changed.
"""

import os
from typing import Final

import msgspec
from msgspec import Struct

from runtime_monitor.enrich import rooted
from runtime_monitor.events import Event

LARGEST: Final = 256 * 1024
LONGEST_NAME: Final = 256  # LOGIN_NAME_MAX
MOST_ENTRIES: Final = 4096
MOST_CONTAINERS: Final = 1024
STARTS: Final = frozenset({"execve", "execveat"})
"""Events at which the files are looked at anew: a look costs ten microseconds, and writes come by the thousand."""
NAME, NUMBER = 0, 2
"""Columns of passwd(5) and group(5)."""


class Names(Struct, frozen=True):
    """One container's names: uid -> user, gid -> group. `stamp` tells when the files were as read."""

    users: dict[int, str]
    groups: dict[int, str]
    stamp: tuple[tuple[int, int] | None, ...] = ()


class Users:
    """Remembers the names of each container, by its id."""

    def __init__(self) -> None:
        self._known: dict[str, Names] = {}

    def __call__(self, event: Event, inhabitant: int | None = None) -> Event:
        """The event with the names that the container gives its user and group.

        `inhabitant` is a process of the same container, whose root is read where the event's own has ended.
        """
        container, user = event.container.full_id, event.user
        if container is None or (user.uid is None and user.gid is None) or event.proc.pid is None:
            return event
        names = self._known.get(container)
        if names is None or event.evt.type in STARTS:
            names = self._names(container, (event.proc.pid, inhabitant))
        if names is None:
            return event
        named = msgspec.structs.replace(
            user,
            name=names.users.get(_number(user.uid)),
            group=names.groups.get(_number(user.gid)),
            login_name=names.users.get(_number(user.login_uid)),
        )
        return event if named == user else msgspec.structs.replace(event, user=named)

    def forget(self, container: str) -> None:
        """A container has ended."""
        self._known.pop(container, None)

    def _names(self, container: str, pids: tuple[int | None, ...]) -> Names | None:
        root = next((root for pid in pids if pid and (root := rooted.open_root(pid)) is not None), None)
        if root is None:
            # Both have ended already; what their container said before still holds.
            return self._known.get(container)
        try:
            known = self._known.get(container)
            stamp = tuple(_stamp(root, path) for path in ("etc/passwd", "etc/group"))
            if known is not None and known.stamp == stamp:
                return known
            read = Names(names(_read(root, "etc/passwd")), names(_read(root, "etc/group")), stamp)
        finally:
            os.close(root)
        while len(self._known) >= MOST_CONTAINERS:
            del self._known[next(iter(self._known))]
        self._known[container] = read
        return read


def names(data: bytes) -> dict[int, str]:
    """Number -> name of a passwd or group file; the first line of a number counts, as in getpwuid(3)."""
    found: dict[int, str] = {}
    for line in data.split(b"\n", MOST_ENTRIES)[:MOST_ENTRIES]:
        columns = line.split(b":", 3)
        if len(columns) <= NUMBER or not columns[NAME] or len(columns[NAME]) > LONGEST_NAME:
            continue
        number = columns[NUMBER]
        if len(number) <= 10 and number.isdigit():  # noqa: PLR2004 -- a uid has 32 bits
            found.setdefault(int(number), columns[NAME].decode(errors="replace"))
    return found


def _number(value: int | None) -> int:
    return -1 if value is None else value


def _stamp(root: int, path: str) -> tuple[int, int] | None:
    status = rooted.identity(root, path)
    return None if status is None else (status.st_ino, status.st_mtime_ns)


def _read(root: int, path: str) -> bytes:
    return rooted.read(root, path, LARGEST) or b""
