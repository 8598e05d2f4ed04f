"""Brings one built object into the kernel: constants set, maps shared by their pins, programs loaded and attached.

In: the path of an object, the bpffs folder of the shared maps, values for its constants. Out: `Loaded`, which holds the
object open; closing it detaches what is not pinned. Called by `sensor`.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from runtime_monitor.kernel import tiers
from runtime_monitor.kernel.btf import Types
from runtime_monitor.kernel.libbpf import KernelError, check, ffi, library, text
from runtime_monitor.kernel.tiers import Tier

_TRACING, _TRACE_FENTRY = 26, 24  # enum bpf_prog_type, enum bpf_attach_type
_LOG_SIZE: Final = 1 << 20
_LOG_TAIL: Final = 12
FOLLOWER: Final = "follow_"
"""Programs of this prefix are not attached: `dispatch` goes on to them by a tail call."""


@dataclass(frozen=True)
class Plan:
    """What to bring in, with values of `constants` by name; programs that `tier` has no place for are left out."""

    path: Path
    maps_folder: Path
    constants: Mapping[str, bytes]
    types: Types
    tier: Tier
    ring_bytes: int = 8 << 20


@dataclass
class Loaded:
    """An object in the kernel. `maps` and `programs` give descriptors by name, `links` what keeps them attached."""

    path: Path
    handle: Any
    maps: dict[str, int]
    programs: dict[str, int]
    links: dict[str, Any] = field(default_factory=dict)

    @property
    def adopted(self) -> bool:
        """Whether it was found pinned; then `links` are descriptors."""
        return self.handle is None

    def close(self) -> None:
        """Let go of the object; what is not pinned is detached."""
        if self.adopted:
            for descriptor in (*self.maps.values(), *self.programs.values(), *self.links.values()):
                os.close(descriptor)
        else:
            for link in self.links.values():
                library().bpf_link__destroy(link)
            library().bpf_object__close(self.handle)
        self.links.clear()


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
            section = text(library().bpf_program__section_name(program))
            if not tiers.can_attach(plan.types, plan.tier, section):
                library().bpf_program__set_autoload(program, False)
                continue
            used.add(name)
            if section.startswith(tiers.HOOKS) and plan.tier is Tier.FENTRY:
                _make_fentry(program, tiers.function_of(plan.tier, section.removeprefix(tiers.HOOKS)))
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


def shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Name -> type, sizes of key and value, entries, of each map that an object shares with the others."""
    handle = check(f"opening {path}", library().bpf_object__open_file(str(path).encode(), ffi.NULL))
    try:
        return {
            text(library().bpf_map__name(each)): (
                library().bpf_map__type(each),
                library().bpf_map__key_size(each),
                library().bpf_map__value_size(each),
                library().bpf_map__max_entries(each),
            )
            for each in _maps(handle)
            if "." not in text(library().bpf_map__name(each))
        }
    finally:
        library().bpf_object__close(handle)


def attach(loaded: Loaded, most: int | None = None) -> None:
    """Attach every program that was loaded, or the first `most`, but for what is called; raises `KernelError`."""
    for name, program in _programs(loaded.handle):
        if len(loaded.links) == most:
            break
        called = name.startswith(FOLLOWER) or text(library().bpf_program__section_name(program)) == tiers.CALLED
        if name in loaded.programs and not called:
            link = library().bpf_program__attach_trace(program)
            loaded.links[name] = check(f"attaching {loaded.path.name}'s {name}", link)


def _make_fentry(program: Any, function: str) -> None:  # noqa: ANN401 -- libbpf's program
    """Let a program that is written for an LSM hook attach to a function's entry instead."""
    check(function, library().bpf_program__set_type(program, _TRACING))
    check(function, library().bpf_program__set_expected_attach_type(program, _TRACE_FENTRY))
    check(function, library().bpf_program__set_attach_target(program, 0, function.encode()))


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
