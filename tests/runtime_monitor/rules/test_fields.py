"""All fields: what each class reads is a table in fields/<class>.yaml, and every field has a row."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from runtime_monitor.rules import fields
from tests.runtime_monitor.rules import given

FOLDER = Path(__file__).parent / "fields"
ROWS: dict[str, dict[str, Any]] = {
    path.stem: yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("*.yaml"))
}
CASES = [(kind, name) for kind, table in ROWS.items() for name in table["values"]]


def _read(text: str, flat: dict[str, Any]) -> Any:  # noqa: ANN401 -- any type of the language
    name, _, argument = text.partition("[")
    field, ready = fields.find(name, argument.rstrip("]") if argument else None)
    value = field.value(given.recorded(flat), ready)
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize(("kind", "name"), CASES, ids=[f"{kind}: {name}" for kind, name in CASES])
def test_a_field_is_read(kind: str, name: str) -> None:
    """From the class's event; and from an event that knows nothing comes null."""
    found = _read(name, ROWS[kind]["event"])
    assert found == ROWS[kind]["values"][name]
    assert found is not None, "a row that shows nothing"
    if name not in ROWS[kind].get("never_null", ()):
        assert _read(name, {}) is None


def test_every_field_has_a_row() -> None:
    """A new field without a case fails here."""
    shown = {fields.find(name.partition("[")[0], "0" if "[" in name else None)[0].name for _kind, name in CASES}
    assert set(fields.FIELDS) - shown == set()


@pytest.mark.parametrize(
    ("name", "argument", "reason"),
    [
        ("proc.nam", None, "nonexistent field proc.nam: did you mean proc.name?"),
        ("zzz.zzz", None, "nonexistent field zzz.zzz"),
        ("proc.name", "1", "takes no argument"),
        ("evt.arg", None, "needs an argument"),
        ("proc.aname", "x", "must be a number"),
        ("proc.aname", "9" * 30, "must be a number"),
        ("evt.arg.flags", "x", "nonexistent field"),
    ],
)
def test_what_is_no_field_is_refused(name: str, argument: str | None, reason: str) -> None:
    """With the reason, and what was probably meant."""
    with pytest.raises(fields.Unknown) as caught:
        fields.find(name, argument)
    assert reason in str(caught.value)


def test_the_fields_of_the_stock_rules_exist() -> None:
    """All 108 that Falco's three files of rules use, as listed by name."""
    listed = (FOLDER / "stock_fields.txt").read_text().split()
    assert len(listed) == 108
    for text in listed:
        name, _, argument = text.partition("[")
        fields.find(name, argument.rstrip("]") or None)
