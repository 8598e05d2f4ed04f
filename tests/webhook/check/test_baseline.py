"""Baselines: what is known does not count, what is new does, what is stale is named."""

import pytest
from msgspec import structs

from tests.webhook.check import inputs
from webhook.check import baseline, model


def _report(*rows: model.Row) -> model.Report:
    judged = model.Judged("deploy/web.yaml", 1, "", "Pod", "shop", "web", rows=rows)
    return model.Report((model.FileResult("deploy/web.yaml", (judged,)),))


def _known(*rows: model.Row) -> baseline.Baseline:
    return baseline.parse(baseline.render(_report(*rows)))


MOVED = structs.replace(inputs.ROW, line=99, path="spec.containers[5].securityContext.privileged")
NEW = structs.replace(inputs.ROW, container="sidecar")


def test_a_known_finding_does_not_count_wherever_it_moved() -> None:
    """The row is kept apart, for the reports that show it."""
    report = baseline.apply(_report(MOVED, NEW), _known(inputs.ROW))
    assert report.rows == (NEW,)
    assert report.judged[0].known == (MOVED,)
    assert report.stale == ()


def test_one_more_of_the_same_is_new() -> None:
    """Equal findings are counted."""
    report = baseline.apply(_report(inputs.ROW, MOVED), _known(inputs.ROW))
    assert report.rows == (MOVED,)


def test_what_is_no_longer_found_is_named() -> None:
    """So that somebody removes it, before it hides something new."""
    report = baseline.apply(_report(), _known(inputs.ROW, NEW))
    titles = [f"privileged in Pod/shop/web, container {container}" for container in ("sidecar", "web")]
    assert sorted(report.stale) == titles


def test_the_file_does_not_depend_on_the_order_of_findings() -> None:
    """Small diffs in the repository that keeps it."""
    assert baseline.render(_report(inputs.ROW, NEW)) == baseline.render(_report(NEW, MOVED))


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"{}", b"\xff", b'{"schema": 2, "findings": []}', b'{"schema": 1, "findings": [], "more": 1}'],
    ids=["empty", "a list", "an empty object", "binary", "another schema", "an unknown key"],
)
def test_what_is_no_baseline_is_refused(text: bytes) -> None:
    """Never taken for an empty one."""
    with pytest.raises(ValueError, match=r"schema|JSON|object|field|utf-8|decode|malformed|truncated"):
        baseline.parse(text)
