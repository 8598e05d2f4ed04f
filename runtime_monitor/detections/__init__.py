"""podseal's own rules, in Falco's language: one YAML file for each behaviour, found by its presence.

In: nothing. Out: `texts`, the name and the text of each file. Called by `rule_files`. A file begins with a comment that
argues its priority; its events are in tests/runtime_monitor/detections/<name>/{alert,quiet}.jsonl.
"""

from importlib import resources

import yaml

from runtime_monitor.alerts import Priority


def texts() -> list[tuple[str, str]]:
    """`podseal:<file>` -> text, what has no rules first, then the gravest.

    Of the rules that fit an event the first one counts (Falco's `rule_matching: first`): a package manager that
    somebody starts by exec is to be told as that, not as one more exec.
    """
    found = [file for file in resources.files(__name__).iterdir() if file.name.endswith(".yaml")]
    named = [(f"podseal:{file.name}", file.read_text(encoding="utf-8")) for file in found]
    return sorted(named, key=lambda pair: (_gravest(pair[1]), pair[0]))


def _gravest(text: str) -> int:
    """The number of the gravest priority in a file, below all of them where it has none."""
    items = yaml.load(text, yaml.CBaseLoader)  # noqa: S506 -- the base loader makes nothing but strings
    return min((Priority[item["priority"]] for item in items if "priority" in item), default=-1)
