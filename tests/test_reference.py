"""The reference tables in the documentation are what the code says."""

import os

import pytest

from tests import reference


@pytest.mark.parametrize("name", reference.FILES)
def test_generated_tables_are_up_to_date(name: str) -> None:
    """A drifted table fails; PODSEAL_REWRITE=1 makes it anew."""
    path = reference.ROOT / name
    if os.environ.get("PODSEAL_REWRITE") == "1":
        path.write_text(reference.render(path.read_text()))
    assert path.read_text() == reference.render(path.read_text())


def test_every_table_is_shown_somewhere() -> None:
    """A table that no file shows is dead code."""
    shown = {
        match["name"]
        for name in reference.FILES
        for match in reference.SECTION.finditer((reference.ROOT / name).read_text())
    }
    assert shown == set(reference.TABLES)
