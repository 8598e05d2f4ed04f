"""Brings one built object into the kernel: constants set, maps shared by their pins, programs loaded and attached.

In: the path of an object, the bpffs folder of the shared maps, values for its constants. Out: `Loaded`, which holds the
object open; closing it detaches what is not pinned. Called by `sensor`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from runtime_monitor.kernel.btf import Types
from runtime_monitor.kernel.libbpf import KernelError, check, ffi, library, text

_LOG_SIZE: Final = 1 << 20
_LOG_TAIL: Final = 12
FOLLOWER: Final = "follow_"
"""Programs of this prefix are not attached: `dispatch` goes on to them by a tail call."""


@dataclass(frozen=True)
class Plan:
    """What to bring in: values of `constants` by name; `can_attach` says of a program's section if it can be used."""

    path: Path
    maps_folder: Path
    constants: Mapping[str, bytes]
    can_attach: Callable[[str], bool]
    ring_bytes: int = 8 << 20


@dataclass
class Loaded:
    """An object in the kernel. `maps` and `programs` give descriptors by name."""

    path: Path
    handle: Any
    maps: dict[str, int]
    programs: dict[str, int]
    links: dict[str, Any] = field(default_factory=dict)

    def close(self) -> None:
        """Detach what is not pinned and let go of the object."""
        for link in self.links.values():
            library().bpf_link__destroy(link)
        self.links.clear()
        library().bpf_object__close(self.handle)


def load(plan: Plan) -> Loaded:
    """Open, set and load; nothing is attached yet. Raises `KernelError` with the end of the verifier's log."""
    log = ffi.new("char[]", _LOG_SIZE)
    folder = ffi.new("char[]", str(plan.maps_folder).encode())
    options = ffi.new("struct bpf_object_open_opts *")
    options.sz = ffi.sizeof("struct bpf_object_open_opts")
    options.pin_root_path = folder
    options.kernel_log_buf = log
    options.kernel_log_size = _LOG_SIZE
    handle = check(f"opening {plan.path}", library().bpf_object__open_file(str(plan.path).encode(), options))
    try:
        _set_constants(handle, plan)
        used = set()
        for name, program in _programs(handle):
            if plan.can_attach(text(library().bpf_program__section_name(program))):
                used.add(name)
            else:
                library().bpf_program__set_autoload(program, False)
        check(f"loading {plan.path.name}", library().bpf_object__load(handle))
    except KernelError as error:
        library().bpf_object__close(handle)
        tail = "\n".join(text(log).splitlines()[-_LOG_TAIL:])
        raise KernelError(f"{error}" + (f"; the verifier says:\n{tail}" if tail else "")) from error
    return Loaded(
        path=plan.path,
        handle=handle,
        maps={text(library().bpf_map__name(each)): library().bpf_map__fd(each) for each in _maps(handle)},
        programs={name: library().bpf_program__fd(program) for name, program in _programs(handle) if name in used},
    )


def attach(loaded: Loaded) -> None:
    """Attach every program that was loaded, but for those that are followed to; raises `KernelError`."""
    for name, program in _programs(loaded.handle):
        if name in loaded.programs and not name.startswith(FOLLOWER):
            link = library().bpf_program__attach(program)
            loaded.links[name] = check(f"attaching {loaded.path.name}'s {name}", link)


def _set_constants(handle: Any, plan: Plan) -> None:  # noqa: ANN401 -- libbpf's object
    with Types.of_object(handle) as types:
        variables = types.variables(".rodata")
    for each in _maps(handle):
        name = text(library().bpf_map__name(each))
        if name == "ring":
            check("sizing the ring", library().bpf_map__set_max_entries(each, plan.ring_bytes))
        if not name.endswith(".rodata"):
            continue
        size = ffi.new("size_t *")
        start = library().bpf_map__initial_value(each, size)
        section = ffi.buffer(start, size[0])
        for variable in variables.keys() & plan.constants.keys():
            offset, length = variables[variable]
            value = plan.constants[variable]
            if len(value) != length:
                raise KernelError(f"{plan.path.name}: {variable} takes {length} bytes, not {len(value)}")
            section[offset : offset + length] = value


def _maps(handle: Any) -> Iterator[Any]:  # noqa: ANN401 -- libbpf's object
    each = library().bpf_object__next_map(handle, ffi.NULL)
    while each != ffi.NULL:
        yield each
        each = library().bpf_object__next_map(handle, each)


def _programs(handle: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 -- libbpf's object
    each = library().bpf_object__next_program(handle, ffi.NULL)
    while each != ffi.NULL:
        yield text(library().bpf_program__name(each)), each
        each = library().bpf_object__next_program(handle, each)
