"""The reference tables in the documentation are what the code says."""

import os
import re

import pytest

from tests import reference

NAMED = re.compile(r"\[`(test_\w+)`\]\(([\w./]+\.py)\)")
"""A test in a link to its file."""


@pytest.mark.parametrize("name", reference.FILES)
def test_generated_tables_are_up_to_date(name: str) -> None:
    """A drifted table fails; PODSEAL_REWRITE=1 makes it anew."""
    path = reference.ROOT / name
    if os.environ.get("PODSEAL_REWRITE") == "1":
        path.write_text(reference.render(path.read_text()))
    assert path.read_text() == reference.render(path.read_text())


@pytest.mark.parametrize("name", [*reference.FILES, "webhook/THREATS.md"])
def test_every_test_that_is_named_exists(name: str) -> None:
    """What the documentation claims by a test's name is shown by that test, in the file that the link leads to."""
    page = reference.ROOT / name
    named = NAMED.findall(page.read_text())
    missing = [
        f"{test} in {path}" for test, path in named if f"def {test}(" not in (page.parent / path).resolve().read_text()
    ]
    assert not missing


def test_each_claim_beside_others_is_backed_by_a_test() -> None:
    """Every cell of ours in the table of exceptions."""
    section = (reference.ROOT / "README.md").read_text().partition("## Exceptions, beside others")[2]
    rows = [line for line in section.partition("\n## ")[0].splitlines() if line.startswith("| ")][2:]
    assert len(rows) > 10
    assert not [row for row in rows if not NAMED.search(row.rstrip("| ").rpartition("| ")[2])]


def test_every_table_is_shown_somewhere() -> None:
    """A table that no file shows is dead code."""
    shown = {
        match["name"]
        for name in reference.FILES
        for match in reference.SECTION.finditer((reference.ROOT / name).read_text())
    }
    assert shown == set(reference.TABLES)
