"""The containers of this node: which one an event is about, by the root that the kernel tells with it.

In: an Event with `fd.root`, the st_dev of a container's root. Out: the Event with its parts `container` and `pod`; and
for the sensor the roots that are to be watched, ignored or forgotten. Called by the pipeline.
A container is learned at the start (every process of /proc), at its first event, or at a scan. The device numbers of
roots are used again, so each container is held by a pidfd: once that process is gone, its root names nobody.
"""

import os
import select
from collections.abc import Callable, Iterator

import msgspec
from msgspec import Struct

from runtime_monitor.enrich import bundles, cgroup, roots
from runtime_monitor.events import Container, Event, Pod

HOST = Container(id="host", type="host")
UNKNOWN = Container(id="unknown")
"""A container of which nothing could be read before it was gone. It is not the host, which is what most rules ask; that
its name is missing, `k8s.pending` says."""
MOST_ENDED = 256


class Known(Struct, frozen=True):
    """A container that runs: `pid` is one of its processes, the first where that is known."""

    container: Container
    pod: Pod
    root: roots.Root
    pid: int
    is_sandbox: bool = False


class Counts(Struct):
    """What happened, for the metrics: each only rises, but `running`."""

    running: int = 0
    found: int = 0
    gone_unread: int = 0


class Foreign(Exception):  # noqa: N818 -- no error: a root that belongs to no container
    """Processes with this root exist, and no container's id in their cgroup: a service with a root of its own."""


class Containers:
    """What is known of this node's containers; `clock` gives nanoseconds since the epoch."""

    def __init__(self, source: bundles.Bundles, proc: roots.Proc, clock: Callable[[], int]) -> None:
        self.counts = Counts()
        self._bundles = source
        self._proc = proc
        self._clock = clock
        self._by_device: dict[int, Known] = {}
        self._ended: dict[int, tuple[Known, int]] = {}
        self._nameless: dict[int, Container] = {}
        self._poll = select.epoll()
        self._by_pidfd: dict[int, int] = {}

    def close(self) -> None:
        """Let go of every process."""
        for pidfd in self._by_pidfd:
            os.close(pidfd)
        self._poll.close()

    def __call__(self, event: Event) -> Event:
        """The event with its container and pod; `host` outside of containers, `pending` for unknown ones."""
        if event.fd.root is None:
            return msgspec.structs.replace(event, container=HOST)
        known = self.find(event)
        if known is None:
            nameless = self._nameless.get(event.fd.root, UNKNOWN)
            return msgspec.structs.replace(event, container=nameless, pod=Pod(pending=True))
        return msgspec.structs.replace(event, container=known.container, pod=known.pod)

    def find(self, event: Event) -> Known | None:
        """The container of an event, without looking at /proc."""
        device = event.fd.root or 0
        known = self._by_device.get(device)
        if known is not None:
            return known
        ended, when = self._ended.get(device, (None, 0))
        if ended is None or event.evt.time > when:
            return None
        # The ring may still hold what it did before its end; the next one with this device has other namespaces.
        mine = (ended.root.mount_namespace, self._proc.host.mount_namespace, None)
        return ended if event.proc.mount_namespace in mine else None

    def learn(self, event: Event) -> Known | None:
        """The container of an event, from /proc and its bundle; None where neither tells yet.

        Raises:
            Foreign: the root belongs to no container.
        """
        device = event.fd.root or 0
        first = event.proc.pid
        candidates = ([first] if first else []) + [pid for pid in self._processes_of(device) if pid != first]
        ids: set[str] = set()
        for pid in candidates:
            try:
                named = self._proc.containers(pid) if self._proc.device(pid) == device else ()
            except OSError:
                continue
            if known := self._enter(pid, named):
                return known
            ids.update(each.id for each in named)
            if named:
                self._remember_nameless(device, named)
        if not ids and (known := self._of_the_dead(event)):
            return known
        if not ids and self._is_foreign(event, candidates):
            raise Foreign(device)
        return None

    def _remember_nameless(self, device: int, named: tuple[cgroup.Named, ...]) -> None:
        """What the cgroup path alone tells, for as long as there is no bundle."""
        innermost = named[-1]
        while len(self._nameless) >= MOST_ENDED:
            del self._nameless[next(iter(self._nameless))]
        self._nameless[device] = Container(id=innermost.id[:12], full_id=innermost.id, type=innermost.runtime or None)

    def _is_foreign(self, event: Event, candidates: list[int]) -> bool:
        """Whether a root that no container's process has is a service's, a build's or a chroot's."""
        if any(self._alive(pid, event.fd.root or 0) for pid in candidates):
            return True
        # All of them have ended; their cgroup may still be there to tell. Who came in from the host stays in its own.
        path = None if event.session.id else self._proc.cgroup_ids.path(event.proc.cgroup_id)
        return path is not None and not cgroup.containers(path) and self._tells_cgroups()

    def _tells_cgroups(self) -> bool:
        """Whether this node's containers are in the unified hierarchy: else everybody's number is that of its top."""
        return any(known.root.cgroup for known in self._by_device.values())

    def arrived(self, container_id: str, pid: int) -> Known | None:
        """A container that its runtime has just made, by its first process; None where that has ended already."""
        try:
            named = tuple(each for each in self._proc.containers(pid) if each.id == container_id)
        except OSError:
            return None
        return self._enter(pid, named)

    def _of_the_dead(self, event: Event) -> Known | None:
        """A container whose processes have ended, by their cgroup and its bundle, where those are still there."""
        path = self._proc.cgroup_ids.path(event.proc.cgroup_id)
        for each in cgroup.containers(path or ""):
            found = self._bundles.read(each.id)
            if found is not None:
                proc = event.proc
                root = roots.Root(event.fd.root or 0, proc.mount_namespace or 0, proc.pid_namespace or 0)
                known = Known(found.container, found.pod, root, 0, found.is_sandbox)
                self._ended[root.device] = known, self._clock()
                return known
        return None

    def scan(self) -> list[Known]:
        """Every container that was not known before, by the processes of now."""
        found: list[Known] = []
        seen = set(self._by_device) | {self._proc.host.device}
        for pid in sorted(self._proc.pids()):
            try:
                device = self._proc.device(pid)
                if device in seen:
                    continue
                named = self._proc.containers(pid)
            except OSError:
                continue
            if known := self._enter(pid, named):
                seen.add(device)
                found.append(known)
        return found

    def ended(self) -> list[Known]:
        """Containers whose processes are all gone since the last call: their roots name nobody any more."""
        gone = []
        for pidfd, _ in self._poll.poll(0):
            device = self._by_pidfd.pop(pidfd)
            # Closing takes it out of the set only where no forked process holds the same descriptor (epoll(7)).
            self._poll.unregister(pidfd)
            os.close(pidfd)
            known = self._by_device.get(device)
            if known is None:
                continue
            other = next(iter(self._processes_of(device, known.container.full_id)), None)
            if other is not None and self._hold(other, device):
                self._by_device[device] = msgspec.structs.replace(known, pid=other)
                continue
            del self._by_device[device]
            self._ended[device] = known, self._clock()
            while len(self._ended) > MOST_ENDED:
                del self._ended[next(iter(self._ended))]
            gone.append(known)
        self.counts.running = len(self._by_device)
        return gone

    def running(self) -> list[Known]:
        """The containers of now."""
        return list(self._by_device.values())

    def _enter(self, pid: int, named: tuple[cgroup.Named, ...]) -> Known | None:
        """A container by one of its processes: the outermost id that the runtime of this node knows is the one."""
        for each in named:
            found = self._bundles.read(each.id)
            if found is None:
                continue
            try:
                root = self._proc.root(pid)
            except OSError:
                self.counts.gone_unread += 1
                return None
            container = found.container
            if container.type is None and each.runtime:
                container = msgspec.structs.replace(container, type=each.runtime)
            if not self._hold(pid, root.device):
                return None
            container = msgspec.structs.replace(container, start=self._proc.started(root.first))
            known = Known(container, found.pod, root, pid, found.is_sandbox)
            self._by_device[root.device] = known
            self._ended.pop(root.device, None)
            self._nameless.pop(root.device, None)
            self.counts.found += 1
            self.counts.running = len(self._by_device)
            return known
        return None

    def _hold(self, pid: int, device: int) -> bool:
        try:
            pidfd = os.pidfd_open(pid)
        except OSError:
            return False
        self._by_pidfd[pidfd] = device
        self._poll.register(pidfd, select.EPOLLIN)
        return True

    def _processes_of(self, device: int, container_id: str | None = None) -> Iterator[int]:
        """Processes with this root; of one container alone where its id is given."""
        for pid in self._proc.pids():
            try:
                if self._proc.device(pid) != device:
                    continue
                if container_id and all(each.id != container_id for each in self._proc.containers(pid)):
                    continue
            except OSError:
                continue
            yield pid

    def _alive(self, pid: int, device: int) -> bool:
        try:
            return self._proc.device(pid) == device
        except OSError:
            return False
