"""Falco's stock rules file: where it is on this machine.

The file is not ours to copy. In: PODSEAL_FALCO_RULES, else ../shared/falco beside the repository. Out: `PATH`, and the
mark `needed` for tests that need it. Called by tests and benchmarks.
"""

import os
from pathlib import Path

import pytest

NAME = "PODSEAL_FALCO_RULES"
BESIDE = Path(__file__).resolve().parents[2] / "shared" / "falco" / "falco_rules.yaml"
PATH = Path(os.environ.get(NAME) or BESIDE)

needed = pytest.mark.skipif(not PATH.is_file(), reason=f"no stock rules: neither {NAME} nor {BESIDE} is a file")
