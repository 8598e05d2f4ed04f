"""The cases of the controls: <control>/{admit,deny,fix}/<reason>.yaml, each a tweak of minimal.yaml.

In: the files. Out: `Case`s, the pods they make with the tested container in each place, and these pods inside every
kind of workload. Read by test_controls.py and by tests/conformance/psa.

The keys of a case, all optional:
  container   merged into the tested container; null is written out as null (and, once more, left out)
  pod         merged into the pod
  windows     true: the pod is for Windows, so that the containers lose the fields which Windows does not know
  options     the settings' Options, as model.Options has them
  places      the places that make sense; without it all four
  refused     "<profile>/v<version>" -> findings from that profile and version on, until a stronger one says otherwise;
              of each finding `path`, `seen`, and where they matter `container`, `allowed`, `fix`
Paths are written for a main container, `spec.containers[0]`.
"""

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import yaml

from webhook.policy import controls, model, workloads

FOLDER = Path(__file__).resolve().parent
OUTCOMES = ("admit", "deny", "fix")
PLACES = ("main", "init", "sidecar", "ephemeral")
KEYS = {"container", "pod", "windows", "options", "places", "refused"}
MAIN = "spec.containers[0]"
LEVEL = re.compile(r"(baseline|default|strict)/v([1-9][0-9]*)")
Json = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One file."""

    control: str
    outcome: str
    reason: str
    path: Path
    text: Json

    @property
    def id(self) -> str:
        """The path below this folder, without its ending."""
        return f"{self.control}/{self.outcome}/{self.reason}"

    @property
    def places(self) -> tuple[str, ...]:
        """Where the tested container is put."""
        return tuple(self.text.get("places", PLACES))

    @property
    def options(self) -> model.Options:
        """The settings of this case; no path of the node is allowed unless it says so."""
        return msgspec.convert({"allowed_host_paths": [], **self.text.get("options", {})}, model.Options)

    @property
    def levels(self) -> dict[model.Level, list[Json]]:
        """What `refused` says, by the level from which it holds."""
        levels = {}
        for name, findings in self.text.get("refused", {}).items():
            match = LEVEL.fullmatch(name)
            assert match, f"{self.path}: {name!r} is no <profile>/v<version>"
            levels[msgspec.convert({"profile": match[1], "version": int(match[2])}, model.Level)] = findings
        return levels

    def expected(self, level: model.Level, place: str) -> list[Json]:
        """The findings at a level, for a place: the entry of the strongest profile and newest version that it knows."""
        known = [
            each
            for each in self.levels
            if each.version <= level.version and controls.RANK[each.profile] <= controls.RANK[level.profile]
        ]
        if not known:
            return []
        strongest = max(known, key=lambda each: (controls.RANK[each.profile], each.version))
        here = PREFIXES[place]
        return [
            {"container": "tested", **finding, "path": finding["path"].replace(MAIN, here)}
            for finding in self.levels[strongest]
        ]


PREFIXES = {
    "main": MAIN,
    "init": "spec.initContainers[0]",
    "sidecar": "spec.initContainers[0]",
    "ephemeral": "spec.ephemeralContainers[0]",
}


def load() -> list[Case]:
    """Every case, in the order of the files."""
    found = []
    for path in sorted(FOLDER.glob("*/*/*.yaml")):
        text = yaml.safe_load(path.read_text()) or {}
        unknown = set(text) - KEYS
        assert not unknown, f"{path}: {sorted(unknown)} are no keys of a case; the keys are {sorted(KEYS)}"
        found.append(Case(path.parts[-3], path.parts[-2], path.stem, path, text))
    return found


MINIMAL: Json = yaml.safe_load((FOLDER / "minimal.yaml").read_text())
WINDOWS_KNOWS = ("runAsNonRoot", "windowsOptions")


def pod(case: Case, place: str, *, nulls: bool = True) -> Json:
    """The pod of a case as JSON has it; `nulls` false leaves out every field that is null."""
    minimal = copy.deepcopy(MINIMAL)
    made: Json = minimal["pod"]
    tested: Json = minimal["container"]
    bystander = copy.deepcopy(tested)
    merge(bystander, minimal["bystander"])
    if case.text.get("windows"):
        made["spec"]["os"] = {"name": "windows"}
        for container in (tested, bystander):
            container["securityContext"] = {
                key: value for key, value in container["securityContext"].items() if key in WINDOWS_KNOWS
            }
    merge(tested, case.text.get("container", {}))
    merge(made, case.text.get("pod", {}))
    spec = made["spec"]
    if place == "main":
        spec["containers"] = [tested]
    else:
        spec["containers"] = [bystander]
        if place == "sidecar":
            tested["restartPolicy"] = "Always"
        spec["ephemeralContainers" if place == "ephemeral" else "initContainers"] = [tested]
    if nulls:
        return made
    stripped: Json = _without_nulls(made)
    return stripped


def merge(target: Json, tweak: Mapping[str, Any]) -> None:
    """Put the tweak into the target: mappings are merged, everything else, null too, replaces what was there."""
    for key, value in tweak.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict) and value:
            merge(target[key], value)
        else:
            target[key] = copy.deepcopy(value)


def _without_nulls(value: Any) -> Any:  # noqa: ANN401 -- any JSON
    if isinstance(value, dict):
        return {key: _without_nulls(each) for key, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value


def inside(kind: str, made: Json) -> bytes:
    """The JSON of a workload of a kind around the pod; for Pod the pod itself."""
    body: Json = {"metadata": made["metadata"], "spec": made["spec"]}
    for name in reversed(workloads.prefix(kind).split(".")[:-1]):
        body = {name: body}
    version = workloads.KINDS[kind][2][0]
    return msgspec.json.encode({**body, "apiVersion": version, "kind": kind})


def subject(kind: str, made: Json) -> model.Subject:
    """The workload, decoded from its JSON, as created."""
    decoded = msgspec.json.decode(inside(kind, made), type=workloads.KINDS[kind][0])
    return model.Subject(kind=kind, namespace="shop", name="case", pod=decoded.pod())


def profile_levels() -> Iterator[model.Level]:
    """Every profile at every version."""
    for version in range(1, model.NEWEST_VERSION + 1):
        for profile in ("baseline", "default", "strict"):
            yield msgspec.convert({"profile": profile, "version": version}, model.Level)
