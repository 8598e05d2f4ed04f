"""Events in, alerts out: the last stage of the rule language.

In: a Program and one Event after the other. Out: the alerts of each. Called by `pipeline`, `replay` and `reload`.
A rule that raises is taken out of force, counted, and an alert of its own says so: a fault of one rule must neither
stop the monitor nor silence the others.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from runtime_monitor.alerts import Alert, Priority
from runtime_monitor.events import Event
from runtime_monitor.rules import compile as compiler
from runtime_monitor.rules import depth, parser, program, resolve, template
from runtime_monitor.rules.fields.evt import clock

DISABLED: Final = "podseal: rule disabled"
_Judges = dict[str, tuple[compiler.Judge, tuple[int, ...]]]
INTERNAL: Final = "internal"
"""Falco's name for the source of what the engine says of itself."""


class Engine:
    """Runs one Program. `fired` counts alerts by rule, `disabled` names the rules that raised, with the reason."""

    def __init__(self, ready: program.Program) -> None:
        self._program = ready
        self._resolver = resolve.Resolver(None)
        self._templates: dict[int, template.Template] = {}
        self._judges: list[_Judges] = []
        self._fired: Counter[str] = Counter()
        self._disabled: dict[str, str] = {}
        every = range(len(ready.rules))
        self._judges = [self._linked(each, every) for each in (ready.own_groups, ready.groups) if each]

    @property
    def fired(self) -> Mapping[str, int]:
        """Rule -> alerts so far."""
        return MappingProxyType(self._fired)

    @property
    def disabled(self) -> Mapping[str, str]:
        """Rule -> why it was taken out of force."""
        return MappingProxyType(self._disabled)

    @property
    def rules(self) -> tuple[program.RuleData, ...]:
        """The rules in load order."""
        return self._program.rules

    def judge(self, event: Event) -> Sequence[Alert]:
        """The alerts of one event, in the rules' order."""
        try:
            hits = self._hits(event)
        except Exception as error:  # noqa: BLE001 -- whatever a rule raises must not stop the others
            return self._isolate(event, error)
        return [self._alert(position, event) for position in hits] if hits else ()

    def verdict(self, event: Event) -> tuple[str, ...]:
        """The names of the rules that fire on an event; counts nothing, and a rule that raises does not fire."""
        try:
            return tuple(self._program.rules[position].name for position in self._hits(event))
        except Exception:  # noqa: BLE001 -- `judge` is where it is dealt with
            return ()

    def _hits(self, event: Event) -> Sequence[int]:
        """The positions of the rules that fire: podseal's own, then the given ones."""
        kind = event.evt.type
        found: tuple[int, ...] = ()
        for judges in self._judges:
            judge, positions = judges.get(kind) or judges[program.OTHER]
            hits = judge(event)
            if hits:
                found += tuple([positions[hit] for hit in hits])
        return found

    def _linked(self, groups: Sequence[program.Group], positions: Sequence[int]) -> _Judges:
        """Event type -> its function, and for each number that it returns the position of a rule."""
        judges: _Judges = {}
        for group in groups:
            pair = compiler.link(group.code, self._resolver), tuple(positions[each] for each in group.rules)
            judges.update(dict.fromkeys(group.types, pair))
        return judges

    def _alert(self, position: int, event: Event) -> Alert:
        rule = self._program.rules[position]
        output = self._templates.get(position)
        if output is None:
            output = self._templates[position] = template.compile_output(rule.output, self._resolver, rule.fields)
        self._fired[rule.name] += 1
        return _made(rule, event, output.render(event), output.values(event))

    @depth.allowed
    def _isolate(self, event: Event, error: Exception) -> list[Alert]:
        """Find the rules that raise on this event, disable them, and judge it by the others."""
        found: list[Alert] = []
        ended: set[bool] = set()
        raised = False
        for position, judge in self._alone():
            rule = self._program.rules[position]
            try:
                hit = bool(judge(event))
            except Exception as reason:  # noqa: BLE001 -- as in judge
                raised = True
                self._disabled[rule.name] = f"{type(reason).__name__}: {reason}"
                found.append(_disabled(rule, event, self._disabled[rule.name]))
                continue
            own = position < self._program.own
            if hit and own not in ended:
                found.append(self._alert(position, event))
                if own or self._program.first:
                    ended.add(own)
        if not raised:
            raise error
        self._relink()
        return found

    def _alone(self) -> list[tuple[int, Callable[[Event], Sequence[int]]]]:
        """Each rule in force as a function of its own."""
        alone = []
        for position, node in self._in_force():
            code = compiler.compile_rules([node], first=True)
            alone.append((position, compiler.link(code, self._resolver)))
        return alone

    def _relink(self) -> None:
        rules, own = self._in_force(), self._program.own
        own_rules = [pair for pair in rules if pair[0] < own]
        self._judges = [
            self._linked(
                tuple(program.groups([node for _position, node in each], first=first)),
                [position for position, _node in each],
            )
            for each, first in ((own_rules, True), (rules[len(own_rules) :], self._program.first))
        ]

    def _in_force(self) -> list[tuple[int, resolve.Node]]:
        return [
            (position, self._resolver.node(parser.parse(rule.condition), rule.condition))
            for position, rule in enumerate(self._program.rules)
            if rule.name not in self._disabled
        ]


def _made(rule: program.RuleData, event: Event, text: str, fields: dict[str, Any]) -> Alert:
    if event.session.id is not None:
        fields |= _of_session(event, event.session.id)
    if event.drift.kind is not None:
        fields["drift.kind"] = event.drift.kind
    if event.evt.gap:
        fields["podseal.gap"] = event.evt.gap
    if event.pod.pending:
        # A name that is missing for this reason is no host's, and a rule's `!=` on it said nothing.
        fields["k8s.pending"] = True
    return Alert(
        id=f"{event.id}/{rule.hash}",
        time=event.evt.time,
        rule=rule.name,
        priority=rule.priority,
        output=f"{clock(event.evt.time)}: {rule.priority.label} {text}",
        output_fields=fields,
        hostname=event.evt.node or "",
        source=rule.source,
        tags=rule.tags,
    )


def _of_session(event: Event, identifier: str) -> dict[str, Any]:
    """What a session is told from, whatever a rule's output names: which process did what, and whose child it is."""
    process = event.proc
    parent = process.ancestors[0].pid if process.ancestors else None
    known = {"pid": process.pid, "parent": parent, "process": process.name, "event": event.evt.type}
    told = {f"session.{name}": value for name, value in known.items() if value is not None}
    if event.session.kind is not None:
        told["exec.kind"] = event.session.kind
    if event.session.tty is not None:
        told["exec.tty"] = event.session.tty
    return {"exec.session": identifier, **told}


def _disabled(rule: program.RuleData, event: Event, reason: str) -> Alert:
    text = f"Rule '{rule.name}' raised and is out of force until the next reload | reason={reason}"
    digest = hashlib.sha256(f"{DISABLED} {rule.name}".encode()).hexdigest()[:8]
    return Alert(
        id=f"{event.id}/{digest}",
        time=event.evt.time,
        rule=DISABLED,
        priority=Priority.ERROR,
        output=f"{clock(event.evt.time)}: {Priority.ERROR.label} {text}",
        output_fields={"evt.time": event.evt.time, "podseal.rule": rule.name, "podseal.reason": reason},
        hostname=event.evt.node or "",
        source=INTERNAL,
    )
