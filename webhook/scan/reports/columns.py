"""Rows of cells -> aligned lines.

In: a head and rows of text. Out: lines. Called by the other modules here. Cells come from the cluster: nothing in them
reaches a terminal as a command.
"""

from collections.abc import Iterable, Sequence

from webhook.check.terminal import Style, printable

LOOKS = {"deny": "red", "warn": "yellow", "audit": "blue"}
"""Cells that are painted."""


def aligned(head: Sequence[str], rows: Iterable[Sequence[str]], style: Style) -> list[str]:
    """Lines with two spaces between the columns; the last one is as long as it is."""
    safe = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(head, *safe, strict=True)]
    lines = [style.paint(_line(head, widths), "bold")]
    for row in safe:
        padded = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)]
        painted = [
            style.paint(text, LOOKS[cell]) if cell in LOOKS else text for text, cell in zip(padded, row, strict=True)
        ]
        lines.append("  ".join(painted).rstrip())
    return lines


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()


def number(count: int, what: str) -> str:
    """`1 pod`, `2 pods`."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
