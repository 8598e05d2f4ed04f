"""`make run` as its users start it: the webhook answers, the page shows the self-test, and Ctrl-C leaves nothing."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3

from runtime_monitor.selftest import cgroups, container
from tests import waiting
from tests.kernel import able
from tests.runtime_monitor import parts
from tests.tour.__main__ import obstacle

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATIENCE = 300.0
REVIEW = ROOT / "tests" / "data" / "reviews" / "create-pods.json"


class Started:
    """`make run` with ports and a folder of its own."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self._webhook, metrics, page = (f"127.0.0.1:{parts.free_port()}" for _ in range(3))
        self.page = f"http://{page}/"
        binds = f"--bind {self._webhook} --metrics-bind {metrics} --page-bind {page}"
        with (folder / "said").open("wb") as said:
            self.process = subprocess.Popen(
                ["make", "run", f"TOUR=--folder {folder}/made {binds}"],
                cwd=ROOT,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    def said(self) -> str:
        """What it printed."""
        return (self.folder / "said").read_text()

    def interrupt(self) -> int:
        """Ctrl-C: the terminal sends it to make and whatever it runs in the foreground."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(PATIENCE)

    def review(self) -> dict[str, Any]:
        """The webhook's answer, or nothing where it does not answer yet."""
        trust = self.folder / "made" / "certs" / "ca.crt"
        with (
            contextlib.suppress(urllib3.exceptions.HTTPError, OSError, ssl.SSLError),
            urllib3.PoolManager(ca_certs=str(trust), retries=False, timeout=20) as pool,
        ):
            headers = {"Content-Type": "application/json"}
            url = f"https://{self._webhook}/validate"
            return dict(json.loads(pool.request("POST", url, body=REVIEW.read_bytes(), headers=headers).data))
        return {}

    def alerts(self) -> list[dict[str, Any]]:
        """What the page shows of the self-test's container; nothing where it does not answer yet."""
        with contextlib.suppress(urllib3.exceptions.HTTPError):
            path = f"alerts?limit=1000&namespace={container.NAMESPACE}"
            answer = urllib3.request("GET", self.page + path, retries=False, timeout=20)
            if answer.status == 200:
                return list(json.loads(answer.data)["alerts"])
        return []


@pytest.fixture
def started(tmp_path: pathlib.Path) -> Iterator[Started]:
    """It, killed after the test if it lives on."""
    able.to_load_programs()
    made = Started(tmp_path)
    try:
        yield made
    finally:
        for pid in _processes(tmp_path):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        made.process.wait(PATIENCE)
        print(made.said())  # which pytest shows of a test that fails


def _processes(folder: pathlib.Path) -> list[int]:
    """Who has a path below a folder among its arguments, this process's own aside."""
    found = []
    for each in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if os.fsencode(folder) in each.read_bytes():
                found.append(int(each.parent.name))
    return [pid for pid in found if pid != os.getpid()]


@pytest.mark.kernel
def test_make_run_shows_the_self_test(started: Started) -> None:
    """The webhook denies, the page has alerts with pod, session and remedy; after Ctrl-C nothing runs or is mounted."""
    waiting.until(lambda: _whole(started.alerts()) or started.process.poll() is not None, "alerts", PATIENCE)
    alerts = started.alerts()
    assert _whole(alerts), started.said()
    assert {each["alert"]["output_fields"]["k8s.pod.name"] for each in alerts} == {container.POD}
    waiting.until(started.review, "the webhook's answer", PATIENCE)
    assert started.review()["response"]["allowed"] is False
    waiting.until(lambda: started.page in started.said(), "the page's address to be said", PATIENCE)
    started.interrupt()
    assert _processes(started.folder) == []
    assert "Traceback" not in started.said()
    for identifier in {each["alert"]["output_fields"]["container.id"] for each in alerts}:
        assert not list(container.BUNDLES.glob(f"{identifier}*")), "a mount was left"
        assert not list(pathlib.Path("/sys/fs/cgroup").glob(f"**/{cgroups.PARENT}/{identifier}*")), "a cgroup was left"


def _whole(alerts: list[dict[str, Any]]) -> bool:
    """Whether there are alerts of sessions, of drift, with a volume to add, and with a policy."""
    fields = [each["alert"]["output_fields"] for each in alerts]
    texts = [each["remedy"]["text"] for each in alerts if each["remedy"]]
    return (
        any(each.get("exec.session") for each in fields)
        and any(each.get("drift.kind") == "exec" for each in fields)
        and any("emptyDir" in text for text in texts)
        and any("podseal.dev/enforce" in text for text in texts)
    )


def test_why_only_the_webhook_runs(tmp_path: pathlib.Path) -> None:
    """In one line each: no root, no BTF, a port that is taken."""
    btf = tmp_path / "vmlinux"
    page = f"127.0.0.1:{parts.free_port()}"
    assert "needs root" in obstacle(1000, page, btf)
    assert "BTF" in obstacle(0, page, btf)
    btf.touch()
    assert obstacle(0, page, btf) == ""
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        assert f"{taken}, where its page would be, is taken" in obstacle(0, taken, btf)
