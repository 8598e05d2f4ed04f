"""Configuration files: every mistake is told at once, with its line and the nearest known name."""

from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct

from webhook import config_file


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """A nested part with a key that it needs."""

    name: str
    mode: Literal["fast", "slow"] = "fast"


class Thing(Struct, frozen=True, forbid_unknown_fields=True):
    """A document of kind Thing."""

    kind: str
    size: Annotated[int, Meta(ge=1)] = 1
    on: bool = True
    parts: tuple[Part, ...] | None = None


KINDS = {"Thing": Thing}
MISTAKES = {
    "kind: Thing\nsiez: 3\n": ["f:2: siez: unknown key; did you mean size?"],
    "kind: Thing\nsize: 0\n": ["f:2: size: Expected `int` >= 1"],
    "kind: Thing\nsize: many\n": ["f:2: size: Expected `int`, got `str`"],
    "kind: Thing\nsize: 0\non: 1\nextra: 1\n": [
        "f:2: size: Expected `int` >= 1",
        "f:3: on: Expected `bool`, got `int`",
        "f:4: extra: unknown key",
    ],
    "kind: Thing\nparts:\n- name: a\n- nam: b\n  mode: fats\n": [
        "f:4: parts[1].nam: unknown key; did you mean name?",
        "f:5: parts[1].mode: Invalid enum value 'fats'; write fast, slow; did you mean fast?",
        "f:4: parts[1]: name is missing",
    ],
    "kind: Thing\nparts: {}\n": ["f:2: parts: Expected `array | null`, got `object`"],
    "kind: Thing\nsize: 1\nsize: 2\n": ["f:3: size: this key is written twice; keep one"],
    "kind: Thin\n": ["f:1: kind: expected Thing, got 'Thin'; did you mean Thing?"],
    "size: 1\n": ["f:1: kind: expected Thing, got 'None'"],
    "- a\n": ["f:1: kind: expected Thing, got ''"],
    "kind: Thing\n---\n\nkind: Thing\nsize: 0\n": ["f:5: size: Expected `int` >= 1"],
    "kind: [\n": ["f:2: not valid YAML: did not find expected node content"],
    "kind:\tThing\n\t- x\n": ["f:2: not valid YAML: found a tab character that violates indentation"],
}


@pytest.mark.parametrize("text", MISTAKES)
def test_mistakes_are_told_with_their_lines(text: str) -> None:
    """All of them, in one error."""
    with pytest.raises(config_file.ConfigError) as caught:
        config_file.read(text.encode(), "f", KINDS)
    assert list(caught.value.problems) == MISTAKES[text]


def test_documents_come_in_order_and_empty_ones_do_not_count() -> None:
    """Separators may stand anywhere."""
    text = b"---\nkind: Thing\nsize: 2\n---\n# nothing\n---\nkind: Thing\non: false\n"
    assert config_file.read(text, "f", KINDS) == [Thing("Thing", 2), Thing("Thing", on=False)]


@pytest.mark.parametrize("word", ["off", "on", "yes", "no", "y", "2026-11-23"])
def test_words_stay_words(word: str) -> None:
    """YAML 1.1 would make `off` false, and a date a date."""
    assert config_file.read(f"kind: Thing\nparts: [{{name: {word}}}]\n".encode(), "f", KINDS) == [
        Thing("Thing", parts=(Part(word),))
    ]


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(text: bytes) -> None:
    """Either documents or a ConfigError, which names the file."""
    problems: tuple[str, ...] = ()
    try:
        config_file.read(text, "f", KINDS)
    except config_file.ConfigError as error:
        problems = error.problems
    assert all(problem.startswith("f:") for problem in problems)


EXHAUSTING = {
    "deep lists": b"[" * 1_000_000,
    "deep mappings": b"kind: " + b"{a: " * 200_000,
    "deep in a document of ours": b"kind: Thing\nparts: " + b"[" * 2000 + b"]" * 2000,
    "larger than any settings": b"a" * (2 << 20),
}


@pytest.mark.parametrize("name", EXHAUSTING)
def test_files_that_would_exhaust_the_reader_are_refused(name: str) -> None:
    """An error in one line, not a process that dies."""
    with pytest.raises(config_file.ConfigError, match=r"deeper|larger"):
        config_file.read(EXHAUSTING[name], "f", KINDS)
