"""Fuzz of rules files: whatever stands in them, loading ends with rules or with problems, never with a traceback.

Short in the suite; PODSEAL_FUZZ_SECONDS=600 makes it run longer. What is loaded: podseal's own rules with parts cut
out, repeated, exchanged, and pieces of the language put in.
"""

import os
import time

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from runtime_monitor import detections
from runtime_monitor.rules import engine, program, ruleset
from tests.fuzz.alterations import altered
from tests.runtime_monitor.rules import given as made

SECONDS = float(os.environ.get("PODSEAL_FUZZ_SECONDS", "5"))
TEXTS = [text for _name, text in detections.texts()]
PIECES = (
    *("- rule: x\n", "  condition: ", "- list: a\n  items: [", "- macro: m\n", "  override: {", "append", "replace"),
    *("evt.type in (", "proc.name", " and ", " or ", "not ", "(", ")", "'", '"', "\\", "%", "\n", "\t", "&a ", "*a"),
    *("---\n", "{", "}", "=", "!=", " regex ", " glob ", "[", "]", "val(", "tolower(", " exists", "0x", "-", "\x00"),
    *("\ud800", "é", "|", " oneof (", " allof (", "getopt(proc.args, 'x:')", "(" * 1200, "not (" * 1200, ")" * 1200),
)


@pytest.mark.timeout(SECONDS + 120)
def test_a_file_of_rules_is_loaded_or_refused_with_its_place() -> None:
    """And what is loaded can be compiled, sent to another process, and run."""
    ends = time.monotonic() + SECONDS
    happened = made.event("openat", fd__name="/etc/x", container__id="abc", drift__kind="write")

    @settings(
        max_examples=100,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(altered(TEXTS, PIECES))
    def load(text: str) -> None:
        loaded = ruleset.load([ruleset.Source("a.yaml", TEXTS[0]), ruleset.Source("b.yaml", text)])
        for problem in loaded.problems:
            assert problem.place.file in ("a.yaml", "b.yaml")
            assert problem.message
            assert str(problem)
        if not loaded.errors:
            data = msgspec.msgpack.encode(program.build(loaded))
            ready = engine.Engine(msgspec.msgpack.decode(data, type=program.Program))
            for alert in ready.judge(happened):
                assert msgspec.json.encode(alert)
            assert not ready.disabled

    while time.monotonic() < ends:
        load()
