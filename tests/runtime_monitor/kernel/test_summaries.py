"""Summaries of further writes."""

from runtime_monitor.events import Call, Event, File, Process
from runtime_monitor.kernel import summaries
from runtime_monitor.kernel.summaries import Summaries


def _write(inode: int, name: str | None = "/etc/x", writes: int | None = None) -> Event:
    file = File(number=3, inode=inode, name=name, writes=writes, bytes_written=writes and writes * 10)
    return Event(evt=Call(type="write"), proc=Process(pid=9), fd=file)


def test_a_summary_gets_the_path_of_the_first_write() -> None:
    """And keeps its own counts."""
    known = Summaries()
    known.complete(_write(7))
    told = known.complete(_write(7, None, writes=4))
    assert (told.fd.name, told.fd.writes, told.fd.bytes_written) == ("/etc/x", 4, 40)


def test_another_file_under_the_same_number_is_another_file() -> None:
    """A descriptor's number is given again; the inode tells."""
    known = Summaries()
    known.complete(_write(7))
    assert known.complete(_write(8, None, writes=1)).fd.name is None


def test_the_oldest_is_forgotten_first() -> None:
    """As many are kept as the kernel keeps."""
    known = Summaries()
    for inode in range(summaries.REMEMBERED + 1):
        known.complete(_write(inode))
    assert known.complete(_write(0, None, writes=1)).fd.name is None
    assert known.complete(_write(1, None, writes=1)).fd.name == "/etc/x"


def test_a_file_that_was_created_is_known_from_then_on() -> None:
    """All its writes are further ones."""
    known = Summaries()
    file = File(number=3, inode=7, name="/etc/x", created=True)
    known.complete(Event(evt=Call(type="openat"), proc=Process(pid=9), fd=file))
    assert known.complete(_write(7, None, writes=2)).fd.name == "/etc/x"


def test_other_events_pass_as_they_are() -> None:
    """The same object, which is not learnt from."""
    known = Summaries()
    event = Event(evt=Call(type="openat"), proc=Process(pid=9), fd=File(number=3, inode=7, name="/etc/x"))
    assert known.complete(event) is event
    assert known.complete(_write(7, None, writes=1)).fd.name is None
