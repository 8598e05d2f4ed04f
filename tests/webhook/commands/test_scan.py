"""`podseal scan` as a command: questions, formats, exit codes, refusals, against a scripted API server."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import click.testing
import pytest

from tests.webhook.scan import fake_cluster, pod_objects
from webhook.commands import scan
from webhook.scan import policyreports, rbac

Result = click.testing.Result
Scan = Callable[..., Result]
OLD = policyreports.APIS[0]
KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: test
clusters: [{{name: test, cluster: {{server: "{address}"}}}}]
users: [{{name: test, user: {{}}}}]
contexts: [{{name: test, context: {{cluster: test, user: test}}}}]
"""
FAR, SOON = "2099-12-31", "2099-12-30"
POLICY = """\
apiVersion: config.podseal.dev/v1alpha1
kind: Policy
waivers: {maxDays: 0}
"""


@pytest.fixture
def cluster() -> fake_cluster.Cluster:
    """A namespace with a privileged pod that a waiver lets pass, and one with a pod that only a warning is about."""
    made = fake_cluster.Cluster()
    made.add_namespace("shop", labels={"podseal.dev/exempt.privileged": SOON})
    made.add_namespace("tidy")
    waived = {"securityContext": {"privileged": True}}
    made.add_pod(pod_objects.tree("agent", "shop", container=waived))
    made.add_pod(pod_objects.tree("web", "tidy", container={"image": "shop/web:1"}))
    made.documents[f"/apis/{OLD.group_version}"] = {"resources": [{"name": OLD.plural}]}
    made.collections[OLD.path()] = [{"metadata": {"namespace": "gone", "name": "podseal"}}]
    for kind in ("clusterroles", "roles", "clusterrolebindings", "rolebindings"):
        made.collections[f"{rbac.PATH}/{kind}"] = []
    return made


@pytest.fixture
def run(cluster: fake_cluster.Cluster, tmp_path: Path) -> Iterator[Scan]:
    """Run the command in a folder with a kubeconfig and a policy."""
    with fake_cluster.serve(cluster) as address:
        kubeconfig, policy = tmp_path / "kubeconfig", tmp_path / "podseal.yaml"
        kubeconfig.write_text(KUBECONFIG.format(address=address))
        policy.write_text(POLICY)

        def invoke(*arguments: str) -> Result:
            given = [*arguments, "--kubeconfig", str(kubeconfig), "--policy", str(policy)]
            result = click.testing.CliRunner().invoke(scan.command, given, prog_name="podseal scan")
            assert isinstance(result.exception, SystemExit | None), result.exception
            return result

        yield invoke


EXITS: dict[str, tuple[tuple[str, ...], int]] = {
    "nothing denies": ((), 0),
    "warnings count when asked": (("--fail-on", "warn"), 1),
    "never": (("--fail-on", "never"), 0),
    "one clean namespace": (("-n", "shop", "--fail-on", "never"), 0),
    "a waiver's end": (("--as-of", FAR), 1),
    "a waiver's last day": (("--as-of", SOON), 0),
    "what breaks need not count": (("--as-of", FAR, "--fail-on", "never"), 0),
    "a waiver that ends is a warning": (("--expiring", "36500", "--fail-on", "warn"), 1),
    "and no denial": (("--expiring", "36500"), 0),
    "grants are an answer, not a fault": (("--grants", "--fail-on", "audit"), 0),
    "an installation that denies nothing": (("--preflight",), 0),
}


@pytest.mark.parametrize(("arguments", "code"), EXITS.values(), ids=EXITS.keys())
def test_exit_codes(run: Scan, arguments: tuple[str, ...], code: int) -> None:
    """0 clean, 1 findings at or above the threshold."""
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert result.stderr == ""


WRONG: dict[str, tuple[tuple[str, ...], str]] = {
    "two questions": (("--preflight", "--grants"), "--preflight and --grants are different questions"),
    "a past date": (("--as-of", "2020-01-01"), "--as-of 2020-01-01 is past"),
    "no date": (("--as-of", "soon"), "'soon' does not match the format"),
    "grants of a namespace": (("--grants", "-n", "shop"), "--grants is about the whole cluster"),
    "a format that the question has not": (("--grants", "-o", "sarif"), "--grants has no format sarif"),
    "no such format": (("-o", "yaml"), "'yaml' is no format; choose from table, json, sarif, policyreports"),
    "a file for objects": (("-o", "policyreports=x"), "writes objects, not a file"),
    "objects of a part": (("-l", "a=b", "-o", "policyreports"), "leave out --selector"),
    "objects of the future": (("--as-of", FAR, "-o", "policyreports"), "--as-of has no format policyreports"),
    "a file that cannot be written": (("-o", "json=/absent/out"), "cannot write /absent/out"),
}


@pytest.mark.parametrize(("arguments", "told"), WRONG.values(), ids=WRONG.keys())
def test_wrong_usage_is_told_with_its_remedy(run: Scan, arguments: tuple[str, ...], told: str) -> None:
    """Exit 2, and nothing on standard output."""
    result = run(*arguments)
    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stdout == ""


def test_a_missing_right_is_named(run: Scan, cluster: fake_cluster.Cluster) -> None:
    """One line, no traceback, exit 2."""
    cluster.refused["/api/v1/pods"] = (403, 'pods is forbidden: User "ann" cannot list resource "pods"')
    result = run()
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("podseal scan: pods is forbidden: User")
    assert "grant it with a Role or ClusterRole" in line


def test_an_unusable_policy_is_named(run: Scan, tmp_path: Path) -> None:
    """With its line, as `check` does."""
    (tmp_path / "podseal.yaml").write_text("kind: Nonsense\n")
    result = run()
    assert result.exit_code == 2
    assert "podseal.yaml:1" in result.stderr


def test_several_reports_of_one_scan(run: Scan, cluster: fake_cluster.Cluster, tmp_path: Path) -> None:
    """A table for a person, files for machines, objects for dashboards: the cluster is walked once."""
    outputs = (f"json={tmp_path}/scan.json", f"sarif={tmp_path}/scan.sarif", "table", "policyreports")
    result = run(*(part for output in outputs for part in ("-o", output)))
    assert result.exit_code == 0
    assert "Pod/web" in result.stdout
    assert result.stderr == ("podseal scan: policyreports (wgpolicyk8s.io/v1alpha2): 2 written, 1 removed\n")
    assert json.loads((tmp_path / "scan.json").read_text())["summary"]["waived"] == 1
    assert json.loads((tmp_path / "scan.sarif").read_text())["version"] == "2.1.0"
    assert sum(request.startswith("/api/v1/pods") for request in cluster.requests) == 1
    assert [(method, body and body["kind"]) for method, _, body in cluster.writes] == [
        ("PATCH", "PolicyReport"),
        ("PATCH", "PolicyReport"),
        ("DELETE", None),
    ]


def test_as_of_tells_what_breaks_and_its_waiver(run: Scan) -> None:
    """The difference to now alone."""
    (finding,) = json.loads(run("--as-of", FAR, "-o", "json").stdout)["findings"]
    assert (finding["control"], finding["namespace"], finding["label"]) == (
        "privileged",
        "shop",
        f"podseal.dev/exempt.privileged={SOON}",
    )


def test_an_unused_waiver_fails_as_an_audit_does(run: Scan, cluster: fake_cluster.Cluster) -> None:
    """And one that is in use and does not end is no matter."""
    assert run("--expiring", "1", "--fail-on", "audit").exit_code == 0
    cluster.add_namespace("vain", labels={"podseal.dev/exempt.privileged": FAR})
    result = run("--expiring", "1", "--fail-on", "audit", "-o", "json")
    assert result.exit_code == 1
    assert [each["namespace"] for each in json.loads(result.stdout)["waivers"]] == ["vain"]
    assert run("--expiring", "1", "--fail-on", "warn").exit_code == 0


def test_a_denied_application_fails_the_preflight(run: Scan, cluster: fake_cluster.Cluster) -> None:
    """But not what is left out by the chart or to be excluded."""
    cni = {"volumes": [{"name": "cni", "hostPath": {"path": "/opt/cni/bin"}}]}
    cluster.add_pod(pod_objects.tree("plugin", "net", spec=cni))
    cluster.add_pod(pod_objects.tree("proxy", "kube-system", container=pod_objects.PRIVILEGED))
    result = run("--preflight", "-o", "json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["values"] == {"exemptNamespaces": ["net"]}
    cluster.add_pod(pod_objects.tree("bad", "shop2", container=pod_objects.PRIVILEGED))
    assert run("--preflight").exit_code == 1


def test_quiet_leaves_findings_alone(run: Scan) -> None:
    """No remedies, no summary, no word on standard error."""
    result = run("-q", "-o", "table", "-o", "policyreports")
    assert "How to fix" not in result.stdout
    assert "pods of" not in result.stdout
    assert result.stderr == ""
    assert "Pod/web" in result.stdout


def test_colour_only_where_it_is_asked_for(run: Scan) -> None:
    """A runner's output is no terminal."""
    assert "\x1b" not in run().stdout
    assert "\x1b[" in run("--color").stdout
