"""Names of event types."""

import re
from pathlib import Path

import pytest

from runtime_monitor.rules import syscalls

HEADER = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")


@pytest.mark.skipif(not HEADER.exists(), reason=f"{HEADER} is not here: install linux-libc-dev")
def test_every_system_call_of_the_headers_is_known() -> None:
    """Newer headers may bring some that no rule can name yet: then add them."""
    assert set(re.findall(r"#define __NR_(\w+)", HEADER.read_text())) <= syscalls.NAMES


def test_names_of_falco_beside_system_calls() -> None:
    """Stock rules use some."""
    assert {"container", "procexit", "pluginevent"} <= syscalls.NAMES
