"""The same verdict as Pod Security admission: baseline and strict against the checks of its own Go code, one by one.

The other side is main.go, built from the module k8s.io/pod-security-admission. All pods go through one process.
Compared is, per pod and level, which controls refuse: each must cover a check that refuses there, and vice versa.
PODSEAL_EXPLORE=N draws N pods at random; without it the same pods are drawn on every run.
"""

import json
import os
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import hypothesis
import msgspec
import pytest

from tests.cluster import build, requirements
from tests.conformance.psa import pods
from tests.webhook.policy.controls import cases
from webhook.policy import containers, controls, model, pod

pytestmark = pytest.mark.slow

EXPLORE = int(os.environ.get("PODSEAL_EXPLORE", "0"))
LEVELS = {"baseline": model.Level("baseline"), "restricted": model.Level("strict")}
OPTIONS = model.Options(allowed_host_paths=())
MODELLED = frozenset(pod.Volume.__struct_encode_fields__) - {"name"}
FREE = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim"} | {
    "projected",
    "secret",
}
Json = dict[str, Any]


@dataclass(frozen=True)
class Difference:
    """Pods that a control refuses and no check does, why that is right, and one of them."""

    control: str
    level: str
    reason: str
    applies: Callable[[Json], bool]
    example: Json


def _windows(made: Json) -> bool:
    return (made["spec"].get("os") or {}).get("name") == "windows"


def _two_kinds(made: Json) -> bool:
    kinds = [{kind for kind, value in each.items() if value is not None} for each in made["spec"].get("volumes") or ()]
    return any("hostPath" in each and each & FREE for each in kinds)


def _administrator(made: Json) -> bool:
    return "containeradministrator" in json.dumps(made).lower()


DIFFERENCES = (
    Difference(
        "capabilities",
        "restricted",
        "for Windows restricted checks no capabilities and overrides baseline's check, so that it admits what baseline "
        "refuses; the API server refuses such a pod in the end",
        _windows,
        {
            "os": {"name": "windows"},
            "containers": [{"name": "a", "securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}],
        },
    ),
    Difference(
        "seccomp",
        "restricted",
        "the same for seccomp profiles",
        _windows,
        {
            "os": {"name": "windows"},
            "containers": [{"name": "a", "securityContext": {"seccompProfile": {"type": "Unconfined"}}}],
        },
    ),
    Difference(
        "host-path",
        "restricted",
        "a volume of two kinds: restrictedVolumes ends at the first allowed one and overrides hostPathVolumes; the API "
        "server refuses such a volume in the end",
        _two_kinds,
        {"containers": [], "volumes": [{"name": "v", "hostPath": {"path": "/"}, "emptyDir": {}}]},
    ),
    Difference(
        "run-as-root",
        "restricted",
        "Pod Security admission does not look at the Windows user; the kubelet takes ContainerAdministrator for root",
        _administrator,
        {
            "securityContext": {"runAsNonRoot": True, "windowsOptions": {"runAsUserName": "ContainerAdministrator"}},
            "containers": [{"name": "a"}],
        },
    ),
)


@pytest.fixture(scope="module")
def psa() -> str:
    """The program, built where it is not there yet."""
    with requirements.or_skip():
        build.ensure(["psa"])
        return str(build.find("psa"))


def ask(psa: str, made: Sequence[Json]) -> list[dict[str, list[str]]]:
    """What Pod Security admission says of each pod: level -> ids of checks that refuse it."""
    lines = b"\n".join(msgspec.json.encode(each) for each in made) + b"\n"
    done = subprocess.run([psa], input=lines, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(made)
    return answers


def ours(made: Json) -> dict[str, set[str]]:
    """Level -> the controls that refuse the pod, of those that cover a check."""
    view = containers.PodView(msgspec.json.decode(msgspec.json.encode(made), type=pod.Pod), OPTIONS)
    return {
        name: {
            control
            for control, rule in controls.rules(level).items()
            if controls.CONTROLS[control].pod_security and any(True for _ in rule.check(view))
        }
        for name, level in LEVELS.items()
    }


def disagreements(made: Json, theirs: dict[str, list[str]]) -> list[str]:
    """One line for each control or check that stands alone, but for the known differences."""
    lines = []
    for level, refusing in ours(made).items():
        covered = {check for control in refusing for check in controls.CONTROLS[control].pod_security}
        lines += [f"{level}: only the check {check} refuses" for check in theirs[level] if check not in covered]
        for control in refusing:
            if set(controls.CONTROLS[control].pod_security).isdisjoint(theirs[level]):
                known = [each for each in DIFFERENCES if (each.control, each.level) == (control, level)]
                if not any(each.applies(made) for each in known):
                    lines.append(f"{level}: only the control {control} refuses")
    return lines


def compare(psa: str, made: Sequence[Json]) -> list[dict[str, list[str]]]:
    """Compare every pod and show the smallest ones that differ."""
    answers = ask(psa, made)
    wrong = [
        (json.dumps(each), lines)
        for each, theirs in zip(made, answers, strict=True)
        if (lines := disagreements(each, theirs))
    ]
    shown = "\n".join(f"{lines}\n  {text}" for text, lines in sorted(wrong, key=lambda each: len(each[0]))[:5])
    assert not wrong, f"{len(wrong)} of {len(made)} pods are judged differently, among them\n{shown}"
    return answers


def counted(answers: Iterable[dict[str, list[str]]]) -> Counter[str]:
    """How many pods each check refuses at the stricter level that has it."""
    return Counter(check for answer in answers for check in {*answer["baseline"], *answer["restricted"]})


def registry(psa: str) -> Json:
    """Every check with its level, and every kind of volume."""
    done = subprocess.run([psa, "registry"], capture_output=True, check=True, timeout=60)
    found: Json = json.loads(done.stdout)
    return found


def test_every_check_has_a_control_and_every_control_names_real_checks(psa: str) -> None:
    """The table in the documentation is made from the same names."""
    checks = registry(psa)["checks"]
    named = {check for control in controls.CONTROLS.values() for check in control.pod_security}
    assert named == set(checks)
    for name, level in LEVELS.items():
        in_force = {check for control in controls.rules(level) for check in controls.CONTROLS[control].pod_security}
        assert {check for check, at in checks.items() if at == name} <= in_force


def test_every_kind_of_volume_is_modelled(psa: str) -> None:
    """A kind that the pod model lacks would be taken for none."""
    assert set(registry(psa)["volumes"]) == MODELLED


def test_the_cases_of_the_controls_are_judged_alike(psa: str) -> None:
    """Every case in every place, but for the settings' allow list; each check refuses some of them."""
    made = [cases.pod(case, place) for case in cases.load() for place in case.places]
    refused = counted(compare(psa, made))
    assert set(refused) == set(registry(psa)["checks"])


def test_generated_pods_are_judged_alike(psa: str) -> None:
    """At least 2,000 different pods; each check refuses at least fifty and lets pass at least fifty."""
    drawn: dict[str, Json] = {}

    @hypothesis.settings(
        max_examples=EXPLORE or 2700,
        derandomize=not EXPLORE,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(pods.pods())
    def draw(made: Json) -> None:
        drawn[json.dumps(made, sort_keys=True)] = made

    draw()
    made = list(drawn.values())
    refused = counted(compare(psa, made))
    if not EXPLORE:
        assert len(made) >= 2000
        for check in registry(psa)["checks"]:
            assert 50 <= refused[check] <= len(made) - 50, f"{check} refuses {refused[check]} of {len(made)}"


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda each: each.control)
def test_a_known_difference_is_one(psa: str, difference: Difference) -> None:
    """An entry that is no longer true must go: we refuse, and none of the control's checks does."""
    made = {"metadata": {}, "spec": difference.example}
    assert difference.applies(made)
    assert difference.control in ours(made)[difference.level]
    checks = controls.CONTROLS[difference.control].pod_security
    assert set(checks).isdisjoint(ask(psa, [made])[0][difference.level])
    assert difference.reason
