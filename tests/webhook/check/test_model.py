"""What a report sums up."""

from msgspec import structs

from tests.webhook.check import inputs
from webhook.check import model


def test_a_report_is_the_sum_of_its_files() -> None:
    """Rows, problems and counts, in the order of the files."""
    warned = structs.replace(inputs.ROW, mode="warn")
    first = model.Judged("a", 1, "", "Pod", "shop", "web", rows=(inputs.ROW, warned))
    second = model.Judged("b", 1, "", "Job", "", "", rows=(warned,))
    problem = model.Problem("b", 7, "broken")
    report = model.Report((model.FileResult("a", (first,)), model.FileResult("b", (second,), (problem,))))
    assert report.rows == (inputs.ROW, warned, warned)
    assert report.problems == (problem,)
    assert [report.count(mode) for mode in ("deny", "warn", "audit")] == [1, 2, 0]
    assert [each.title for each in report.judged] == ["Pod shop/web", "Job (no name)"]
