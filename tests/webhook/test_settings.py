"""podseal.yaml: what may be said in it, what comes of it, and that mistakes are told in full."""

from pathlib import Path

import pytest

from webhook import config_file, settings
from webhook.policy import model, pod

HEAD = "apiVersion: config.podseal.dev/v1alpha1\nkind: "
WHOLE = f"""{HEAD}Settings
bind: 0.0.0.0:8443
metricsBind: "[::]:9000"
tls: {{certFile: a.crt, privateKeyFile: a.key, clientCaFile: ca.crt, minVersion: VersionTLS13}}
workers: 4
threads: 4
gracefulSeconds: 20
logLevel: debug
---
{HEAD}Policy
defaults:
  enforce: off
  enforceVersion: v1
  warn: baseline
  audit: default
  mutate: all
  exec: deny
  connect: record
floors:
- namespaces: [prod-*, kube-?]
  enforce: baseline
  exec: record
waivers: {{allowPermanent: true, maxDays: 30, expiryTime: "17:30", requireReason: true, requireTicket: true}}
allowedHostPaths:
- {{path: /var/log, readOnly: false}}
emptyDirSizeLimit: 64Mi
catalogue: [more.yaml]
exempt: {{namespaces: [kube-system], users: [system:node:a], runtimeClasses: [kata]}}
"""
MORE = f"""{HEAD}WritablePaths
images:
- image: acme/app
  paths: [{{path: /data}}]
"""


def written(folder: Path, text: str) -> Path:
    """The file with this text, and a catalogue beside it."""
    (folder / "more.yaml").write_text(MORE)
    path = folder / "podseal.yaml"
    path.write_text(text)
    return path


def problems(path: Path) -> list[str]:
    """What is wrong with a file, without its folder."""
    with pytest.raises(config_file.ConfigError) as caught:
        settings.policies(path)
    return [problem.removeprefix(f"{path.parent}/") for problem in caught.value.problems]


def test_everything_can_be_said(tmp_path: Path) -> None:
    """Each key of both kinds reaches the value that the core reads."""
    path = written(tmp_path, WHOLE)
    server = settings.server(path)
    assert (server.bind, server.metrics_bind) == ("0.0.0.0:8443", "[::]:9000")
    assert server.tls == settings.Tls("a.crt", "a.key", "ca.crt", "VersionTLS13")
    assert (server.workers, server.threads, server.graceful_seconds, server.log_level) == (4, 4, 20, "debug")
    found = settings.policies(path)
    assert found.defaults == model.Defaults(
        enforce=model.Level("off", 1),
        warn=model.Level("baseline"),
        audit=model.Level("default"),
        mutate="all",
        exec="deny",
        connect="record",
        floors=(model.Floor(("prod-*", "kube-?"), enforce="baseline", exec="record"),),
        allow_permanent=True,
        max_exemption_days=30,
        expiry_time=17 * 60 + 30,
        require_reason=True,
        require_ticket=True,
        options=model.Options((model.AllowedHostPath("/var/log", read_only=False),), "64Mi"),
    )
    assert found.catalogue.find("registry.example/acme/app:1")
    assert found.catalogue.find("nginx"), "the shipped catalogue is still there"
    assert found.exempt == settings.Exempt(("kube-system",), ("system:node:a",), ("kata",))


def test_nothing_need_be_said(tmp_path: Path) -> None:
    """Without a file, or with an empty one, the documented defaults hold."""
    assert settings.policies(None).defaults == model.Defaults()
    empty = written(tmp_path, "")
    assert settings.policies(empty).defaults == model.Defaults()
    assert settings.server(empty) == settings.server(None)
    assert settings.server(None).bind == "127.0.0.1:8443"


def test_an_empty_list_of_host_paths_is_none(tmp_path: Path) -> None:
    """Not the default list: whoever writes [] wants every hostPath refused."""
    path = written(tmp_path, f"{HEAD}Policy\nallowedHostPaths: []\n")
    assert settings.policies(path).defaults.options.allowed_host_paths == ()


MISTAKES = {
    f"{HEAD}Policy\ndefaults: {{enforced: strict}}\n": [
        "podseal.yaml:3: defaults.enforced: unknown key; did you mean enforce?"
    ],
    f"{HEAD}Policy\ndefaults: {{enforceVersion: v7}}\n": [
        "podseal.yaml: defaults.enforceVersion: this podseal knows versions up to v1; write latest"
    ],
    f"{HEAD}Policy\ncatalogue: [none.yaml]\n": ["none.yaml: cannot be read: No such file or directory"],
    f"{HEAD}Policy\n---\n{HEAD}Policy\n": ["podseal.yaml: kind Policy is there twice; keep one document of it"],
    "apiVersion: v1\nkind: Policy\n": [
        "podseal.yaml:1: apiVersion: Invalid enum value 'v1'; write config.podseal.dev/v1alpha1"
    ],
    "kind: Policy\n": ["podseal.yaml:1: top level: apiVersion is missing"],
    f"{HEAD}Settings\nbind: 8443\nworkers: 0\n": [
        "podseal.yaml:3: bind: Expected `str`, got `int`",
        "podseal.yaml:4: workers: Expected `int` >= 1",
    ],
}


@pytest.mark.parametrize("text", MISTAKES)
def test_mistakes_are_told(tmp_path: Path, text: str) -> None:
    """File, line, place, reason and what to write instead."""
    assert problems(written(tmp_path, text)) == MISTAKES[text]


def test_a_bad_catalogue_is_told_by_its_own_name(tmp_path: Path) -> None:
    """Its mistakes are found before anything is decided."""
    path = written(tmp_path, f"{HEAD}Policy\ncatalogue: [more.yaml]\n")
    (tmp_path / "more.yaml").write_text(MORE.replace("/data", "data"))
    (problem,) = problems(path)
    assert problem.startswith("more.yaml: images[0].paths[0]")
    (tmp_path / "more.yaml").write_text("images: [")
    (problem,) = problems(path)
    assert problem.startswith("more.yaml: not valid YAML")


def test_the_file_is_found_upward(tmp_path: Path) -> None:
    """`podseal check` in a folder of a repository uses the file at its root."""
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert settings.find(inner) is None
    path = written(tmp_path, "")
    assert settings.find(inner) == path


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        (model.Subject("Pod", namespace="kube-system"), "exempt: namespace kube-system"),
        (model.Subject("Pod", namespace="kube-system-x"), ""),
        (model.Subject("Pod", user=model.User("bot")), "exempt: user bot"),
        (model.Subject("Pod", pod=pod.Pod(spec=pod.PodSpec(runtime_class_name="kata"))), "exempt: runtime class kata"),
        (model.Subject("Pod", pod=pod.Pod(spec=pod.PodSpec(runtime_class_name=None))), ""),
        (model.Subject("Pod", pod=pod.Pod()), ""),
    ],
)
def test_exemptions_are_exact(subject: model.Subject, reason: str) -> None:
    """Names as they stand, no patterns, and never by what is absent."""
    assert settings.Exempt(("kube-system",), ("bot",), ("kata",)).reason(subject) == reason
