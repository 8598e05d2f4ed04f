"""Summaries of further writes."""

import msgspec

from runtime_monitor.events import Call, Event, File, Process, Session, User
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


def test_a_summary_gets_the_process_that_wrote() -> None:
    """As its latest event told it, with the thread that the summary itself names."""
    known = Summaries()
    shell = Process(pid=9, tid=9, start=5, name="sh", parent=1)
    known.complete(msgspec.structs.replace(_write(7), proc=shell, user=User(uid=0)))
    known.complete(Event(evt=Call(type="fchmod"), proc=shell, user=User(uid=33), session=Session(id="s")))
    told = known.complete(msgspec.structs.replace(_write(7, None, writes=4), proc=Process(pid=9, tid=11, start=5)))
    assert told.proc == Process(pid=9, tid=11, start=5, name="sh", parent=1)
    assert (told.user.uid, told.session.id) == (33, "s")


def test_a_process_that_executes_goes_on_under_its_new_name() -> None:
    """With its new rights; how its session began is the exec's alone."""
    known = Summaries()
    known.complete(msgspec.structs.replace(_write(7), proc=Process(pid=9, start=5, name="sh", parent=1)))
    known.complete(
        Event(
            evt=Call(type="execve"),
            proc=Process(pid=9, start=5, name="cat", exe="cat", cap_effective=1),
            user=User(uid=33),
            session=Session(id="s", entry=True, tty=True),
        )
    )
    told = known.complete(msgspec.structs.replace(_write(7, None, writes=4), proc=Process(pid=9, start=5)))
    assert told.proc == Process(pid=9, start=5, name="cat", parent=1, cap_effective=1)
    assert (told.user, told.session) == (User(uid=33), Session(id="s"))


def test_another_process_under_the_same_number_is_another_process() -> None:
    """A pid is given again; the start tells."""
    known = Summaries()
    known.complete(msgspec.structs.replace(_write(7), proc=Process(pid=9, start=5, name="sh")))
    told = known.complete(msgspec.structs.replace(_write(7, None, writes=4), proc=Process(pid=9, start=6)))
    assert told.proc == Process(pid=9, start=6)


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


def test_the_oldest_process_is_forgotten_first() -> None:
    """As many are kept as the kernel keeps."""
    known = Summaries()
    for pid in range(summaries.PROCESSES + 1):
        known.complete(msgspec.structs.replace(_write(7), proc=Process(pid=pid, name="sh")))
    names = [
        known.complete(msgspec.structs.replace(_write(7, None, writes=1), proc=Process(pid=pid))).proc.name
        for pid in (0, 1)
    ]
    assert names == [None, "sh"]


def test_other_events_pass_as_they_are() -> None:
    """The same object, which is not learnt from."""
    known = Summaries()
    event = Event(evt=Call(type="openat"), proc=Process(pid=9), fd=File(number=3, inode=7, name="/etc/x"))
    assert known.complete(event) is event
    assert known.complete(_write(7, None, writes=1)).fd.name is None
