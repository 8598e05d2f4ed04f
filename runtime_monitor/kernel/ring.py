"""The ring that the programs write their records into, read in batches from mapped memory, without a call an event.

In: the descriptor of a BPF ring buffer map and its size in bytes. Out: `Ring.read`, views of the records that are
there. Called by `sensor`. The layout is Documentation/bpf/ringbuf.rst's: a page with the consumer's position, a page
with the producer's, then the data twice in a row, so that no record is ever cut. x86-64 loads are ordered enough for
this; a weaker machine would need an acquire.
"""

import mmap
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Self

_HEADER: Final = 8
_BUSY: Final = 1 << 31
_DISCARDED: Final = 1 << 30
_GIVE_BACK: Final = 256
"""Records after which the programs get the room back: a batch takes tens of milliseconds to decode."""
_PAGE: Final = mmap.PAGESIZE


class Ring:
    """A mapped ring; a context manager."""

    def __init__(self, descriptor: int, size: int) -> None:
        self.file_descriptor = descriptor
        self.size = size
        self._consumer_map = mmap.mmap(descriptor, _PAGE)
        self._producer_map = mmap.mmap(descriptor, _PAGE + 2 * size, prot=mmap.PROT_READ, offset=_PAGE)
        self._consumer = memoryview(self._consumer_map).cast("Q")
        self._whole = memoryview(self._producer_map)
        self._producer = self._whole[:_PAGE].cast("Q")
        self._data = self._whole[_PAGE:]
        self._lengths = self._data.cast("I")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        for view in (self._lengths, self._data, self._producer, self._whole, self._consumer):
            view.release()
        self._producer_map.close()
        self._consumer_map.close()

    @property
    def waiting(self) -> int:
        """Bytes that the programs have written and nobody has read."""
        return self._producer[0] - self._consumer[0]

    def read(self, most: int) -> Iterator[memoryview]:
        """Up to `most` records, each valid until the next one is asked for; their room is given back as it goes."""
        position, end, mask = self._consumer[0], self._producer[0], self.size - 1
        try:
            while position < end and most:
                start = position & mask
                length = self._lengths[start >> 2]
                if length & _BUSY:
                    break
                if not most % _GIVE_BACK:
                    self._consumer[0] = position
                position += (_HEADER + (length & ~_DISCARDED) + 7) & ~7
                if not length & _DISCARDED:
                    most -= 1
                    with self._data[start + _HEADER : start + _HEADER + length] as view:
                        yield view
        finally:
            self._consumer[0] = position
