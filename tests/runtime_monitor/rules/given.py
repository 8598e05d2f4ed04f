"""Events and rules for the tests of the rule language."""

from pathlib import Path
from typing import Any

from runtime_monitor import events
from runtime_monitor.rules import compile as compiler
from runtime_monitor.rules import engine, macros, parser, program, resolve, ruleset

HERE = Path(__file__).parent
BASE = {"evt.rawtime": 1_790_000_000_123_456_789, "evt.num": 7, "evt.hostname": "node-1", "podseal.boot": "0a1b2c3d"}


def event(kind: str = "execve", /, **attributes: object) -> events.Event:
    """An event from Falco's names, dots written as two underscores: `event("open", fd__name="/etc/shadow")`."""
    flat = {name.replace("__", "."): value for name, value in attributes.items()}
    return recorded({"evt.type": kind, **flat})


def recorded(flat: dict[str, Any]) -> events.Event:
    """An event from an object as a recording has it."""
    return events.restore({"schema": events.SCHEMA, "evt.cpu": 0, "podseal.sequence": 1, **BASE, **flat})


def resolved(condition: str, resolver: resolve.Resolver | None = None) -> resolve.Node:
    """A condition without lists and macros, resolved."""
    node = macros.expand(parser.parse(condition), lambda _name: None, condition).node
    return (resolver or resolve.Resolver(None)).node(node, condition)


def fires(condition: str, happened: events.Event) -> bool:
    """Whether the compiled condition is true for an event."""
    code = compiler.compile_rules([resolved(condition)], first=True)
    return bool(compiler.link(code, resolve.Resolver(None))(happened))


def loaded(text: str, **options: Any) -> ruleset.RuleSet:  # noqa: ANN401 -- whatever Options take
    """The rules of one file called rules.yaml."""
    return ruleset.load([ruleset.Source("rules.yaml", text)], ruleset.Options(**options))


def running(text: str, *, first: bool = True) -> engine.Engine:
    """An engine with the rules of one file, which must be right."""
    found = loaded(text)
    assert not found.errors, "\n".join(map(str, found.errors))
    return engine.Engine(program.build(found, first=first))


def rule(name: str, condition: str, **keys: str) -> str:
    """The YAML of a rule."""
    more = "".join(f"\n  {key}: {value}" for key, value in keys.items())
    output = "" if "output" in keys else "\n  output: seen"
    return f"- rule: {name}\n  desc: d\n  condition: >\n    {condition}\n  priority: WARNING{output}{more}\n"
