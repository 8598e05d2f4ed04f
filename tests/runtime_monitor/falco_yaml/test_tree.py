"""The tree of falco.yaml: environment, included files, `-o`."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime_monitor.falco_yaml import tree
from runtime_monitor.rules.document import Value

BASE = "json_output: false\nrules_files: [a.yaml]\nhttp_output: {enabled: false}\nalone: x\n"


def plain(value: Value) -> Any:  # noqa: ANN401 -- whatever YAML says
    """A tree without its places."""
    if value.items is not None:
        return [plain(item) for item in value.items]
    if value.entries is not None:
        return {key: plain(entry) for key, entry in value.entries.items()}
    return value.text


OPTIONS = (
    ("json_output=true", {"json_output": "true"}),
    ("json_output=", {"json_output": ""}),
    ("http_output.url=http://x/?a=b", {"http_output": {"enabled": "false", "url": "http://x/?a=b"}}),
    ("new.key.deep=1", {"new": {"key": {"deep": "1"}}}),
    ("alone.deep=1", {"alone": {"deep": "1"}}),
    ("rules_files=b.yaml", {"rules_files": "b.yaml"}),
    ("rules_files[0]=b.yaml", {"rules_files": ["b.yaml"]}),
    ("rules_files[1]=b.yaml", {"rules_files": ["a.yaml", "b.yaml"]}),
    ("rules_files[]=b.yaml", {"rules_files": ["a.yaml", "b.yaml"]}),
    ("alone[]=y", {"alone": ["x", "y"]}),
    ("plugins[0].name=container", {"plugins": [{"name": "container"}]}),
    ("append_output[].match.source=syscall", {"append_output": [{"match": {"source": "syscall"}}]}),
    ('append_output[]={"extra_output": "on %evt.cpu"}', {"append_output": [{"extra_output": "on %evt.cpu"}]}),
    ("rules_files=[b.yaml, c.yaml]", {"rules_files": ["b.yaml", "c.yaml"]}),
)


@pytest.mark.parametrize(("option", "expected"), OPTIONS, ids=[option for option, _ in OPTIONS])
def test_an_option_sets_a_key(option: str, expected: dict[str, Any]) -> None:
    """Nested keys, items of lists, one more item; a value in brackets is YAML."""
    root = tree.parse(BASE, "falco.yaml")
    before = plain(root)
    tree.set_option(root, option)
    assert plain(root) == before | expected


WRONG = (
    ("json_output", "-o json_output: expected KEY=VALUE"),
    ("=x", "expected a key"),
    (".a=x", "expected names with dots between"),
    ("a..b=x", "here: '..b'"),
    ("[0]=x", "here: '[0]'"),
    ("a[x]=x", "here: '[x]'"),
    ("a b=x", "here: ' b'"),
    ("rules_files[5]=x", "-o rules_files[5]: the list has 1 items: give [0] to [1]"),
    ("rules_files[99999]=x", "here: '[99999]'"),
    ("a={b", "-o a: is no YAML"),
    (f"{'a.' * 50}a=x", "at most 20 parts"),
)


@pytest.mark.parametrize(("option", "reason"), WRONG, ids=[option[:20] for option, _ in WRONG])
def test_an_option_that_cannot_be_followed_says_why(option: str, reason: str) -> None:
    """With the key, and what is expected."""
    with pytest.raises(tree.FalcoYamlError) as caught:
        tree.set_option(tree.parse(BASE, "falco.yaml"), option)
    assert reason in str(caught.value)


@given(st.text(max_size=40))
def test_no_option_raises_anything_else(option: str) -> None:
    """Whatever somebody types."""
    root = tree.parse(BASE, "falco.yaml")
    with contextlib.suppress(tree.FalcoYamlError):
        tree.set_option(root, option)
    assert isinstance(plain(root), dict)


def test_the_environment_is_put_in() -> None:
    """A variable that is not set is empty; two dollars are one that stays; keys stay as they are."""
    root = tree.parse('a: ["${HOME}/x", "${NO}", "$${HOME}", "$HOME ${", "${HOME}${HOME}"]\nb: {c: "${HOME}"}', "f")
    tree.expand(root, {"HOME": "/root"})
    assert plain(root) == {"a": ["/root/x", "", "${HOME}", "$HOME ${", "/root/root"], "b": {"c": "/root"}}


STRATEGIES = (
    ("append", {"json_output": "true", "rules_files": ["a.yaml", "b.yaml"], "new": ["n"]}),
    ("override", {"json_output": "true", "rules_files": ["b.yaml"], "new": ["n"]}),
    ("add-only", {"json_output": "false", "rules_files": ["a.yaml"], "new": ["n"]}),
)


@pytest.mark.parametrize(("strategy", "expected"), STRATEGIES)
def test_an_included_file_adds_or_replaces(strategy: str, expected: dict[str, Any]) -> None:
    """By its strategy."""
    root = tree.parse(BASE, "falco.yaml")
    tree.merge(root, tree.parse("json_output: true\nrules_files: [b.yaml]\nnew: [n]", "more.yaml"), strategy)
    assert plain(root) == {"http_output": {"enabled": "false"}, "alone": "x", **expected}


def test_an_included_file_includes_no_further_ones() -> None:
    """As in Falco."""
    with pytest.raises(tree.FalcoYamlError, match=r"^more\.yaml:1:15: config_files: an included file"):
        tree.merge(tree.parse(BASE, "f"), tree.parse("config_files: [x]", "more.yaml"), "append")


@pytest.mark.parametrize("text", ["", "# nothing", "{}", "---\n"])
def test_an_empty_file_says_nothing(text: str) -> None:
    """It is a mapping without keys."""
    assert plain(tree.parse(text, "falco.yaml")) == {}


BROKEN = (
    ("- a", "expected a mapping"),
    ("text", "expected a mapping"),
    ("a: [", "is no YAML"),
    ("a: 1\na: 2", "falco.yaml:2:1: key 'a' occurs twice"),
    ("a: 1\n---\nb: 2", "several documents"),
    ("[" * 100_000, "nested deeper than"),
    ("a: &a [x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\n" + "".join(
        f"{chr(99 + n)}: &{chr(99 + n)} [{', '.join([f'*{chr(98 + n)}'] * 9)}]\n" for n in range(9)
    ), "aliases expand"),
)  # fmt: skip


@pytest.mark.parametrize(("text", "reason"), BROKEN, ids=[reason for _, reason in BROKEN])
def test_what_is_no_configuration_is_refused(text: str, reason: str) -> None:
    """With its place, and in bounded time and memory."""
    with pytest.raises(tree.FalcoYamlError, match=r"^falco\.yaml") as caught:
        tree.parse(text, "falco.yaml")
    assert reason in str(caught.value)
