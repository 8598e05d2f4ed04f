"""Rendered charts: every finding of each, in golden files, and nothing lost between them."""

from pathlib import Path

import pytest

from tests.webhook import golden
from tests.webhook.check import inputs
from webhook import settings
from webhook.check import files, run

HERE = Path(__file__).parent
CHARTS = HERE.parent.parent / "data" / "charts"
NAMES = sorted(path.name for path in CHARTS.iterdir() if path.suffix in files.SUFFIXES)


@pytest.mark.parametrize("name", NAMES)
def test_findings_in_a_chart(name: str) -> None:
    """Place, mode, control and container; texts are the controls' own and are tested there."""
    catalogue = settings.policies(None).catalogue
    report = inputs.check((CHARTS / name).read_bytes(), catalogue=catalogue)
    lines = [f"{each.line} error {each.reason}" for each in report.problems]
    lines += [f"{row.line}:{row.column} waived {row.control} {row.container} {row.label}" for row in report.waived]
    lines += inputs.places(report)
    lines += [f"{each.line} {each.title} repaired {each.fixed}" for each in report.judged]
    golden.compare(HERE / "golden" / "charts" / f"{name}.txt", "\n".join([*lines, ""]))


def test_every_chart_has_its_golden_file_and_no_file_is_left_over() -> None:
    """A chart that was renamed leaves nothing behind."""
    assert sorted(path.name for path in (HERE / "golden" / "charts").iterdir()) == [f"{name}.txt" for name in NAMES]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_folder_gives_the_same_report_whatever_the_number_of_processes(tmp_path: Path, jobs: int) -> None:
    """So many files that they are shared out; in the order of their names."""
    for number in range(run.FILES_PER_TASK * 2 + 1):
        (tmp_path / f"{number:04}.yaml").write_bytes(inputs.POD.replace(b"name: web", b"name: web%d" % number))
    request = run.Request((str(tmp_path),), files.Source("<stdin>"), inputs.rules(), jobs)
    seen: list[tuple[int, int]] = []
    report = run.run(request, lambda done, total: seen.append((done, total)))
    assert [each.name for each in report.judged] == [f"web{number}" for number in range(len(report.files))]
    assert seen == [(number + 1, len(report.files)) for number in range(len(report.files))]
