"""Records as the programs write them, for tests: `record(kind=…, path=b"leaf/dir/")` -> bytes."""

from typing import Any

from runtime_monitor.kernel import layout


def record(pieces: dict[str, bytes] | None = None, **values: Any) -> bytes:  # noqa: ANN401 -- numbers and names
    """A record with these values, zero elsewhere."""
    pieces = pieces or {}
    lengths = {f"length_{name}": len(text) for name, text in pieces.items()}
    fields = {name: b"" if name.endswith("comm") else 0 for name in layout.Record._fields} | lengths | values
    fixed = layout.pack(layout.Record(**fields))
    return fixed + b"".join(pieces[name] for name in layout.PIECES if name in pieces)
