"""Reads BTF, the kernel's type information: sizes and offsets of structs, and where a program's constants lie.

In: a built object's path, an open object, or nothing for the running kernel. Out: `Types`. Called by `layout`, `loader`
and `sensor` (Documentation/bpf/btf.rst).
"""

from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from runtime_monitor.kernel.libbpf import check, ffi, library, text

KIND_STRUCT: Final = 4
KIND_TYPEDEF: Final = 8
KIND_FUNCTION: Final = 12
KIND_DATASEC: Final = 15
VMLINUX: Final = Path("/sys/kernel/btf/vmlinux")


class Types:
    """The types of one object or of the kernel; a context manager, as libbpf's memory is given back at the end."""

    def __init__(self, handle: Any, *, owned: bool) -> None:  # noqa: ANN401 -- libbpf's struct btf
        self._btf = handle
        self._owned = owned

    @classmethod
    def of_file(cls, path: Path) -> Self:
        """Of a built object."""
        handle = library().btf__parse_elf(str(path).encode(), ffi.NULL)
        return cls(check(f"reading the types of {path}", handle), owned=True)

    @classmethod
    def of_kernel(cls) -> Self:
        """Of the running kernel, without its modules."""
        return cls(check(f"reading {VMLINUX}", library().btf__load_vmlinux_btf()), owned=True)

    @classmethod
    def of_object(cls, handle: Any) -> Self:  # noqa: ANN401 -- libbpf's object
        """Of an object that libbpf has opened: only then do variables have their offsets."""
        return cls(check("types of the object", library().bpf_object__btf(handle)), owned=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        if self._owned:
            library().btf__free(self._btf)

    def has(self, name: str, kind: int = KIND_STRUCT) -> bool:
        """Whether there is a type of this name and kind."""
        return int(library().btf__find_by_name_kind(self._btf, name.encode(), kind)) > 0

    def size(self, struct: str) -> int:
        """Bytes of a struct."""
        return int(self._find(struct, KIND_STRUCT)[1].size)

    def members(self, struct: str) -> dict[str, tuple[int, int]]:
        """Name -> (offset, size) in bytes, of each member of a struct."""
        _, described, count = self._find(struct, KIND_STRUCT)
        first = ffi.cast("struct btf_member *", described + 1)
        return {
            self._name(first[index].name_off): (first[index].offset // 8, self._size(first[index].type))
            for index in range(count)
        }

    def variables(self, section: str) -> dict[str, tuple[int, int]]:
        """Name -> (offset, size) in bytes, of each variable of a section such as `.rodata`."""
        if not self.has(section, KIND_DATASEC):
            return {}
        _, described, count = self._find(section, KIND_DATASEC)
        first = ffi.cast("struct btf_var_secinfo *", described + 1)
        return {
            self._name(library().btf__type_by_id(self._btf, first[index].type).name_off): (
                first[index].offset,
                first[index].size,
            )
            for index in range(count)
        }

    def _find(self, name: str, kind: int) -> tuple[int, Any, int]:
        number = check(f"type {name}", library().btf__find_by_name_kind(self._btf, name.encode(), kind))
        described = library().btf__type_by_id(self._btf, number)
        return number, described, described.info & 0xFFFF

    def _name(self, offset: int) -> str:
        return text(library().btf__name_by_offset(self._btf, offset))

    def _size(self, number: int) -> int:
        return int(library().btf__resolve_size(self._btf, number))
