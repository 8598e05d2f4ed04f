"""podseal.yaml -> frozen settings: what the server needs to run, and what every decision needs to know.

In: a file of kinds Settings and Policy (apiVersion config.podseal.dev/v1alpha1), both optional, in any order. Out: a
`Server` and `Policies`. Called by `podseal serve`; `podseal check` and `podseal scan` call `policies` alone, so that
nothing of the server is imported there.
A file that does not fit is refused with all its mistakes, each with its line and the nearest known name.
"""

import functools
from pathlib import Path
from typing import Annotated, Final, Literal

import yaml
from msgspec import Meta, Struct

from webhook import config_file
from webhook.config_file import ConfigError
from webhook.policy import catalogue, model

API_VERSION: Final = "config.podseal.dev/v1alpha1"
FILE_NAME = "podseal.yaml"

ApiVersion = Literal["config.podseal.dev/v1alpha1"]
Version = Annotated[str, Meta(pattern=r"^(latest|v[1-9][0-9]{0,5})$")]
Quantity = Annotated[str, Meta(pattern=r"^[0-9]*[1-9][0-9]*(k|M|G|T|Ki|Mi|Gi|Ti)?$")]
TimeOfDay = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]
NamePattern = Annotated[str, Meta(pattern=r"^[a-z0-9.*?-]+$")]
Address = Annotated[str, Meta(pattern=r"^(\[[0-9A-Fa-f:.]+\]|[^\s:\[\]]+):[0-9]{1,5}$")]
TlsVersion = Literal["VersionTLS12", "VersionTLS13"]
LogLevel = Literal["debug", "info", "warning", "error"]


class _Known(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Base of everything written in the file: unknown keys are refused."""


class Tls(_Known, frozen=True):
    """Where the certificate is. A client authority asks every client for a certificate of its own (mTLS)."""

    cert_file: str = ""
    private_key_file: str = ""
    client_ca_file: str = ""
    min_version: TlsVersion = "VersionTLS12"


class Sessions(_Known, frozen=True):
    """How reaches into running pods are recorded.

    `require_record` writes the record before the answer, and refuses where that fails. `exclude_users` are robots that
    are counted only. `redact` are further patterns; the one group of each is what is secret in a command line.
    A record goes when it is older than `keep_days`, and the oldest when there are more than `keep_number`; 0 keeps all.
    """

    require_record: bool = False
    exclude_users: tuple[str, ...] = ()
    redact: tuple[str, ...] = ()
    keep_days: Annotated[int, Meta(ge=0, le=36500)] = 90
    keep_number: Annotated[int, Meta(ge=0, le=1000000)] = 20000


class Server(_Known, frozen=True):
    """Kind Settings: how `podseal serve` listens. Addresses are HOST:PORT; `graceful_seconds` bounds a stop.

    `path_file` holds the random ends of the paths that are answered, as podseal-certs keeps them; without it all are.
    `kubeconfig` names the cluster whose namespaces' labels count; in a pod with a ServiceAccount there is no need.
    `installed` is a folder with the webhook configurations and the guard as they were installed; with it the live ones
    are compared every minute.
    """

    api_version: ApiVersion
    kind: Literal["Settings"]
    bind: Address = "127.0.0.1:8443"
    metrics_bind: Address = "127.0.0.1:8444"
    tls: Tls = Tls()
    path_file: str = ""
    workers: Annotated[int, Meta(ge=1, le=64)] = 2
    threads: Annotated[int, Meta(ge=1, le=64)] = 8
    graceful_seconds: Annotated[int, Meta(ge=1, le=300)] = 25
    kubeconfig: str = ""
    installed: str = ""
    sessions: Sessions = Sessions()
    log_level: LogLevel = "info"


class Defaults(_Known, frozen=True):
    """What holds in a namespace without labels."""

    enforce: model.Profile = "default"
    enforce_version: Version = "latest"
    warn: model.Profile = "strict"
    warn_version: Version = "latest"
    audit: model.Profile = "strict"
    audit_version: Version = "latest"
    mutate: model.Mutate = "known"
    exec: model.Gate = "record"
    connect: model.Gate = "allow"


class Floor(_Known, frozen=True):
    """What no label goes below in namespaces with these names (`*` and `?` as in a shell)."""

    namespaces: tuple[NamePattern, ...]
    enforce: model.Profile = "off"
    warn: model.Profile = "off"
    audit: model.Profile = "off"
    mutate: model.Mutate = "off"
    exec: model.Gate = "allow"
    connect: model.Gate = "allow"


class Waivers(_Known, frozen=True):
    """What a `podseal.dev/exempt.<control>` label may say. `expiry_time` is UTC, on the last valid day."""

    allow_permanent: bool = False
    max_days: Annotated[int, Meta(ge=0, le=36500)] = 366
    expiry_time: TimeOfDay = "24:00"
    require_reason: bool = False
    require_ticket: bool = False


class HostPath(_Known, frozen=True):
    """A host path that pods may mount."""

    path: Annotated[str, Meta(pattern="^/")]
    read_only: bool = True


class Exempt(_Known, frozen=True):
    """Who is not judged at all: exact names, as Pod Security admission has them."""

    namespaces: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    runtime_classes: tuple[str, ...] = ()

    def reason(self, subject: model.Subject) -> str:
        """Why a subject is let pass unjudged, empty where it is judged.

        A user is exempt for what that user sends: the pods of a Deployment are sent by a controller.
        """
        if subject.namespace in self.namespaces:
            return f"exempt: namespace {subject.namespace}"
        if subject.user.username in self.users:
            return f"exempt: user {subject.user.username}"
        if self.runtime_classes and subject.pod and subject.pod.spec:
            runtime_class = subject.pod.spec.runtime_class_name
            if runtime_class and runtime_class in self.runtime_classes:
                return f"exempt: runtime class {runtime_class}"
        return ""


class PolicyFile(_Known, frozen=True):
    """Kind Policy: what is decided. `catalogue` names further files of writable paths, relative to this one."""

    api_version: ApiVersion
    kind: Literal["Policy"]
    defaults: Defaults = Defaults()
    floors: tuple[Floor, ...] = ()
    waivers: Waivers = Waivers()
    allowed_host_paths: tuple[HostPath, ...] | None = None
    empty_dir_size_limit: Quantity = model.Options().empty_dir_size_limit
    catalogue: tuple[str, ...] = ()
    exempt: Exempt = Exempt()


KINDS: dict[str, type[Server | PolicyFile]] = {"Settings": Server, "Policy": PolicyFile}


class Policies(Struct, frozen=True):
    """What every decision needs: read once, passed to the policy core as values."""

    defaults: model.Defaults
    catalogue: catalogue.Catalogue
    exempt: Exempt


def find(start: Path) -> Path | None:
    """podseal.yaml in a folder or the nearest one above it."""
    return next((path for folder in (start, *start.parents) if (path := folder / FILE_NAME).is_file()), None)


def server(path: Path | None) -> Server:
    """How to listen, from a file or by default.

    Raises:
        ConfigError: the file cannot be read or used.
    """
    return next((each for each in _documents(path) if isinstance(each, Server)), Server(API_VERSION, "Settings"))


def policies(path: Path | None) -> Policies:
    """What to decide by, from a file or by default.

    Raises:
        ConfigError: the file, or a catalogue that it names, cannot be read or used.
    """
    said = next((each for each in _documents(path) if isinstance(each, PolicyFile)), PolicyFile(API_VERSION, "Policy"))
    source = str(path)
    known = _shipped_catalogue()
    for name in said.catalogue:
        known = catalogue.merge(known, _catalogue((path.parent if path else Path()) / name))
    return Policies(_defaults(said, source), known, said.exempt)


def _documents(path: Path | None) -> list[Server | PolicyFile]:
    if path is None:
        return []
    found = config_file.read(_content(path), str(path), KINDS)
    for kind in KINDS:
        if sum(each.kind == kind for each in found) > 1:
            raise ConfigError([f"{path}: kind {kind} is there twice; keep one document of it"])
    return found


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from error


def _defaults(said: PolicyFile, source: str) -> model.Defaults:
    defaults, waivers = said.defaults, said.waivers
    hours, minutes = waivers.expiry_time.split(":")
    options = model.Options(empty_dir_size_limit=said.empty_dir_size_limit)
    if said.allowed_host_paths is not None:
        paths = tuple(model.AllowedHostPath(each.path, each.read_only) for each in said.allowed_host_paths)
        options = model.Options(paths, said.empty_dir_size_limit)
    return model.Defaults(
        enforce=model.Level(defaults.enforce, _version("enforceVersion", defaults.enforce_version, source)),
        warn=model.Level(defaults.warn, _version("warnVersion", defaults.warn_version, source)),
        audit=model.Level(defaults.audit, _version("auditVersion", defaults.audit_version, source)),
        mutate=defaults.mutate,
        exec=defaults.exec,
        connect=defaults.connect,
        floors=tuple(
            model.Floor(each.namespaces, each.enforce, each.warn, each.audit, each.mutate, each.exec, each.connect)
            for each in said.floors
        ),
        allow_permanent=waivers.allow_permanent,
        max_exemption_days=waivers.max_days,
        expiry_time=int(hours) * 60 + int(minutes),
        require_reason=waivers.require_reason,
        require_ticket=waivers.require_ticket,
        options=options,
    )


def _version(key: str, said: str, source: str) -> int:
    number = model.NEWEST_VERSION if said == "latest" else int(said.removeprefix("v"))
    if number > model.NEWEST_VERSION:
        raise ConfigError(
            [f"{source}: defaults.{key}: this podseal knows versions up to v{model.NEWEST_VERSION}; write latest"]
        )
    return number


@functools.cache
def _shipped_catalogue() -> catalogue.Catalogue:
    # importlib.resources would bring tempfile, hashlib and more: a tenth of the start-up of `podseal check`.
    text = (Path(__file__).parent / "policy" / "data" / "writable_paths.yaml").read_bytes()
    return catalogue.parse(yaml.load(text, config_file.Loader), "writable_paths.yaml")  # noqa: S506 -- a safe loader


def _catalogue(path: Path) -> catalogue.Catalogue:
    try:
        tree = yaml.load(_content(path), config_file.Loader)  # noqa: S506 -- a safe loader
        return catalogue.parse(tree, str(path))
    except yaml.YAMLError as error:
        raise ConfigError([f"{path}: not valid YAML: {' '.join(str(error).split())}"]) from error
    except catalogue.CatalogueError as error:
        raise ConfigError(list(error.problems)) from error
