"""The programs' filter of opens in the running kernel, held against its twin; and how it is exchanged."""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from runtime_monitor.bpf import build
from runtime_monitor.events import Event
from runtime_monitor.kernel import filters, open_filter
from runtime_monitor.kernel.open_filter import Tables
from runtime_monitor.kernel.sensor import Sensor, Settings
from runtime_monitor.rules import pushdown
from runtime_monitor.selftest import container, entry, uring
from tests import waiting
from tests.kernel import able
from tests.runtime_monitor.kernel.openings import Opening, told
from tests.runtime_monitor.rules import given as rules

pytestmark = pytest.mark.kernel

LONG = "n" * 60
DEEP = "/deep/1/2/3/4/5/6/7/8/9/file"
FILES = (
    *(
        "/etc/pam.d/login",
        "/etc/pam.conf",
        "/etc/shade",
        "/srv/a",
        "/srv/ab",
        "/srv/id_rsa",
        "/srv/x.log",
        "/srv/x.logs",
    ),
    *(f"/srv/{LONG}", f"/srv/{LONG}x", f"/srv/{LONG[:55]}", f"/srv/{LONG[:56]}", f"/srv/{LONG}.log", DEEP, DEEP + "s"),
    *("/home/me/.ssh/id_rsa", "/home/me/ssh/id_rsa", "/home/me/.ssh/known", "/srv/\udcff", "/srv/..x"),
)
"""In the container's image, each of them is opened."""
VOLUME = ("/srv/a", "/proc/self/environ", f"{container.VOLUME}/release_agent", f"{container.VOLUME}/x.log")
MARK = "/srv/end"
CONDITIONS = {
    "nothing beyond changes": (),
    "exact": ("fd.name in (/srv/a, /etc/pam.conf, /nowhere)",),
    "exact, from the top": (f"fd.name in ({DEEP}, /srv)",),
    "beginnings": ("fd.name startswith /etc/pam", "fd.name startswith /deep/1/2/3/4/5/6/7/8/9/f"),
    "directories": ("fd.directory in (/etc/pam.d, /home/me/.ssh)",),
    "long names": (f"fd.name in (/srv/{LONG}, /srv/{LONG[:55]})",),
    "a long beginning": (f"fd.name startswith /srv/{LONG[:56]}",),
    "a short and a long beginning": (f"fd.name startswith /srv/n or fd.name = /srv/{LONG[:55]}",),
    "ends": ("fd.name endswith .log",),
    "ends with a directory": ("fd.name endswith /.ssh/id_rsa",),
    "last names": ("fd.filename in (id_rsa, a)",),
    "a long last name": (f"fd.filename = {LONG}x",),
    "globs": ("fd.name glob /home/*/id_rsa or fd.name glob /proc/*/environ",),
    "for writing alone": ("evt.is_open_write = true and fd.name endswith release_agent",),
    "with dots": ("fd.nameraw contains ../ and fd.name startswith /srv/",),
    "of ../ the dots alone": ('fd.nameraw contains ".."',),
    "any with dots": ("fd.nameraw contains ../",),
    "no bytes of UTF-8": ('fd.name endswith "\\xff"',),
    "everything": ("fd.num >= 0",),
}
"""Name -> the conditions of rules."""


def tables(*conditions: str) -> Tables:
    """Of rules with these conditions."""
    texts = [f"evt.type = openat and {each}" for each in conditions]
    return open_filter.of(pushdown.together(pushdown.of_rule("a", rules.resolved(text)) for text in texts))


def openings() -> list[Opening]:
    """Every file for reading, some for writing, some by a way with dots in it."""
    found = [Opening(os.fsencode(path), os.fsencode(path)) for path in FILES]
    found += [Opening(os.fsencode(path), os.fsencode(path), on_root=path.startswith("/srv/")) for path in VOLUME]
    found += [
        Opening(os.fsencode(path), os.fsencode(path), writes=True, on_root=path.startswith("/srv/"))
        for path in VOLUME[2:]
    ]
    long = "/srv/" + "./" * 40
    found += [Opening(b"/srv/a", given) for given in (b"/etc/../srv/a", b"/srv/./a", os.fsencode(f"{long}../srv/a"))]
    found += [Opening(b"/srv/..x", b"/srv/./..x"), Opening(b"/srv/a", os.fsencode(long) + b"a")]
    # Two dots and a slash at each place of the words and parts in which the programs read.
    found += [Opening(b"/srv/a", b"/" * number + b"etc/../srv/a") for number in range(1, 132)]
    return [*found, Opening(b"/srv/a", b"/srv/a", writes=True)]


def play(opened: list[Opening]) -> None:
    """In the container."""
    for each in opened:
        os.close(os.open(each.given, os.O_WRONLY if each.writes else os.O_RDONLY))
    os.close(os.open(MARK, os.O_WRONLY))


@dataclass(frozen=True)
class Stage:
    """A sensor and a container with all the files."""

    sensor: Sensor
    container: container.Container

    def install(self, *conditions: str) -> Tables:
        """Let the kernel go by rules with these conditions."""
        made = tables(*conditions)
        for _ in self.sensor.prepare(made):
            pass
        self.sensor.narrow(frozenset(), made)
        return made

    def told(self, opened: list[Opening]) -> list[Event]:
        """What the sensor tells of these opens."""
        return self.told_of(lambda: play(opened))

    def told_of(self, function: Callable[[], None]) -> list[Event]:
        """What it tells of the opens of a function, which runs in the container; its last one is of `MARK`."""
        pid = entry.call(self.container, function).pid
        found: list[Event] = []

        def ended() -> bool:
            found.extend(event for event in self.sensor.poll(0.1) if event.proc.pid == pid)
            return any(event.fd.name == MARK for event in found)

        waiting.until(ended, "the last open", 30)
        return [event for event in found if event.evt.type == "openat" and event.fd.name != MARK]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """Made once: the rules change, the programs run on."""
    able.to_load_programs()
    build.build()
    image = dict.fromkeys((*FILES, MARK), b"") | {"/srv/a": b"a"}
    with (
        container.running(container.Configuration(image=image)) as made,
        Sensor.open(Settings()) as sensor,
    ):
        for path in VOLUME[2:]:
            (made.root / path.lstrip("/")).touch()
        yield Stage(sensor, made)


@pytest.mark.parametrize("name", CONDITIONS)
def test_the_programs_tell_what_their_twin_tells(stage: Stage, name: str) -> None:
    """Each of the opens, by the same tables."""
    made, played = stage.install(*CONDITIONS[name]), openings()
    expected = [os.fsdecode(each.given) for each in played if told(made, each)]
    assert [event.fd.name_raw for event in stage.told(played)] == expected


def test_what_lies_on_another_mount_is_no_change_of_the_root(stage: Stage) -> None:
    """But it is the container's, and has the path that its processes see."""
    stage.install("fd.name endswith release_agent")
    path = f"{container.VOLUME}/release_agent"
    event = stage.told([Opening(path.encode(), path.encode(), writes=True, on_root=False)])[0]
    assert (event.fd.name, event.fd.root, event.drift.kind) == (path, stage.container.device, None)
    assert event.evt.is_open_write


def test_an_open_for_reading_that_was_refused_is_told_where_a_rule_asks(stage: Stage) -> None:
    """Whatever its path: nothing was resolved."""

    def refused() -> None:
        os.setuid(65534)
        with pytest.raises(PermissionError):
            os.open("/srv/secret", os.O_RDONLY)
        with pytest.raises(PermissionError):
            os.open("/srv/../srv/secret", os.O_RDONLY)
        play([])

    (stage.container.root / "srv/secret").touch(0o600)
    (stage.container.root / MARK.lstrip("/")).chmod(0o666)
    stage.install("fd.nameraw contains ../")
    told = [(event.fd.name_raw, event.drift.kind, event.evt.result) for event in stage.told_of(refused)]
    assert told == [("/srv/../srv/secret", None, "EACCES")]


def test_between_two_sets_of_rules_everything_is_told(stage: Stage) -> None:
    """So that neither misses an event."""
    made, played = tables(), [Opening(b"/srv/a", b"/srv/a"), Opening(b"/etc/pam.conf", b"/etc/pam.conf")]
    stage.install("fd.name = /srv/a")
    assert [event.fd.name for event in stage.told(played)] == ["/srv/a"]
    for _ in stage.sensor.prepare(made):
        pass
    assert [event.fd.name for event in stage.told(played)] == ["/srv/a"]
    stage.sensor.widen(frozenset())
    assert [event.fd.name for event in stage.told(played)] == ["/srv/a", "/etc/pam.conf"]
    stage.sensor.narrow(frozenset(), made)
    assert stage.told(played) == []


def test_what_was_in_force_before_is_removed_with_the_next_change(stage: Stage) -> None:
    """Two sets lie in the map at most."""
    steps = stage.sensor.programs.map("steps", *filters.MAPS["steps"])
    stage.install(*(f"fd.name = /many/{number}" for number in range(50)))
    stage.install("fd.name = /a")
    assert len(list(steps.items())) == 51 + 1
    stage.install("fd.name = /b")
    assert len(list(steps.items())) == 1 + 1


def test_a_changed_filter_is_tampering(stage: Stage) -> None:
    """Its value, or one of many entries, sooner or later."""
    stage.install(*(f"fd.name = /many/{number}" for number in range(100)))
    assert stage.sensor.tampered() == []
    steps = stage.sensor.programs.map("steps", *filters.MAPS["steps"])
    steps.discard(next(key for key, _ in steps.items() if key.rstrip(b"\0").endswith(b"77")))
    looks = [stage.sensor.tampered() for _ in range(2)]
    assert ["other opens are told than the rules ask for"] in looks
    stage.install()
    assert stage.sensor.tampered() == []
    stage.sensor.programs.map("filters", *filters.MAPS["filters"]).put(bytes(4), bytes(filters.MAPS["filters"][1]))
    assert stage.sensor.tampered() == ["other opens are told than the rules ask for"]
    stage.install()


def test_an_open_for_reading_by_io_uring_is_told_where_a_rule_asks_for_any(stage: Stage) -> None:
    """As it is submitted: nothing of its path is known then."""

    def opened() -> None:
        with contextlib.closing(uring.Ring()) as ring:
            os.close(ring.open("/srv/ab", os.O_RDONLY))
        play([])

    try:
        stage.install("fd.name = /srv/a")
        told = [(event.fd.name, event.drift.kind, event.evt.is_open_write) for event in stage.told_of(opened)]
        assert told == [("/srv/ab", None, False)]
        stage.install()
        assert stage.told_of(opened) == []
    except entry.TriggerError as error:
        able.need(given="io_uring_setup" not in str(error), reason="needs io_uring: kernel.io_uring_disabled = 0")
        raise
