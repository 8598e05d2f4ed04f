"""falco.yaml as it is: what of it means something here, and a warning for each key that does not.

In: the tree of the file with its included files and options (`tree`). Out: a Config and warnings. Pure. Called by
`files`. The keys are those of Falco's own falco.yaml; a key whose work is done elsewhere here, or by nobody, is named.
"""

from msgspec import Struct

from runtime_monitor.alerts import Priority
from runtime_monitor.falco_yaml import additions, listening, outputs
from runtime_monitor.falco_yaml.outputs import Tree
from runtime_monitor.falco_yaml.section import Section
from runtime_monitor.falco_yaml.tree import CONFIG_FILES
from runtime_monitor.rules.additions import SUGGESTED, Addition
from runtime_monitor.rules.document import Value
from runtime_monitor.rules.items import PRIORITIES
from runtime_monitor.rules.problems import Problem
from runtime_monitor.rules.selection import Selection

BUILT_IN = ("container", "k8smeta")
"""Falco's plugins whose work the sensor does by itself."""
ELSEWHERE = {
    "grpc": "podseal has no gRPC: read the feed's stream, GET /alerts/stream",
    "grpc_output": "podseal has no gRPC: read the feed's stream, GET /alerts/stream",
    "outputs": "limits belong to an output: `limit` in the configuration of `podseal-monitor feed`",
    "output_timeout": "each output of the feed has a timeout of its own",
    "outputs_queue": "the spool bounds what waits",
    "syscall_event_drops": "what is lost is always counted and alerted",
    "capture": "use `run --record FILE`, which writes down every event",
    "buffer_format_base64": "buffers are printed as text",
}
"""Keys that Falco has and whose work is done elsewhere here."""
SILENT = (
    "base_syscalls",
    "container_engines",
    "falco_libs",
    "libs_logger",
    "plugins_hostinfo",
    "syscall_event_timeouts",
)
"""Keys that tune Falco's own inside: nothing that a user sees depends on them here."""
USUAL = {"output_timeout": ("2000",), "buffer_format_base64": ("false",)}
"""What Falco's own falco.yaml says there: it asks for nothing."""
ENGINES = ("kmod", "ebpf", "modern_ebpf")
LEVELS = tuple(PRIORITIES)


class Log(Struct, frozen=True):
    """Where the monitor's own log goes, and from which level on."""

    stderr: bool = True
    syslog: bool = False
    level: Priority = Priority.INFORMATIONAL


class Config(Struct, frozen=True):
    """What falco.yaml says, or Falco's defaults. `outputs` are trees as in the feed's configuration."""

    rules_files: tuple[str, ...] = ()
    watch: bool = True
    first: bool = True
    priority: Priority = Priority.DEBUG
    additions: tuple[Addition, ...] = (SUGGESTED,)
    selection: tuple[Selection, ...] = ()
    json: bool = False
    outputs: tuple[Tree, ...] = ()
    web: listening.Web | None = None
    log: Log = Log()


def read(tree: Value) -> tuple[Config, tuple[Problem, ...]]:
    """The configuration, and a warning for each key that is not followed.

    Raises:
        FalcoYamlError: a value that a followed key cannot have.
    """
    warnings: list[Problem] = []
    root = Section(tree, "", warnings)
    root.has(CONFIG_FILES)  # `files` has read it
    root.boolean("buffered_outputs")  # the feed writes whole groups at once, and never later
    config = Config(
        rules_files=_rules_files(root),
        watch=root.boolean("watch_config_files", default=True),
        first=root.choice("rule_matching", ("first", "all"), "first") == "first",
        priority=PRIORITIES[root.choice("priority", LEVELS, "debug")],
        additions=additions.appended(root),
        selection=additions.selected(root),
        json=root.boolean("json_output"),
        outputs=outputs.read(root),
        web=listening.read(root),
        log=Log(
            stderr=root.boolean("log_stderr", default=True),
            syslog=root.boolean("log_syslog"),
            level=PRIORITIES[root.choice("log_level", LEVELS, "info")],
        ),
    )
    _plugins(root)
    kind = root.section("engine").choice("kind", (*ENGINES, "gvisor", "nodriver", "replay"), "modern_ebpf")
    if kind not in ENGINES:
        root.warn("engine", f"is not followed: podseal's own programs run, {kind!r} is another source of events")
    for key in SILENT:
        root.has(key)
    for key, usual in USUAL.items():
        root.unfollowed(key, usual, ELSEWHERE[key])
    _drops(root)
    root.left(ELSEWHERE, "podseal has nothing for it")
    return config, tuple(warnings)


def _rules_files(root: Section) -> tuple[str, ...]:
    old, new = root.texts("rules_file"), root.texts("rules_files")
    if old and new:
        raise root.error("rules_file", "rules_files is there too, which it was renamed to: keep that one")
    return new or old


def _plugins(root: Section) -> None:
    """Every plugin is loaded that is named, or all that are described where `load_plugins` is not there."""
    described = [section.text("name") for section in root.sections("plugins")]
    for name in root.texts("load_plugins") if "load_plugins" in root.names else described:
        if name not in BUILT_IN:
            root.warn("plugins", f"is not followed: podseal loads no plugins, so nothing comes from {name!r}")


def _drops(root: Section) -> None:
    """Falco's defaults say log and alert; that is done here without being asked for. Only `exit` is not."""
    section = root.section("syscall_event_drops")
    if "exit" in section.texts("actions"):
        section.warn("actions", "exit is not followed: losses are counted and alerted, and the sensor goes on")
    capacity = root.section("outputs_queue").number("capacity", 0, 1 << 62)
    if capacity:
        root.warn("outputs_queue", f"is not followed: {ELSEWHERE['outputs_queue']}")
