"""Bytes to documents: what is read, what is refused with which line, and what goes on behind a broken document."""

import pytest

from webhook.check import documents, model

READ: dict[str, tuple[bytes, list[int]]] = {
    "empty file": (b"", []),
    "comment only": (b"# nothing\n", []),
    "one document": (b"a: b\n", [1]),
    "two documents": (b"a: b\n---\nc: d\n", [1, 3]),
    "Windows line ends": (b"a: b\r\n---\r\nc: d\r\n", [1, 3]),
    "byte order mark": (b"\xef\xbb\xbfa: b\n", [1]),
    "UTF-16": ("a: b\n---\nc: d\n".encode("utf-16"), [1, 3]),
    "JSON": (b'{"a": [1, {"b": null}]}', [1]),
    "JSON with tabs": (b'{\n\t"a":\t1\n}', [1]),
    "JSON with surrogate pairs": (b'{"a": "\\ud83d\\ude00"}', [1]),
    "JSON documents after one another": (b'{"a": 1}\n{"b": 2}\n', [1, 2]),
}

REFUSED: dict[str, tuple[bytes, int, str]] = {
    "tab": (b"a:\n\tb: c\n", 2, "spaces, not tabs"),
    "unclosed bracket": (b"a: [1,\n", 2, "not valid YAML"),
    "template": (b"a: b\n{{- if .Values.x }}\nc: d\n{{ end }}\n", 3, "helm template"),
    "binary": (b"\x7fELF\x02\x01\x01\x00\x00", 1, "not a text file"),
    "invalid UTF-8 in line 2": (b"a: b\nc: \xff\xfe\n", 2, "not readable as UTF-8"),
    "encoded lone surrogate": ("a: \ud800".encode("utf-8", "surrogatepass"), 1, "not readable as UTF-8"),
    "half a UTF-16 character": (b"\xff\xfea", 1, "UTF-16"),
    "unknown alias": (b"a: *nobody\n", 1, "undefined alias"),
    "anchor twice": (b"a: &x 1\nb: &x 2\n", 2, "anchor"),
    "YAML 3": (b"%YAML 3.0\n---\na: b\n", 1, "incompatible"),
    "10,000 brackets deep": (b"[" * 10_000, 1, "nested deeper than"),
    "a million brackets deep": (b"[" * 1_000_000, 1, "nested deeper than"),
    "10,000 flow mappings deep": (b"{a: " * 10_000 + b"}" * 10_000, 1, "nested deeper than"),
    "10,000 sequences deep": (b"- " * 10_000 + b"a", 1, "nested deeper than"),
    "3,000 mappings deep": (b"".join(b" " * depth + b"a:\n" for depth in range(3_000)), 400, "nested deeper than"),
}


@pytest.mark.parametrize(("data", "lines"), READ.values(), ids=READ.keys())
def test_each_document_is_read(data: bytes, lines: list[int]) -> None:
    """The lines at which the documents' values begin."""
    found = list(documents.read(data, "x.yaml"))
    assert [
        each.node.start_mark.line + each.first_line for each in found if isinstance(each, model.Document) and each.node
    ] == lines
    assert not [each for each in found if isinstance(each, model.Problem)]


@pytest.mark.parametrize(("data", "line", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_read_says_where_and_why(data: bytes, line: int, reason: str) -> None:
    """One problem, with its line."""
    problems = [each for each in documents.read(data, "x.yaml") if isinstance(each, model.Problem)]
    assert [(each.file, each.line) for each in problems] == [("x.yaml", line)]
    assert reason in problems[0].reason


def test_reading_goes_on_behind_a_broken_document() -> None:
    """The second document is broken, the third is read, at its right line."""
    broken, third = list(documents.read(b"a: b\n---\nx: [\n---\n\nc: d\n", "x"))[1:]
    assert isinstance(broken, model.Problem)
    assert broken.line == 4
    assert isinstance(third, model.Document)
    assert third.node
    assert third.node.start_mark.line + third.first_line == 6


def test_a_file_of_broken_documents_is_given_up() -> None:
    """A bound on the work that hostile input causes, said once."""
    found = list(documents.read(b"---\n[\n" * 1000, "x"))
    assert len(found) == documents.MAX_BROKEN + 1
    assert isinstance(found[-1], model.Problem)
    assert "more than 100 broken documents" in found[-1].reason


def test_helm_names_the_template_of_each_document() -> None:
    """The comment before a document is its own; a document without one has none."""
    data = b"---\n# Source: web/templates/a.yaml\na: b\n---\n# Source: web/templates/b.yaml\nc: d\n---\ne: f\n"
    found = [each for each in documents.read(data, "x") if isinstance(each, model.Document)]
    assert [each.source for each in found] == ["web/templates/a.yaml", "web/templates/b.yaml", ""]
