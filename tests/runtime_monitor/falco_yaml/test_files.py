"""falco.yaml on disk."""

from pathlib import Path

import pytest

from runtime_monitor.falco_yaml import files
from runtime_monitor.falco_yaml.tree import FalcoYamlError


@pytest.fixture
def main(tmp_path: Path) -> Path:
    """A falco.yaml that includes a folder and a file."""
    folder = tmp_path / "config.d"
    folder.mkdir()
    (folder / "b.yaml").write_text("rules_files: [b.yaml]\npriority: notice")
    (folder / "a.yaml").write_text("rules_files: [a.yaml]\npriority: error")
    (tmp_path / "extra.yaml").write_text("json_output: true\nrules_files: [extra.yaml]")
    path = tmp_path / "falco.yaml"
    path.write_text(
        f"config_files:\n- {folder}\n- {{path: {tmp_path}/extra.yaml, strategy: add-only}}\n- {tmp_path}/missing.yaml\n"
        'rules_files: ["${RULES}/main.yaml"]\n'
    )
    return path


def test_included_files_count_in_their_order(main: Path) -> None:
    """Folders by name, a strategy for each, what is missing passed over; the environment is put in."""
    config, warnings, read = files.load(main, (), {"RULES": "/r"})
    assert warnings == ()
    assert [Path(each).name for each in read] == ["falco.yaml", "config.d", "extra.yaml", "missing.yaml"]
    assert config.rules_files == ("/r/main.yaml", "a.yaml", "b.yaml")
    assert config.priority.label == "Notice"
    assert config.json


def test_options_are_above_all_files(main: Path, tmp_path: Path) -> None:
    """Also one that includes another file, which is read before the other options count."""
    (tmp_path / "last.yaml").write_text("priority: critical\nrule_matching: all")
    changes = ("priority=debug", f"config_files[]={tmp_path}/last.yaml", "rules_files[]=o.yaml")
    config, *_ = files.load(main, changes, {"RULES": "/r"})
    assert config.priority.label == "Debug"
    assert not config.first
    assert config.rules_files[-1] == "o.yaml"


def test_without_a_file_alerts_are_printed() -> None:
    """And options alone change that."""
    config, *_ = files.load(None, ())
    assert [(each["type"], each["format"]) for each in config.outputs] == [("stdout", "text")]
    config, *_ = files.load(None, ("json_output=true",))
    assert [(each["type"], each["format"]) for each in config.outputs] == [("stdout", "json")]
    assert files.load(None, ("stdout_output.enabled=false",))[0].outputs == ()


def test_what_cannot_be_read_is_one_line(tmp_path: Path, main: Path) -> None:
    """The file, and why."""
    broken = tmp_path / "broken.yaml"
    broken.write_bytes(b"\xff")
    large = tmp_path / "large.yaml"
    large.write_text("#" * (files.MAX_BYTES + 1))
    for path, reason in (
        (tmp_path / "none", "No such file"),
        (broken, "no UTF-8"),
        (large, "this is no configuration"),
    ):
        with pytest.raises(FalcoYamlError, match=reason):
            files.load(path, ())
    with pytest.raises(FalcoYamlError, match="includes itself"):
        files.load(main, (f"config_files[0]={main}",))
    with pytest.raises(FalcoYamlError, match=r"config_files.strategy: 'x': expected one of append"):
        files.load(main, (f"config_files[0]={{path: {broken}, strategy: x}}",))
