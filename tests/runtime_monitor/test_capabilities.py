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


def test_every_attribute_is_filled_by_somebody() -> None:
    """So that no rule is silently false for the want of it."""
    names = {field.encode_name: field.name for part in events.PARTS.values() for field in msgspec.structs.fields(part)}
    mentioned = _mentioned()
    assert not {name for name, attribute in names.items() if attribute not in mentioned}


def test_fields_and_types() -> None:
    """Some that it has, some that it has not: socketcall is told as what was called by it."""
    assert {"proc.name", "fd.name", "evt.num", "proc.duration", "fd.sip.name", "evt.buffer"} <= capabilities.fillable()
    assert {"execve", "openat", "write", "renameat2", "procexit", "connect", "setuid"} <= capabilities.delivered()
    assert not {"socketcall", "setuid16", "switch"} & capabilities.delivered()


def test_rules_can_name_every_type_that_is_delivered() -> None:
    """All of them are Falco's names."""
    assert capabilities.delivered() <= syscalls.NAMES
