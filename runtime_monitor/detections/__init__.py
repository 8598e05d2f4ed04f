"""podseal's own rules, in Falco's language: one YAML file for each behaviour, found by its presence.

In: nothing. Out: `texts`, the name and the text of each file. Called by `rule_files`. A file begins with a comment that
argues its priority; its events are in tests/runtime_monitor/detections/<name>/{alert,quiet}.jsonl.
"""

from importlib import resources


def texts() -> list[tuple[str, str]]:
    """`podseal:<file>` -> text, in the order of the names."""
    found = [file for file in resources.files(__name__).iterdir() if file.name.endswith(".yaml")]
    return [(f"podseal:{file.name}", file.read_text(encoding="utf-8")) for file in sorted(found, key=lambda f: f.name)]
