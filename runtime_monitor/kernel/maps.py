"""Maps of the programs from user space: keys and values as bytes.

In: a descriptor and the sizes of key and value. Out: `Map`, a small mapping. Called by `sensor`.
"""

from collections.abc import Iterator
from typing import Any, Final

from runtime_monitor.kernel.libbpf import check, ffi, library

ANY: Final = 0
NO_EXIST: Final = 1


class Map:
    """A hash or array map; values of a per-CPU map are read one after the other."""

    def __init__(self, name: str, descriptor: int, *, key_size: int, value_size: int) -> None:
        self.name = name
        self.file_descriptor = descriptor
        self._key_size = key_size
        self._value_size = value_size

    def get(self, key: bytes) -> bytes | None:
        """The value, None where there is none."""
        value = ffi.new("char[]", self._value_size)
        if library().bpf_map_lookup_elem(self.file_descriptor, key, value) < 0:
            return None
        return bytes(ffi.buffer(value, self._value_size))

    def put(self, key: bytes, value: bytes) -> None:
        """Set a value; raises `KernelError` where the map is full."""
        check(f"map {self.name}", library().bpf_map_update_elem(self.file_descriptor, key, value, ANY))

    def discard(self, key: bytes) -> None:
        """Remove a key, if it is there."""
        library().bpf_map_delete_elem(self.file_descriptor, key)

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """What is there now; what comes or goes meanwhile may be missed."""
        current: Any = ffi.NULL
        following = ffi.new("char[]", self._key_size)
        while library().bpf_map_get_next_key(self.file_descriptor, current, following) == 0:
            key = bytes(ffi.buffer(following, self._key_size))
            value = self.get(key)
            if value is not None:
                yield key, value
            current = ffi.new("char[]", key)
