"""Counts add up; a scan is a report of `check` as well."""

from tests.webhook.scan import test_collect
from webhook.scan import collect, model


def test_counts_add_up_field_by_field() -> None:
    """Every field, so that a new one cannot be forgotten."""
    names = model.Counts.__struct_fields__
    one = model.Counts(*range(1, len(names) + 1))
    assert one.plus(model.Counts()) == one
    assert one.plus(one) == model.Counts(*(2 * value for value in range(1, len(names) + 1)))


def test_a_scan_has_the_shape_of_a_check() -> None:
    """Namespaces for files, owners for objects, a place in the cluster for a place in a file."""
    scan = collect.collect([test_collect.namespace("shop")])
    report = scan.report
    assert [file.file for file in report.files] == ["shop"]
    assert report.rows == scan.rows
    assert {row.file for row in report.rows} == {"shop/Pod/shop-0"}
    assert not report.problems
