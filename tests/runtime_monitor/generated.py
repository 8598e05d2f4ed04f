"""Alerts as a node would make them, from a seed: the same seed gives the same alerts.

Called by the tests, drills and benchmarks of the spool and of the feed.
"""

import random
from collections.abc import Iterator

from runtime_monitor.alerts import Alert, Priority

START = 1_764_133_810_000_000_000
"""2025-11-26T05:10:10Z in nanoseconds."""
NODE, BOOT = "node-1", "0a1b2c3d"
NAMESPACES = ("default", "shop", "payments", "kube-system")
USERS = ("alice@example.com", "bob@example.com", "system:serviceaccount:ci:deployer")
RULES = (
    ("Shell in container", Priority.NOTICE, "execve", ("container", "shell")),
    ("Write below root file system", Priority.ERROR, "openat", ("container", "drift")),
    ("Executed binary is not of the image", Priority.CRITICAL, "execve", ("container", "drift")),
    ("Read sensitive file", Priority.WARNING, "openat", ("filesystem",)),
    ("Contact the API server", Priority.INFORMATIONAL, "connect", ("network",)),
)
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "a\r\n<13>1 2026-01-01T00:00:00Z forged - - - - forged line",
    "x\nX-Injected: yes\r\n\r\n{}",
    "$(touch /tmp/podseal-injected); `id` | sh && true",
    '"]\\} [podseal@0 forged="1"]',
    "\u202egnp.exe \u2066\u2069",
    "nul\x00byte",
    "\ud800 lone surrogate",
    "'; DROP TABLE alert; --",
)
"""What somebody inside a container can put into a name."""


def alert(number: int, *, seed: int = 0) -> Alert:
    """The alert of a number; about 850 bytes encoded."""
    source = random.Random(seed * 1_000_003 + number)  # noqa: S311 -- data, not secrets
    rule, priority, event, tags = source.choice(RULES)
    namespace, user = source.choice(NAMESPACES), source.choice(USERS)
    session = number // 12
    pid = 4000 + number % 12
    pod = f"{namespace}-api-{session % 7}"
    path = f"/{source.choice(('etc', 'usr/bin', 'var/cache/app', 'tmp'))}/file-{source.randrange(1000)}"
    moment = START + number * 10_000_000
    fields = {
        "evt.time": moment,
        "evt.type": event,
        "proc.pid": pid,
        "proc.ppid": pid - 1 if number % 12 else 1,
        "proc.name": "sh" if event == "execve" else "tar",
        "proc.cmdline": f"sh -c 'cat > {path}'",
        "proc.exepath": "/bin/dash",
        "fd.name": path,
        "user.name": "root",
        "user.uid": 0,
        "container.id": f"{session % 7:012x}",
        "container.name": "api",
        "container.image.repository": f"registry.example/{namespace}/api",
        "container.image.tag": "1.4.2",
        "k8s.ns.name": namespace,
        "k8s.pod.name": pod,
        "k8s.pod.uid": f"00000000-0000-4000-8000-{session % 7:012x}",
        "exec.session": f"{NODE}/{BOOT}/{4000 + session}/{session}",
        "exec.kind": "exec",
        "exec.user": user,
        "drift.kind": ("exec" if event == "execve" else "write") if "drift" in tags else None,
    }
    return Alert(
        id=identity(number, rule),
        time=moment,
        rule=rule,
        priority=priority,
        output=f"{rule} | user={user} pod={pod} command=sh -c 'cat > {path}' file={path}",
        output_fields=fields,
        hostname=NODE,
        tags=tags,
    )


def identity(number: int, rule: str) -> str:
    """An alert's id: the event's and eight digits for the rule."""
    digits = sum(ord(letter) * 31**index for index, letter in enumerate(rule)) % 16**8
    return f"{NODE}/{BOOT}/{number % 2}/{number}/{digits:08x}"


def stream(count: int, *, start: int = 0, seed: int = 0) -> Iterator[Alert]:
    """So many alerts in a row."""
    return (alert(number, seed=seed) for number in range(start, start + count))


def hostile() -> list[Alert]:
    """An alert for each hostile text, with it in every place that a container's process can fill."""
    made = []
    for number, text in enumerate(HOSTILE):
        plain = alert(number)
        names = ("proc.name", "proc.cmdline", "fd.name", "k8s.pod.name", "k8s.ns.name", "exec.user", "exec.session")
        made.append(
            Alert(
                id=f"{plain.id}-{number}",
                time=plain.time,
                rule=plain.rule,
                priority=Priority.CRITICAL,
                output=f"file={text}",
                output_fields={**plain.output_fields, **dict.fromkeys(names, text)},
                hostname=plain.hostname,
                tags=(*plain.tags, text),
            )
        )
    return made
