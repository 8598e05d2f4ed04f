"""What a bed has changed on the machine, on disk before it is changed, so that any later process can undo it.

In: a `Record`. Out: one JSON file for each bed in `.cluster/records/`. Written by bed, read by teardown and by
whoever attaches to a running bed.
"""

import dataclasses
import json
import pathlib
import urllib.parse

from tests.cluster import layouts, processes

RECORDS = layouts.DEFAULT_BED / "records"


@dataclasses.dataclass(frozen=True)
class Record:
    """One bed.

    `owner` is the process that will tear it down; None: it stays until `python -m tests.cluster down`.
    `network` is a number that no other bed on the machine has; the pods' subnet and the API server's port follow
    from it. `tunables` are kernel settings (path below /proc/sys -> value) as they were before.
    """

    folder: pathlib.Path
    network: int
    owner: processes.ProcessId | None
    tunables: dict[str, str]
    programs: dict[str, processes.ProcessId] = dataclasses.field(default_factory=dict)

    @property
    def abandoned(self) -> bool:
        """Say whether the process that should tear it down has died."""
        return self.owner is not None and not self.owner.alive()

    def with_program(self, name: str, process: processes.ProcessId) -> "Record":
        """Return the record with one more program, or with another process for a program."""
        return dataclasses.replace(self, programs={**self.programs, name: process})


def _file(folder: pathlib.Path) -> pathlib.Path:
    return RECORDS / (urllib.parse.quote(str(folder), safe="") + ".json")


def save(record: Record) -> None:
    """Write the record, whole or not at all."""
    RECORDS.mkdir(parents=True, exist_ok=True)
    file = _file(record.folder)
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(dataclasses.asdict(record), default=str, indent=1) + "\n")
    fresh.replace(file)


def load(folder: pathlib.Path) -> Record:
    """Return the record of the bed in `folder`.

    Raises:
        FileNotFoundError: no bed runs there.
    """
    return _parse(_file(folder))


def load_all() -> list[Record]:
    """Return the records of all beds that this checkout started and that were not torn down."""
    return [_parse(file) for file in sorted(RECORDS.glob("*.json"))]


def claim(abandoned: Record, owner: processes.ProcessId) -> Record | None:
    """Make `owner` the one who tears an abandoned bed down; None when another process was faster."""
    file = _file(abandoned.folder)
    taken = file.with_suffix(f".{owner.pid}")
    try:
        file.rename(taken)
    except FileNotFoundError:
        return None
    claimed = dataclasses.replace(abandoned, owner=owner)
    save(claimed)
    taken.unlink()
    return claimed


def forget(folder: pathlib.Path) -> None:
    """Remove the record of a bed that is gone, and the folders that are empty then."""
    _file(folder).unlink(missing_ok=True)
    for emptied in (RECORDS, RECORDS.parent):
        try:
            emptied.rmdir()
        except OSError:
            return


def _parse(file: pathlib.Path) -> Record:
    raw = json.loads(file.read_text())
    return Record(
        folder=pathlib.Path(raw["folder"]),
        network=raw["network"],
        owner=processes.ProcessId(**raw["owner"]) if raw["owner"] else None,
        tunables=raw["tunables"],
        programs={name: processes.ProcessId(**process) for name, process in raw["programs"].items()},
    )
