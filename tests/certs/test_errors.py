"""The error that a user sees."""

from __future__ import annotations

import pytest

from certs import errors


@pytest.mark.parametrize("code", list(errors.Exit))
def test_line_names_place_cause_and_remedy(code: errors.Exit) -> None:
    """In this order, and the exit code goes with it."""
    error = errors.CertsError("tls.key", "does not match", "run init", code)

    assert str(error) == "tls.key: does not match; run init"
    assert error.code == code


def test_what_is_wrong_is_no_wrong_usage() -> None:
    """Scripts tell them apart: 1 and 2; an error is the former unless it says otherwise."""
    assert int(errors.CertsError("a", "b", "c").code) == 1
    assert int(errors.Exit.USAGE) == 2


def test_conflict_is_no_failure() -> None:
    """Who catches failures must not swallow a conflict, which asks for another try."""
    assert not issubclass(errors.ConflictError, errors.CertsError)
