"""`podseal-monitor run` as a process: what it prints, refuses, and says of its own end."""

import json
import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import pytest
import urllib3
from click.testing import CliRunner

from runtime_monitor.commands import run
from runtime_monitor.kernel import sensor
from runtime_monitor.selftest import container
from tests import waiting
from tests.runtime_monitor import parts
from tests.runtime_monitor.conftest import Monitor
from tests.runtime_monitor.feed.receiver import receiver


def entered(monitor: Monitor, number: int = 0) -> list[dict[str, Any]]:
    """The printed alerts about processes from outside."""
    alerts = [json.loads(line) for line in monitor.printed(number).splitlines()]
    return [each for each in alerts if each["output_fields"].get("exec.session")]


def enter(running: container.Container, *argv: str) -> None:
    """Come in from the host."""
    target = ["nsenter", f"--target={running.pid}", "--mount", "--pid", "--root"]
    subprocess.run([*target, "--", *argv], check=True, timeout=20)


def test_who_comes_in_is_printed(monitor: Monitor) -> None:
    """With the container's name from its bundle; the last words are printed too."""
    with container.running() as running:
        place = monitor.folder / "bundles" / running.id
        place.mkdir()
        notes = {"io.kubernetes.cri.container-name": "web", "io.kubernetes.cri.sandbox-name": "shop-1"}
        (place / "config.json").write_text(json.dumps({"annotations": notes}))
        process = monitor.start(f"--record={monitor.folder}/events")
        monitor.await_line("Monitor started")
        enter(running, "sh", "-c", "echo > /etc/podseal-was-here")
        monitor.await_line("/etc/podseal-was-here")
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert "told to stop" in monitor.printed().splitlines()[-1]
    first = entered(monitor)[0]
    assert first["rule"] == "Container entered from its node"
    assert (first["output_fields"]["container.name"], first["output_fields"]["k8s.pod.name"]) == ("web", "shop-1")
    assert "podseal-was-here" in (monitor.folder / "events").read_text()


def test_a_second_monitor_is_refused(monitor: Monitor) -> None:
    """With one line and exit 2; the first goes on."""
    first = monitor.start()
    monitor.await_line("Monitor started")
    second = monitor.start(f"--spool={monitor.folder}/other.db")
    assert second.wait(60) == 2
    (line,) = [line for line in monitor.log(1).splitlines() if line]
    assert line.startswith("Error: another monitor watches this node")
    assert first.poll() is None


def test_an_unpinned_one_leaves_nothing(monitor: Monitor) -> None:
    """Its kernel's side ends with it, and beside it there is room for another one."""
    first = monitor.start("--unpinned")
    monitor.await_line("Monitor started")
    monitor.start("--unpinned", f"--spool={monitor.folder}/other.db")
    monitor.await_line("Monitor started", 1)
    first.send_signal(signal.SIGTERM)
    assert first.wait(60) == 0
    assert not list((monitor.folder / "bpf" / sensor.PINNED.name).glob("*"))


def test_a_killed_monitor_is_told_by_the_next(monitor: Monitor) -> None:
    """And the process that printed ends with the killed one."""
    first = monitor.start()
    monitor.await_line("Monitor started")
    first.kill()
    first.wait()
    monitor.start()
    monitor.await_line("Monitor was not running", 1)


def test_what_is_missing_is_said_and_the_rest_goes_on(monitor: Monitor) -> None:
    """No API server, no runtime: a line each."""
    (monitor.folder / "bundles").rmdir()
    monitor.start()
    monitor.await_line("Monitor started")
    waiting.until(lambda: "no labels" in monitor.log() and "no container runtime" in monitor.log(), "both lines")
    assert "Traceback" not in monitor.log()


def test_a_spool_that_cannot_be_written_is_one_line(monitor: Monitor) -> None:
    """It is named, with a remedy; the feed, which would need the folder as well, is not started here."""
    process = monitor.start("--spool=/proc/none/spool.db", "--output=none")
    assert process.wait(60) == 2
    (line,) = [line for line in monitor.log().splitlines() if line]
    assert "/proc/none" in line
    assert "give the sensor a folder" in line


FALCO_YAML = Path(__file__).parents[1] / "falco_yaml" / "falco.yaml"
SHELL = """
- rule: Shell came in
  desc: A shell in a container.
  condition: evt.type = execve and container.id != host and proc.name = sh and proc.args contains podseal-was-here
  output: Shell came in | command=%proc.cmdline
  priority: WARNING
  tags: [shell]
- rule: Container entered from its node
  enabled: false
  override: {enabled: replace}
"""


def test_a_falco_yaml_has_the_outputs_that_it_has_with_falco(monitor: Monitor) -> None:
    """Falco's own falco.yaml, with -o: lines, a file, a program, HTTP, the web server; a rule of podseal's is off."""
    (monitor.folder / "rules.d").mkdir()
    (monitor.folder / "rules.d" / "mine.yaml").write_text(SHELL)
    port = parts.free_port()
    with receiver() as server, container.running() as running:
        changes = (
            f"rules_files=[{monitor.folder}/none.yaml, {monitor.folder}/rules.d]",
            "json_output=true",
            "json_include_message_property=true",
            "json_include_tags_property=false",
            "append_output[].extra_fields[0].where=on %evt.hostname",
            "static_fields.cluster=one",
            "syslog_output.enabled=false",
            "file_output.enabled=true",
            f"file_output.filename={monitor.folder}/alerts",
            "program_output.enabled=true",
            f"program_output.program=cat >> {monitor.folder}/piped",
            "http_output.enabled=true",
            f"http_output.url={server.url}/falco",
            "http_output.compress_uploads=true",
            "webserver.listen_address=127.0.0.1",
            f"webserver.listen_port={port}",
            "webserver.prometheus_metrics_enabled=true",
        )
        process = monitor.start(f"-c{FALCO_YAML}", *(f"-o{change}" for change in changes), form=())
        monitor.await_line("Monitor started")
        enter(running, "sh", "-c", "echo > /etc/podseal-was-here")
        monitor.await_line("Shell came in")
        waiting.until(lambda: _told(monitor.folder / "alerts"), "the alert in the file", 120)
        waiting.until(lambda: _told(monitor.folder / "piped"), "the alert at the program", 120)
        waiting.until(lambda: any(b"Shell came in" in each.body for each in server.requests), "the POST", 120)
        metrics = urllib3.request("GET", f"http://127.0.0.1:{port}/metrics", retries=False)
        assert b"podseal_monitor_events_total" in metrics.data
        assert urllib3.request("GET", f"http://127.0.0.1:{port}/healthz", retries=False).json() == {"status": "ok"}
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        posted = [each.body for each in server.requests]
        assert server.requests[0].headers["User-Agent"] == "falcosecurity/falco"
    printed = monitor.printed().splitlines()
    written, piped = ((monitor.folder / name).read_text().splitlines() for name in ("alerts", "piped"))
    for rules in (_rules(printed), _rules(written), _rules(piped), _rules(posted)):
        assert rules.count("Shell came in") == 1
        assert "Container entered from its node" not in rules
    alert = next(json.loads(line) for line in printed if "Shell came in" in line)
    assert alert["message"].startswith("Shell came in | command=sh -c")
    assert "tags" not in alert
    assert (alert["output_fields"]["where"], alert["output_fields"]["cluster"]) == ("on node-1", "one")
    assert "not followed" not in monitor.log()


def _told(path: Path) -> bool:
    return path.exists() and "Shell came in" in path.read_text()


def _rules(lines: Iterable[str | bytes]) -> list[str]:
    return [json.loads(line)["rule"] for line in lines]


def test_a_falco_yaml_that_cannot_be_used_is_one_line(monitor: Monitor) -> None:
    """The place, the key, the remedy."""
    process = monitor.start(f"-c{FALCO_YAML}", "-ohttp_output.enabled=true", form=())
    assert process.wait(60) == 2
    (line,) = [line for line in monitor.log().splitlines() if line]
    assert line.startswith(f"Error: {FALCO_YAML}:")
    assert "http_output.url: the output is enabled: give the receiver's address" in line


@pytest.mark.parametrize(
    ("given", "bound"),
    [("127.0.0.1:8447", ("127.0.0.1", 8447)), ("[::1]:1", ("::1", 1)), (":80", ("", 80)), ("", None)],
)
def test_an_address_is_read(given: str, bound: tuple[str, int] | None) -> None:
    """Address and port, or nothing."""
    assert run.Bind().convert(given, None, None) == bound


@pytest.mark.parametrize("given", ["8447", "localhost", "a:b", "a:0", "a:65536", "a:-1"])
def test_a_wrong_address_is_refused(given: str) -> None:
    """Named in the error."""
    with pytest.raises(click.BadParameter, match="no ADDRESS:PORT"):
        run.Bind().convert(given, None, None)


def test_the_options_are_the_settings() -> None:
    """Every option is documented; a wrong one is refused before anything starts."""
    runner = CliRunner()
    help_text = runner.invoke(run.command, ["--help"]).output
    for option in (
        "--rules",
        "--spool",
        "--record",
        "--node-name",
        "--kubeconfig",
        "--bundles",
        "--metrics-bind",
        "--bpffs",
        "--option",
        "--unpinned",
        "--selftest",
    ):
        assert option in help_text
    assert runner.invoke(run.command, ["--output=xml"]).exit_code == 2


def test_the_units_capabilities_are_enough(monitor: Monitor) -> None:
    """Of uid 0's capabilities the sensor keeps those of manifests/systemd, and sees who comes in."""
    unit = (Path(__file__).parents[3] / "manifests" / "systemd" / "podseal-sensor.service").read_text()
    (line,) = [line for line in unit.splitlines() if line.startswith("CapabilityBoundingSet=")]
    kept = ",".join(f"+{name.removeprefix('CAP_').lower()}" for name in line.partition("=")[2].split())
    under = ("setpriv", "--bounding-set", f"-all,{kept}", "--inh-caps", "-all", "--no-new-privs")
    monitor.start(under=under)
    monitor.await_line("Monitor started")
    with container.running() as running:
        enter(running, "sh", "-c", "echo > /etc/podseal-was-here")
        monitor.await_line("/etc/podseal-was-here")
