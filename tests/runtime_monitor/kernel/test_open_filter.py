"""Which opens the kernel tells: held against the rules, so that no open on which one fires is left out."""

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from runtime_monitor.demands import Clause, Path
from runtime_monitor.events import Container
from runtime_monitor.kernel import open_filter
from runtime_monitor.rules import pushdown
from runtime_monitor.rules.globs import printable
from tests.runtime_monitor.kernel.openings import Opening, told
from tests.runtime_monitor.rules import given as rules

LONG = "n" * 60
NAMES = ("etc", "pam.d", "shadow", "home", ".ssh", "id_rsa", "a", LONG, LONG[:56], LONG[:55], "a.log", "\udcff", "..x")
TEXTS = (
    *("/", "", "/etc", "/etc/", "/etc/pam.d/", "/etc/sha", "/etc/shadow", "shadow", ".log", "log", "/.ssh/id_rsa"),
    *(
        f"/a/{LONG}",
        f"/{LONG[:56]}",
        f"/{LONG[:55]}",
        "/a/a/a/a/a/a/a/a/a",
        "/a/a/a/a/a/a/a/a",
        "etc",
        "//etc//",
        "\udcff",
    ),
)
GLOBS = (
    "/etc/*",
    "/home/*/.ssh/*",
    "*/shadow",
    "/home/*/id_rsa",
    "*",
    "/etc/p?m.d/*",
    "/etc/shadow",
    "/a/*.log",
    "/\ufffd",
)


GIVEN = (b"", b"../a", b"..", b"/etc/../etc/shadow", b"a", b"./a", b"/etc/shadow")
PATH_CHECKS = (
    *(("fd.name", operator, False) for operator in ("=", "startswith", "endswith", "contains", "!=", "glob")),
    *(("fd.name", operator, True) for operator in ("in", "pmatch")),
    *(("fd.directory", "=", False), ("fd.directory", "startswith", False), ("fd.directory", "pmatch", True)),
    *(("fd.filename", "in", True), ("fd.filename", "=", False)),
)
"""Field, operator, whether it takes a list."""
OTHERS = (
    *("evt.is_open_write = true", "evt.is_open_read = true", "evt.is_open_write = false", "proc.name = x"),
    *("drift.kind = write", "drift.kind in (write, attempt)", "drift.kind exists", "evt.rawres >= 0", "fd.num >= 0"),
    *("container.id != host", 'fd.nameraw contains "../"', 'fd.nameraw contains ".."', "fd.nameraw contains etc"),
)
NAME = st.sampled_from([name.encode("utf-8", "surrogateescape") for name in NAMES])
OPENINGS = st.builds(
    Opening,
    path=st.lists(NAME, max_size=10).map(lambda names: b"/" + b"/".join(names)),
    given=st.sampled_from(GIVEN),
    writes=st.booleans(),
    on_root=st.booleans(),
    refused=st.booleans(),
)


@st.composite
def texts(draw: st.DrawFn, path: str) -> str:
    """Something of a path, or of another one."""
    if draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(TEXTS))
    begin, end = sorted(draw(st.tuples(*[st.integers(0, len(path))] * 2)))
    return draw(st.sampled_from((path, path[:end], path[begin:], path[begin:end], path.rsplit("/", 1)[-1])))


@st.composite
def globs(draw: st.DrawFn, path: str) -> str:
    """A path with a star or a question mark in it, or another glob."""
    if draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(GLOBS))
    begin, end = sorted(draw(st.tuples(*[st.integers(0, len(path))] * 2)))
    return path[:begin] + draw(st.sampled_from(("*", "?", ""))) + path[end:]


@st.composite
def checks(draw: st.DrawFn, path: str) -> str:
    """A check of the path."""
    field, operator, is_list = draw(st.sampled_from(PATH_CHECKS))
    values = globs(printable(path)) if operator in ("glob", "pmatch") else texts(path)
    drawn = [f'"{value}"' for value in draw(st.lists(values, min_size=1, max_size=3 if is_list else 1))]
    return f"{field} {operator} " + (f"({', '.join(drawn)})" if is_list else drawn[0])


def conditions(path: str) -> st.SearchStrategy[str]:
    """Any condition on an open."""
    return st.recursive(
        st.one_of(checks(path), checks(path), st.sampled_from(OTHERS)),
        lambda inner: st.one_of(
            inner.map(lambda one: f"not ({one})"),
            st.tuples(inner, st.sampled_from(("and", "and", "or")), inner).map(lambda parts: f"({' '.join(parts)})"),
        ),
        max_leaves=5,
    )


@settings(max_examples=600, deadline=None)
@given(OPENINGS, st.data())
def test_no_open_on_which_a_rule_fires_is_left_out(opening: Opening, data: st.DataObject) -> None:
    """The whole way: condition, demand, tables, and the event that the programs would have written."""
    event = replace(opening.event(), container=Container(id="0123456789ab"))
    drawn = data.draw(st.lists(conditions(event.fd.name or "/"), min_size=1, max_size=3))
    texts = [f"evt.type = openat and {each}" for each in drawn]
    demanded = pushdown.together(pushdown.of_rule("a", rules.resolved(text)) for text in texts)
    if any(rules.fires(text, event) for text in texts):
        assert told(open_filter.of(demanded), opening)


def test_changes_of_a_root_are_told_whatever_the_rules() -> None:
    """Podseal's sessions, copies and scripts are made of them."""
    nothing = open_filter.of({})
    assert nothing == open_filter.CHANGES
    assert told(nothing, Opening(b"/a", writes=True))
    assert told(nothing, Opening(b"/a", writes=True, refused=True))
    assert not told(nothing, Opening(b"/a"))
    assert not told(nothing, Opening(b"/a", writes=True, on_root=False))


def test_more_clauses_than_bits_demand_less() -> None:
    """The last ones become one, and that is said."""
    clauses = tuple(Clause(write=bool(number), paths=frozenset({Path("exact", f"/{number}")})) for number in range(70))
    tables = open_filter.of({"open": clauses})
    assert tables.writes == (1 << 64) - 1
    assert all(told(tables, Opening(f"/{number}".encode(), writes=True, on_root=False)) for number in range(70))
    assert not told(tables, Opening(b"/70", writes=True, on_root=False))
    assert len(tables.widened) == 1
    assert tables.widened[0].startswith("too many different demands, 8 of them are one: write, path /")


def test_more_paths_than_the_map_holds_are_not_asked() -> None:
    """Of the clause that has most."""
    many = frozenset(Path("exact", f"/{number}") for number in range(open_filter.MOST_STEPS + 1))
    tables = open_filter.of({"open": [Clause(paths=many), Clause(write=True, paths=frozenset({Path("exact", "/a")}))]})
    assert tables.widened == (f"too many paths, {len(many)} are not asked",)
    assert told(tables, Opening(b"/b"))
    assert len(tables.steps) == 1


def test_what_the_kernel_cannot_ask_of_the_given_path_is_said() -> None:
    """It knows of ../ alone."""
    tables = open_filter.of({"open": [Clause(given=frozenset({"/proc/self"}))]})
    assert tables.widened == ("not asked: given with /proc/self",)
    assert told(tables, Opening(b"/b"))
