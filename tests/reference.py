"""Renders the reference tables of the documentation from the code that they describe.

In: the controls, labels, settings, metrics, fields and rules as the code declares them. Out: Markdown, put between the
markers `<!-- generated: NAME -->` and `<!-- end -->` of the files in `FILES`. Called by test_reference.py, which fails
on drift and rewrites under PODSEAL_REWRITE=1. A new table is a function here whose name the marker names.
"""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
import yaml
from prometheus_client import CollectorRegistry

from runtime_monitor import detections
from runtime_monitor import metrics as monitor_metrics
from runtime_monitor.rules import fields, ruleset
from runtime_monitor.selftest import behaviour
from webhook import metrics, settings
from webhook.policy import controls, labels, model

ROOT = Path(__file__).resolve().parent.parent
FILES = ("README.md", "webhook/README.md", "runtime_monitor/README.md", "runtime_monitor/rules/README.md")
SECTION = re.compile(r"(<!-- generated: (?P<name>[a-z_]+) -->\n).*?(<!-- end -->)", re.DOTALL)
PROFILES: tuple[model.Profile, ...] = ("baseline", "default", "strict")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; a bar inside a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def control_table() -> str:
    """Every control: what it forbids, in which profiles, and which checks of Pod Security admission it covers."""
    rules = {profile: controls.rules(model.Level(profile)) for profile in PROFILES}
    rows = []
    for control in controls.CONTROLS.values():
        in_force = [profile for profile in PROFILES if control.id in rules[profile]]
        mutated = "yes" if control.fix else ""
        rows.append(
            (
                f"`{control.id}`",
                control.title,
                control.allowed,
                ", ".join(in_force),
                mutated,
                _names(control.pod_security),
            )
        )
    return table(("control", "what it is about", "allowed", "profiles", "repaired", "Pod Security checks"), rows)


def pod_security_table() -> str:
    """Every check of Pod Security admission and the control that covers it."""
    pairs = sorted((check, control.id) for control in controls.CONTROLS.values() for check in control.pod_security)
    return table(("Pod Security admission check", "podseal control"), [(f"`{a}`", f"`{b}`") for a, b in pairs])


def label_table() -> str:
    """Every namespace label with its values and what holds without it."""
    defaults = model.Defaults()
    rows = []
    for name, values in labels.ORDERED_VALUES.items():
        default = getattr(defaults, name)
        shown = default.profile if isinstance(default, model.Level) else default
        rows.append((f"`{labels.PREFIX}{name}`", ", ".join(f"`{value}`" for value in values), f"`{shown}`"))
        if name in labels.VERSIONED:
            rows.append((f"`{labels.PREFIX}{name}-version`", "`v1`, `latest`", "`latest`"))
    rows.append((f"`{labels.PREFIX}exempt.<control>`", "last valid day (UTC) as `YYYY-MM-DD`, or `permanent`", ""))
    return table(("label", "values, from loose to strict", "without it"), rows)


def settings_table() -> str:
    """Every key of podseal.yaml, by kind, with what it may be and what it is without being said."""
    rows = []
    for kind, struct in settings.KINDS.items():
        rows += [(f"`{kind}`", *row) for row in _keys(struct, "")]
    return table(("kind", "key", "type", "default"), rows)


def _keys(struct: type[msgspec.Struct], prefix: str) -> Iterable[tuple[str, str, str]]:
    for field in msgspec.structs.fields(struct):
        if field.encode_name in ("apiVersion", "kind"):
            continue
        default = field.default if field.default is not msgspec.NODEFAULT else ""
        if isinstance(default, msgspec.Struct):
            yield from _keys(type(default), f"{prefix}{field.encode_name}.")
        else:
            shown = json.dumps(default) if default not in ("", None, ()) else ""
            yield f"`{prefix}{field.encode_name}`", _type(field.type), f"`{shown}`" if shown else ""


def _type(annotation: object) -> str:
    """A type as people read it: JSON Schema's, with its choices."""
    schema = msgspec.json.schema(annotation)
    structs = schema.get("$defs", {})
    schema = next((each for each in schema.get("anyOf", ()) if each.get("type") != "null"), schema)
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    items = schema.get("items", {})
    if schema.get("type") == "array":
        fields = structs.get(str(items.get("$ref", "")).rpartition("/")[2], {}).get("properties", {})
        return f"list of {{{', '.join(fields)}}}" if fields else f"list of {items['type']}s"
    return str(schema.get("type", ""))


def metrics_table() -> str:
    """Every metric of the webhook, as its registry tells it."""
    registry = CollectorRegistry()
    for group in (metrics.Requests, metrics.Certificate, metrics.Cluster):
        group(registry)
    registry.register(metrics.Upkeep())
    return _metrics(registry)


def field_table() -> str:
    """Every field of the rule language."""
    rows = []
    for name, field in sorted(fields.FIELDS.items()):
        argument = {fields.Argument.NONE: "", fields.Argument.KEY: "[...]", fields.Argument.INDEX: "[n]"}
        rows.append((f"`{name}{argument.get(field.argument, '')}`", field.type.value, field.doc))
    return table(("field", "type", "what it is"), rows)


def detection_table() -> str:
    """Every rule of podseal's own."""
    loaded = ruleset.load([ruleset.Source(name, text) for name, text in detections.texts()])
    rows = []
    for rule in loaded.rules:
        techniques = ", ".join(tag for tag in rule.tags if re.fullmatch(r"T\d{4}(\.\d{3})?", tag))
        rows.append((rule.name, rule.priority.label, techniques, rule.desc))
    return table(("rule", "priority", "MITRE ATT&CK", "what it sees"), rows)


def stock_rule_table() -> str:
    """Every one of Falco's stock rules: where the tests fire it, and what its alert is asked to say."""
    fired: dict[tuple[str, str], dict[str, None]] = {}
    for row in yaml.safe_load((ROOT / "tests/kernel/stock_rules.yaml").read_text()):
        where = "a pod of a cluster" if "pod" in row else "a container"
        fired.setdefault((row["rule"], where), {}).update(dict.fromkeys(row["seen"]))
    rows = [(*rule, _names(seen)) for rule, seen in sorted(fired.items())]
    return table(("rule", "fired in", "its alert is asked for"), rows)


def behaviour_table() -> str:
    """Every behaviour of the monitor's self-test."""
    return table(("behaviour", "what is done"), [(f"`{each.name}`", each.about) for each in behaviour.discover()])


def monitor_metrics_table() -> str:
    """Every metric of the sensor."""
    registry = CollectorRegistry()
    monitor_metrics.Latency(registry)
    registry.register(monitor_metrics.Counters(dict, dict, "tracepoint"))
    return _metrics(registry)


def _metrics(registry: CollectorRegistry) -> str:
    found = {metric.name + ("_total" if metric.type == "counter" else ""): metric for metric in registry.collect()}
    rows = [(f"`{name}`", metric.type, metric.documentation) for name, metric in sorted(found.items())]
    return table(("metric", "type", "what it tells"), rows)


def _names(values: Iterable[str]) -> str:
    return ", ".join(f"`{value}`" for value in values)


TABLES = {
    "controls": control_table,
    "pod_security": pod_security_table,
    "labels": label_table,
    "settings": settings_table,
    "metrics": metrics_table,
    "behaviours": behaviour_table,
    "monitor_metrics": monitor_metrics_table,
    "fields": field_table,
    "detections": detection_table,
    "stock_rules": stock_rule_table,
}


def render(text: str) -> str:
    """The text with every generated section made anew."""

    def section(match: re.Match[str]) -> str:
        return f"{match[1]}{TABLES[match['name']]()}{match[3]}"

    return SECTION.sub(section, text)


def main() -> int:
    """Rewrite the files."""
    for name in FILES:
        path = ROOT / name
        path.write_text(render(path.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
