"""drift.*, cp.* and podseal.*: podseal's own; how a container departed from its image.

Source: the layer on which a file lies (kernel) and the session's command (`enrich`).
"""

from runtime_monitor.events import Event
from runtime_monitor.rules.fields.field import Field, Several, Type, plain


def _paths(event: Event) -> tuple[str, ...] | None:
    return event.drift.copy_paths


FIELDS = (
    plain("drift.kind", "drift.kind", Type.STRING, "write, attempt, exec or escape."),
    plain("drift.layer", "drift.layer", Type.STRING, "Where the file lies: upper, memfd, deleted, volume."),
    plain("drift.copy_direction", "cp.direction", Type.STRING, "Of a kubectl cp: in or out."),
    Field(
        name="cp.paths",
        type=Type.STRING,
        doc="Paths of a kubectl cp.",
        needs=("cp.paths",),
        read=_paths,
        several=Several.LIST,
    ),
    plain("drift.shell", "podseal.shell", Type.BOOLEAN, "Whether the executable is a shell by what it is."),
    plain("drift.repeated", "podseal.repeated", Type.BOOLEAN, "Whether the process opened this file before, told."),
    plain("evt.gap", "podseal.gap", Type.NUMBER, "Events lost on this CPU since the one before."),
    plain("fd.writes", "podseal.writes", Type.NUMBER, "Further writes that this event sums up."),
    plain("fd.bytes_written", "podseal.bytes", Type.NUMBER, "Bytes of the writes that this event sums up."),
)
