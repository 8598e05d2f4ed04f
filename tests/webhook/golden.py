"""Golden files: compared whole, and written anew with PODSEAL_REWRITE=1."""

import os
from pathlib import Path


def compare(path: Path, text: str) -> None:
    """Fail where the file differs from the text; with PODSEAL_REWRITE=1 write it instead."""
    if os.environ.get("PODSEAL_REWRITE") == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    assert path.exists(), f"{path} is missing; PODSEAL_REWRITE=1 writes it"
    assert text.encode() == path.read_bytes(), f"{path} differs; if that is right, PODSEAL_REWRITE=1 writes it anew"
