"""`make run`: the webhook on this machine and, where it can run, the node monitor with the self-test's alerts.

In: a folder for what is made, and addresses. Out: what to try, on standard output; both programs until Ctrl-C, after
which nothing of them is left but the folder. Exit code 0 after a signal, else the webhook's own.
"""

import argparse
import http
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time

import urllib3

BIN = pathlib.Path(sys.executable).parent
BTF = pathlib.Path("/sys/kernel/btf/vmlinux")
SECONDS_TO_END = 30.0
SECONDS_BETWEEN_LOOKS = 0.1
WEBHOOK = """\
Ask the webhook, in another terminal:
  curl --cacert {folder}/certs/ca.crt -H 'Content-Type: application/json' \\
    --data-binary @tests/data/reviews/create-pods.json https://{bind}/validate"""
PAGE = """\
See the alerts of the self-test, which is played once, and of every container of this machine:
  {url}   sessions, timelines, remedies
  .venv/bin/podseal-monitor alerts --url {url}   the same in a terminal
Ctrl-C ends all of it."""


def obstacle(user: int, page: str, btf: pathlib.Path = BTF) -> str:
    """Why the node monitor cannot run here; empty where it may be tried."""
    if user != 0:
        return "the node monitor needs root: sudo make run"
    if not btf.exists():
        return f"the node monitor needs a kernel with BTF (CONFIG_DEBUG_INFO_BTF), which makes {btf}"
    if _is_taken(page):
        return f"{page}, where its page would be, is taken; is another monitor running?"
    return ""


def _is_taken(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), 1):
            return True
    except OSError:
        return False


class Tour:
    """The two programs. Each has a session of its own: Ctrl-C is for this process, which then ends them in order."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._stop = threading.Event()
        self._folder: pathlib.Path = options.folder

    def stop(self) -> None:
        """Let `run` end."""
        self._stop.set()

    def run(self) -> int:
        """Until a signal, or until the webhook ends by itself; its exit code then."""
        certs = self._folder / "certs"
        made = subprocess.run([BIN / "podseal-certs", "init", "--dir", certs], check=False)
        if made.returncode:
            return made.returncode
        files = ("--tls-cert-file", certs / "tls.crt", "--tls-private-key-file", certs / "tls.key")
        binds = ("--bind", self._options.bind, "--metrics-bind", self._options.metrics_bind)
        webhook = subprocess.Popen([BIN / "podseal", "serve", *files, *binds], start_new_session=True)
        monitor = None
        try:
            _say(WEBHOOK.format(folder=self._folder, bind=self._options.bind))
            reason = obstacle(os.geteuid(), self._options.page_bind)
            if reason:
                _say(f"Only the webhook is served: {reason}")
            else:
                monitor = self._monitor()
            while webhook.poll() is None and not self._stop.wait(SECONDS_BETWEEN_LOOKS):
                pass
            return 0 if self._stop.is_set() else webhook.returncode
        finally:
            _end([each for each in (monitor, webhook) if each is not None])

    def _monitor(self) -> "subprocess.Popen[bytes]":
        """The node monitor; returns once its page answers, or it ended, or a signal came."""
        page = self._options.page_bind
        argv: list[str | pathlib.Path] = [
            BIN / "podseal-monitor",
            "run",
            "--selftest",
            "--unpinned",
            "--metrics-bind=",
            f"--page-bind={page}",
        ]
        with (self._folder / "alerts.txt").open("ab") as lines:
            monitor = subprocess.Popen(
                [*argv, f"--spool={self._folder / 'spool.db'}"], stdout=lines, start_new_session=True
            )
        url = f"http://{page}/"
        while monitor.poll() is None and not self._stop.wait(SECONDS_BETWEEN_LOOKS):
            if _answers(url):
                _say(PAGE.format(url=url))
                break
        if monitor.poll() is not None:
            _say("Only the webhook is served: the node monitor ended, and says above why.")
        return monitor


def _answers(url: str) -> bool:
    try:
        return urllib3.request("GET", f"{url}healthz", retries=False, timeout=1).status == http.HTTPStatus.OK
    except urllib3.exceptions.HTTPError:
        return False


def _end(processes: "list[subprocess.Popen[bytes]]") -> None:
    """Ask all of them to end, then wait for each."""
    for each in processes:
        each.terminate()
    deadline = time.monotonic() + SECONDS_TO_END
    for each in processes:
        try:
            each.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            each.kill()
            each.wait()


def _say(text: str) -> None:
    print(text, flush=True)


def main() -> int:
    """Run until a signal."""
    parser = argparse.ArgumentParser(prog="make run", description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path(".podseal"))
    parser.add_argument("--bind", default="127.0.0.1:8443")
    parser.add_argument("--metrics-bind", default="127.0.0.1:8444")
    parser.add_argument("--page-bind", default="127.0.0.1:9480")
    tour = Tour(parser.parse_args())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: tour.stop())
    return tour.run()


if __name__ == "__main__":
    sys.exit(main())
