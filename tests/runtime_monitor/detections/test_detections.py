"""podseal's own rules: each file on its events in <name>/alert.jsonl and <name>/quiet.jsonl.

A line is a recorded event without what all of them share. Every alert line fires a rule of the file, every rule of the
file fires on one of them, and on a quiet line none does.
"""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from runtime_monitor import detections
from runtime_monitor.rules import engine, event_types, program, ruleset, syscalls
from tests.runtime_monitor.rules import given

HERE = Path(__file__).parent
TEXTS = dict(detections.texts())
NAMES = [name.removeprefix("podseal:").removesuffix(".yaml") for name in TEXTS]
BEHAVIOURS = sorted(name for name in NAMES if name != "common")
LOADED = ruleset.load([ruleset.Source(name, text) for name, text in TEXTS.items()])


def _events(name: str, kind: str) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in (HERE / name / f"{kind}.jsonl").read_bytes().splitlines()]


def _rules(name: str) -> set[str]:
    return {rule.name for rule in LOADED.rules if rule.place.file == f"podseal:{name}.yaml"}


@pytest.fixture(scope="module")
def running() -> engine.Engine:
    """All of them, every one asked."""
    return engine.Engine(program.build(LOADED, first=False))


def test_they_load_without_a_warning() -> None:
    """As any rules file must."""
    assert not LOADED.problems


def test_every_behaviour_has_its_events() -> None:
    """And every folder of events a behaviour."""
    assert sorted(path.name for path in HERE.iterdir() if path.is_dir() and path.name != "__pycache__") == BEHAVIOURS


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_a_behaviour_alerts_on_its_events_and_on_no_others(name: str, running: engine.Engine) -> None:
    """The rules of the file, whatever others say."""
    own, seen = _rules(name), set()
    for flat in _events(name, "alert"):
        fired = own & set(running.verdict(given.recorded(flat)))
        assert fired, flat
        seen |= fired
    assert seen == own
    for flat in _events(name, "quiet"):
        assert not own & set(running.verdict(given.recorded(flat))), flat


def test_the_gravest_of_several_counts() -> None:
    """A package manager, or a program in memory, that begins a session is not told as one more exec."""
    first = engine.Engine(program.build(LOADED, first=True))
    session = {"evt.type": "execve", "container.id": "0123456789ab", "exec.session": "s", "exec.kind": "exec",
               "podseal.session_entry": True, "podseal.shell": False}  # fmt: skip
    assert first.verdict(given.recorded(session)) == ("Process started in a container from outside",)
    installs = session | {"proc.name": "apt-get", "proc.argv": ["install", "x"]}
    assert first.verdict(given.recorded(installs)) == ("Package manager in a running container",)
    assert first.verdict(given.recorded(session | {"drift.layer": "memfd"})) == ("Program executed from memory",)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_argues_first(name: str) -> None:
    """The comment at its top says why, with the priority's name where it has rules."""
    comment = "".join(line for line in TEXTS[f"podseal:{name}.yaml"].partition("\n- ")[0].splitlines(keepends=True))
    assert comment.startswith("# ")
    priorities = {rule.priority.label for rule in LOADED.rules if rule.name in _rules(name)}
    assert all(priority in comment for priority in priorities)


@pytest.mark.parametrize("rule", LOADED.rules, ids=lambda rule: rule.name)
def test_a_rule_binds_its_event_types_and_names_its_techniques(rule: ruleset.Rule) -> None:
    """No rule is asked for every event; tags have MITRE's numbers."""
    assert event_types.possible(rule.condition) < syscalls.NAMES
    assert any(re.fullmatch(r"T\d{4}(\.\d{3})?", tag) for tag in rule.tags)
    assert any(tag.startswith("mitre_") for tag in rule.tags)
