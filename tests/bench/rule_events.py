"""A mix of events from a seed, as a busy node has them, for the benchmarks of the rules.

In: a seed. Out: a pool of Events and how often each kind is in it; `bench_rules` draws from the pool. The shares are
those of a node whose sensor filters nothing but failed look-ups: opens for reading first, then connections and starts.
"""

# ruff: noqa: S108 -- paths are of events, numbers are shares

import random
from collections import Counter

from runtime_monitor.events import Ancestor, Call, Container, Event, File, Pod, Process, User

SHARES = {
    "openat read": 55, "openat write": 12, "execve": 10, "connect": 8, "sendto": 5, "dup2": 4, "socket": 2,
    "symlinkat": 1, "linkat": 1, "ptrace": 1, "procexit": 1,
}  # fmt: skip
"""Kind -> per cent."""
NAMES = (
    *("nginx", "python3", "java", "node", "sh", "bash", "cat", "postgres", "redis-server", "curl", "envoy", "dockerd"),
    *("sshd", "grep", "find", "tar", "ls", "php-fpm", "kubelet", "containerd", "coredns", "prometheus"),
)
PATHS = (
    *("/usr/lib/x86_64-linux-gnu/libc.so.6", "/etc/ld.so.cache", "/etc/passwd", "/proc/self/stat", "/etc/resolv.conf"),
    *("/app/main.py", "/var/log/app/app.log", "/tmp/cache/0", "/usr/share/zoneinfo/UTC", "/data/db/0001", "/etc/hosts"),
    *("/dev/null", "/sys/fs/cgroup/cpu.stat", "/root/.cache/x", "/home/app/.ssh/known_hosts"),
)
RARE_PATHS = ("/etc/shadow", "/etc/pam.d/sshd", "/var/log/auth.log", "/root/.ssh/id_rsa", "/tmp/cg/release_agent")
ARGUMENTS = (
    ("-c", "id"),
    ("--config", "/etc/app.yaml"),
    (),
    ("-r", "begin rsa private", "/"),
    ("install", "x"),
    ("-e",),
)
IMAGES = ("docker.io/library/nginx", "registry.example/shop", "quay.io/calico/node", None)
ADDRESSES = ("10.0.0.2", "10.96.0.1", "203.0.113.5", "127.0.0.1", "2001:db8::1")


def pool(seed: int, size: int) -> tuple[list[Event], Counter[str]]:
    """`size` events, and how many there are of each kind."""
    source = random.Random(seed)  # noqa: S311 -- a mix, not a secret
    kinds = source.choices(list(SHARES), list(SHARES.values()), k=size)
    return [_event(kind, number, source) for number, kind in enumerate(kinds, start=1)], Counter(kinds)


def _event(kind: str, number: int, source: random.Random) -> Event:
    name, result = kind.split(maxsplit=1)[0], 3 if source.random() < 0.97 else -2
    opens = name == "openat"
    return Event(
        evt=Call(
            type=name,
            time=1_790_000_000_000_000_000 + number,
            num=number,
            node="node",
            boot="0a1b2c3d",
            cpu=number % 8,
            sequence=number,
            raw_result=source.choice((0, 1, 7)) if name == "dup2" else result,
            result="SUCCESS" if result >= 0 else "ENOENT",
            arguments=_arguments(name, source),
            is_open_read=kind.endswith("read") if opens else None,
            is_open_write=kind.endswith("write") if opens else None,
        ),
        proc=_process(source),
        fd=_file(name, result, source),
        container=Container(
            id=source.choice(("0123456789ab", "host")),
            image_repository=source.choice(IMAGES),
            privileged=source.random() < 0.1,
        ),
        pod=Pod(name="shop-1", namespace=source.choice(("shop", "kube-system"))),
        user=User(uid=source.choice((0, 1000)), name=source.choice(("root", "app", "www-data"))),
    )


def _arguments(name: str, source: random.Random) -> dict[str, str | int]:
    if name == "openat":
        return {"flags": source.choice(("O_RDONLY|O_CLOEXEC", "O_WRONLY|O_TRUNC", "O_WRONLY|O_APPEND"))}
    if name == "ptrace":
        return {"request": source.choice(("PTRACE_CONT", "PTRACE_ATTACH", "PTRACE_TRACEME"))}
    if name == "socket":
        return {"domain": source.choice(("AF_INET", "AF_UNIX", "AF_PACKET"))}
    if name in ("symlinkat", "linkat"):
        path = source.choice(("/etc/shadow", *PATHS))
        return {"target": path, "oldpath": path}
    return {}


def _process(source: random.Random) -> Process:
    depth = source.randint(0, 6)
    return Process(
        pid=source.randint(2, 1 << 22),
        name=source.choice(NAMES),
        exe=source.choice(("/usr/bin/x", "./x", "ssh")),
        exepath="/usr/bin/x",
        arguments=source.choice(ARGUMENTS),
        cwd=source.choice(("/", "/app", "/dev/shm/x")),
        tty=source.choice((0, 0, 0, 34816)),
        duration=source.choice((10**9, 10**11)),
        ancestors=tuple(Ancestor(name=source.choice(NAMES), exe="java", arguments=("x",)) for _ in range(depth)),
        cap_effective=source.choice((0, 0, 0xA80425FB, (1 << 41) - 1)),
        exe_upper_layer=source.random() < 0.01,
        exe_from_memfd=source.random() < 0.01,
    )


def _file(name: str, result: int, source: random.Random) -> File:
    if name == "openat":
        path = source.choice(RARE_PATHS if source.random() < 0.02 else PATHS)
        raw = f"../..{path}" if source.random() < 0.05 else path
        return File(number=3 if result >= 0 else -1, name=path, name_raw=raw, type_character="f", type="file")
    if name in ("connect", "sendto", "dup2"):
        return File(
            number=5,
            name="10.0.0.1:40000->10.0.0.2:443",
            type_character=source.choice("46u"),
            type=source.choice(("ipv4", "ipv6", "unix")),
            l4proto=source.choice(("tcp", "udp")),
            local_address="10.0.0.1",
            local_port=40000,
            remote_address=source.choice(ADDRESSES),
            remote_port=source.choice((53, 80, 443, 5432)),
            remote_names=source.choice(((), ("kubernetes.default.svc.cluster.local",))),
            is_server=False,
            connected=source.random() < 0.5,
            name_changed=source.random() < 0.5,
        )
    return File()
