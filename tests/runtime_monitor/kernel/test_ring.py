"""Reading the ring, over a file laid out as the kernel lays it out."""

import mmap
import os
import struct
from collections.abc import Iterator

import pytest

from runtime_monitor.kernel.ring import Ring

PAGE = mmap.PAGESIZE
SIZE = PAGE
BUSY, DISCARDED = 1 << 31, 1 << 30


class Writer:
    """What the programs would do: records at the producer's position."""

    def __init__(self) -> None:
        self.descriptor = os.memfd_create("ring")
        os.ftruncate(self.descriptor, 2 * PAGE + 2 * SIZE)
        self.position = 0

    def write(self, data: bytes, bits: int = 0) -> None:
        """A record, and the same bytes where the second copy of the data shows them."""
        record = struct.pack("II", len(data) | bits, 0) + data
        for start in (0, SIZE):
            at = 2 * PAGE + self.position % SIZE + start
            if at + len(record) <= 2 * PAGE + 2 * SIZE:
                os.pwrite(self.descriptor, record, at)
        self.position += (len(record) + 7) & ~7
        os.pwrite(self.descriptor, struct.pack("Q", self.position), PAGE)

    def consumed(self) -> int:
        """The consumer's position."""
        return int(struct.unpack("Q", os.pread(self.descriptor, 8, 0))[0])


@pytest.fixture
def writer() -> Iterator[Writer]:
    """An empty ring."""
    made = Writer()
    yield made
    os.close(made.descriptor)


def test_records_come_in_order_and_their_room_is_given_back(writer: Writer) -> None:
    """Whatever their lengths."""
    sent = [bytes([65 + number]) * (number * 7 + 1) for number in range(9)]
    for data in sent:
        writer.write(data)
    with Ring(writer.descriptor, SIZE) as ring:
        assert ring.waiting == writer.position
        assert [bytes(view) for view in ring.read(100)] == sent
        assert ring.waiting == 0
    assert writer.consumed() == writer.position


def test_at_most_as_many_as_asked_for(writer: Writer) -> None:
    """The rest stays for the next time."""
    for number in range(5):
        writer.write(b"%d" % number)
    with Ring(writer.descriptor, SIZE) as ring:
        assert [bytes(view) for view in ring.read(2)] == [b"0", b"1"]
        assert [bytes(view) for view in ring.read(9)] == [b"2", b"3", b"4"]


def test_what_is_still_being_written_waits(writer: Writer) -> None:
    """And everything behind it."""
    writer.write(b"done")
    writer.write(b"half", BUSY)
    writer.write(b"behind")
    with Ring(writer.descriptor, SIZE) as ring:
        assert [bytes(view) for view in ring.read(9)] == [b"done"]


def test_what_was_given_up_is_passed_over(writer: Writer) -> None:
    """A discarded record takes room, nothing else."""
    writer.write(b"given up", DISCARDED)
    writer.write(b"kept")
    with Ring(writer.descriptor, SIZE) as ring:
        assert [bytes(view) for view in ring.read(9)] == [b"kept"]


def test_a_record_across_the_end_is_whole(writer: Writer) -> None:
    """The data are mapped twice in a row."""
    with Ring(writer.descriptor, SIZE) as ring:
        for round_ in range(20):
            data = bytes([round_]) * 1000
            writer.write(data)
            assert [bytes(view) for view in ring.read(9)] == [data]


def test_room_is_given_back_before_the_batch_ends(writer: Writer) -> None:
    """A full ring takes records again while its first ones are being decoded."""
    for _ in range(400):
        writer.write(b"")
    with Ring(writer.descriptor, SIZE) as ring:
        records = ring.read(400)
        for _ in range(300):
            next(records)
        assert 0 < writer.consumed() < writer.position
        assert len(list(records)) == 100
    assert writer.consumed() == writer.position
