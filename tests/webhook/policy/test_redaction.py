"""Secrets in command lines: what is spared, what is kept, and that nothing grows past its bound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.policy import redaction

PATTERNS = redaction.compiled(redaction.DEFAULT_PATTERNS)


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["ls", "-la", "/var/www"], ["ls", "-la", "/var/www"]),
        (["env", "DB_PASSWORD=hunter2", "sh"], ["env", "DB_PASSWORD=[redacted]", "sh"]),
        (["psql", "--password", "hunter2"], ["psql", "--password", "[redacted]"]),
        (["tool", "--api-key=abc123"], ["tool", "--api-key=[redacted]"]),
        (["mysql", "-uroot", "-phunter2"], ["mysql", "-uroot", "-p[redacted]"]),
        (
            ["sh", "-c", "curl -H 'Authorization: Bearer abc.def'"],
            ["sh", "-c", "curl -H 'Authorization: Bearer [redacted]"],
        ),
        (["curl", "https://me:hunter2@host/x"], ["curl", "https://me:[redacted]@host/x"]),
        (["echo", "AKIAABCDEFGHIJKLMNOP"], ["echo", "[redacted]"]),
        (["sh", "-c", "export TOKEN='hunter2'; run"], ["sh", "-c", "export TOKEN='[redacted]'; run"]),
        (["env", "PASSWORD=s", "sh"], ["env", "PASSWORD=[redacted]", "sh"]),
        (["cat", "/etc/passwd"], ["cat", "/etc/passwd"]),
        (["tar", "-xmf", "-", "-C", "/srv"], ["tar", "-xmf", "-", "-C", "/srv"]),
    ],
    ids=lambda value: " ".join(value)[:40],
)
def test_a_command_line_loses_its_secrets_alone(argv: list[str], expected: list[str]) -> None:
    """Each row is a command line and what is stored of it."""
    assert list(redaction.redact(argv, PATTERNS)) == expected


def test_a_long_command_line_is_cut_and_says_so() -> None:
    """At most 2 KiB are kept; the mark is the end."""
    shown = redaction.redact(["echo", "é" * 5000], PATTERNS)
    assert sum(len(each.encode()) for each in shown) <= redaction.MOST_BYTES
    assert shown[-1].endswith(redaction.CUT)


@given(st.lists(st.text(max_size=400), max_size=30))
def test_whatever_was_sent_fits_and_is_text(argv: list[str]) -> None:
    """Any argv comes out bounded and encodable."""
    shown = redaction.redact(argv, PATTERNS)
    assert sum(len(each.encode()) for each in shown) <= redaction.MOST_BYTES
    assert len(shown) <= len(argv)


@given(st.text(alphabet="abcXYZ019", min_size=4, max_size=20))
def test_a_password_never_survives_its_assignment(secret: str) -> None:
    """NAME=value is spared whatever the value."""
    shown = redaction.redact(["env", f"APP_PASSWORD={secret}"], PATTERNS)
    assert shown == ("env", "APP_PASSWORD=[redacted]")


@pytest.mark.parametrize(
    ("pattern", "reason"), [("(", "no regular expression"), ("abc", "one group"), ("(a)(b)", "one")]
)
def test_a_bad_pattern_is_quoted(pattern: str, reason: str) -> None:
    """The settings' author sees which pattern is wrong, and why."""
    with pytest.raises(ValueError, match=reason):
        redaction.compiled([pattern])
