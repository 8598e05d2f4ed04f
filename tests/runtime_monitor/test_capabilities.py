"""What the sensor says of itself, held against its sources."""

import ast
from pathlib import Path

import msgspec

from runtime_monitor import capabilities, events
from runtime_monitor.rules import syscalls

PACKAGE = Path(events.__file__).parent
SOURCES = [path for name in ("kernel", "enrich") for path in sorted((PACKAGE / name).rglob("*.py"))]


def _mentioned() -> set[str]:
    """Every keyword and every text in the sensor's sources: an attribute that is none of them is filled by nobody."""
    nodes = [node for path in SOURCES for node in ast.walk(ast.parse(path.read_text()))]
    keywords = {node.arg for node in nodes if isinstance(node, ast.keyword) and node.arg}
    return keywords | {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_what_is_unfilled_is_what_nobody_fills() -> None:
    """Whoever fills one more attribute takes it out of UNFILLED, and rules on it are loaded from then on."""
    names = {field.encode_name: field.name for part in events.PARTS.values() for field in msgspec.structs.fields(part)}
    mentioned = _mentioned()
    assert {name for name, attribute in names.items() if attribute not in mentioned} == capabilities.UNFILLED


def test_fields_and_types() -> None:
    """Some that it has, some that it has not."""
    assert {
        "proc.name",
        "fd.name",
        "evt.num",
        "proc.duration",
        "fd.sip",
        "fd.sip.name",
        "evt.buffer",
    } <= capabilities.fillable()
    assert not {"evt.is_open_exec"} & capabilities.fillable()
    assert {"execve", "openat", "write", "renameat2", "procexit"} <= capabilities.delivered()


def test_rules_can_name_every_type_that_is_delivered() -> None:
    """But for those of 32-bit programs, which are told by their 64-bit names."""
    alone = {name for name in capabilities.delivered() - syscalls.NAMES if not name.endswith(("16", "64"))}
    assert not alone
