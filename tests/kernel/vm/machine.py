"""A virtual machine on another kernel, with this machine's own files as its root.

In: a kernel, its command line, a shell command. Out: the command's exit code and output. Called by the tests on other
kernels. virtme-ng makes the initramfs and runs qemu, always with its software processor: a guest of /dev/kvm may hang
where this machine is a guest itself. The root is served over 9p and read-only; one folder is shared for the results,
since kernel messages and the command's output share the console.
"""

import contextlib
import dataclasses
import os
import pathlib
import pty
import select
import shlex
import signal
import sys
import tempfile
import time

from tests.kernel.vm import debian

MEMORY = "1G"
WITH_BPF = "lockdown,capability,landlock,yama,bpf"
WITHOUT_BPF = "lockdown,capability,landlock,yama"
"""Lists of security modules: with BPF among them programs attach to their hooks, without it to the functions' entry."""
PROGRAMS = pathlib.Path(sys.executable).parent
"""Where the environment keeps virtme-ng's programs."""
BOOT = 420.0
"""Seconds for booting and the command, on a slow and shared machine; it usually takes a fifth of that."""


class BootError(Exception):
    """The machine did not run the command to its end; the text ends with the console's last lines."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How the command ended."""

    code: int
    output: str


def run(kernel: debian.Kernel, command: str, *, security_modules: str, seconds: float = BOOT) -> Outcome:
    """Boot, run a shell command as root in this process's working directory, and power off.

    `security_modules` is the kernel's `lsm=` list.

    Raises:
        BootError: the command did not come to its end within `seconds`.
    """
    with tempfile.TemporaryDirectory(prefix="podseal-vm-") as folder:
        results = pathlib.Path(folder)
        quoted = shlex.quote(folder)
        script = f"({command}) >{quoted}/output 2>&1; echo $? >{quoted}/code"
        console = _boot(
            [
                str(PROGRAMS / "vng"),
                *("--disable-kvm", "--force-9p", "--force-initramfs"),
                *("--memory", MEMORY, "--cpus", "2", f"--rwdir={folder}"),
                *("--run", str(kernel.image), "--append", f"lsm={security_modules}"),
                *("--exec", script),
            ],
            seconds,
        )
        if not (results / "code").exists():
            raise BootError(
                f"{kernel.release}: it ended without a result; the console's last words:\n{console[-2000:]}"
            )
        return Outcome(int((results / "code").read_text()), (results / "output").read_text(errors="replace"))


def _boot(arguments: list[str], seconds: float) -> str:
    """Run virtme-ng on a terminal, without which it refuses a script, and return what the terminal showed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(
            arguments[0],
            arguments,
            {"PATH": f"{PROGRAMS}:{os.environ['PATH']}", "HOME": os.environ.get("HOME", "/root")},
        )
    deadline = time.monotonic() + seconds
    shown = bytearray()
    try:
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([terminal], [], [], left)[0]:
                break
            try:
                part = os.read(terminal, 65536)
            except OSError:  # a terminal whose last process has ended answers EIO
                break
            if not part:
                break
            shown += part
    finally:
        # The child leads the session of its terminal, and qemu is in its group: all of it ends here.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        os.close(terminal)
        os.waitpid(pid, 0)
    return shown.decode(errors="replace")
