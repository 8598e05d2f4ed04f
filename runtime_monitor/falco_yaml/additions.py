"""falco.yaml's `append_output`, `static_fields` and `rules`: what is put behind outputs, and which rules count.

In: the whole file as a Section. Out: `rules.additions.Addition` and `rules.selection.Selection` values. Pure. Called by
`config`.
"""

from runtime_monitor.falco_yaml.section import Section
from runtime_monitor.rules import resolve, template
from runtime_monitor.rules.additions import SUGGESTED, Addition
from runtime_monitor.rules.document import Value
from runtime_monitor.rules.problems import ConditionError
from runtime_monitor.rules.selection import MAX_NAME, Selection


def appended(root: Section) -> tuple[Addition, ...]:
    """What `append_output` and `static_fields` add, in their order; without `append_output` the suggested fields.

    Falco's own falco.yaml has `append_output: [{suggested_output: true}]`; older ones, which lack the key, got the
    same fields by other means.
    """
    found = [_addition(section) for section in root.sections("append_output")]
    if not root.has("append_output"):
        found.append(SUGGESTED)
    static = root.mapping("static_fields")
    if static:
        found.append(Addition(fields=tuple((name, text.replace("%", "%%")) for name, text in static.items())))
    return tuple(found)


def _addition(section: Section) -> Addition:
    match = section.section("match")
    fields = tuple(field for value in section.values("extra_fields") for field in _fields(section, value))
    output = section.text("extra_output")
    try:
        template.compile_output(output, resolve.Resolver(None), fields)
    except ConditionError as error:
        key = "extra_output" if output else "extra_fields"
        raise section.error(key, error.message) from None
    found = Addition(
        source=match.text("source"),
        tags=frozenset(match.texts("tags")),
        rule=match.text("rule"),
        output=output,
        suggested=section.boolean("suggested_output"),
        fields=fields,
    )
    match.left({}, "a match has source, tags and rule")
    section.left({}, "an entry has match, extra_output, extra_fields and suggested_output")
    return found


def _fields(section: Section, value: Value) -> list[tuple[str, str | None]]:
    """`evt.cpu`, a field as it is; or `name: text with %fields`."""
    if value.text:
        return [(value.text, None)]
    if not value.entries:
        raise section.error("extra_fields", "expected names of fields, or NAME: TEXT")
    found: list[tuple[str, str | None]] = []
    for name, text in value.entries.items():
        if text.text is None:
            raise section.error("extra_fields", f"{name}: expected a text")
        found.append((name, text.text))
    return found


def selected(root: Section) -> tuple[Selection, ...]:
    """What `rules` enables and disables, in its order: the later counts."""
    found = []
    for section in root.sections("rules"):
        if section.names not in (("enable",), ("disable",)):
            raise root.error("rules", "each item is `enable:` or `disable:` with `rule` or `tag`")
        operation = section.section(section.names[0])
        rule, tag = operation.text("rule"), operation.text("tag")
        if bool(rule) == bool(tag):
            raise section.error(section.names[0], "give `rule`, a name that may have *, or `tag`")
        if len(rule) > MAX_NAME:
            raise section.error(section.names[0], f"a name of {len(rule)} characters: at most {MAX_NAME} are read")
        found.append(Selection(enable=section.names[0] == "enable", rule=rule, tag=tag))
    return tuple(found)
