"""Fuzz of falco.yaml: whatever stands in it, reading ends with a configuration or with one line, no traceback.

Short in the suite; PODSEAL_FUZZ_SECONDS=600 makes it run longer. What is read: a falco.yaml with every key, parts cut
out, repeated, exchanged, and pieces of YAML put in. What is taken, the feed and the rules take too.
"""

import contextlib
import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from runtime_monitor.falco_yaml import config, tree
from runtime_monitor.falco_yaml.tree import FalcoYamlError
from runtime_monitor.feed import settings as feed
from tests.fuzz.alterations import altered
from tests.runtime_monitor.rules import given as made

SECONDS = float(os.environ.get("PODSEAL_FUZZ_SECONDS", "3"))
TEXT = (Path(__file__).parents[1] / "runtime_monitor" / "falco_yaml" / "falco.yaml").read_text()
PIECES = (
    *(
        "true",
        "false",
        "enabled: true",
        "[",
        "]",
        "{",
        "}",
        ": ",
        "\n",
        "\n  - ",
        "&a ",
        "*a",
        "---\n",
        "${HOME}",
        "$${",
    ),
    *("%proc.name", "%nonsense", "'", '"', "\t", "\x00", "\ud800", "é", "0", "-1", "1e9", "http://u:p@x", "null", "~"),
    *("rules: [{disable: {rule: '*'}}]\n", "append_output: [{extra_output: '%evt.cpu'}]\n", "static_fields: {a: b}\n"),
)


@pytest.mark.timeout(SECONDS + 120)
def test_a_falco_yaml_is_read_or_refused_with_its_place() -> None:
    """And -o as well."""
    ends = time.monotonic() + SECONDS

    @settings(
        max_examples=100,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(altered([TEXT], PIECES), st.text(max_size=12).map("http_output.{}".format) | st.text(max_size=12))
    def read(text: str, option: str) -> None:
        try:
            root = tree.parse(text, "falco.yaml")
            tree.expand(root, {"HOME": "/root"})
            with contextlib.suppress(FalcoYamlError):
                tree.set_option(root, option)
            found, warnings = config.read(root)
        except FalcoYamlError as error:
            assert str(error).startswith(("falco.yaml", "-o"))  # noqa: PT017 -- any line will do, but with its place
            return
        assert all(str(warning) for warning in warnings)
        options = {"additions": found.additions, "selection": found.selection}
        assert not made.loaded(made.rule("a", "evt.type = open"), **options).errors
        taken = feed.parse(json.dumps({"outputs": found.outputs}).encode(), "falco.yaml")
        assert len(taken.outputs) == len(found.outputs)

    while time.monotonic() < ends:
        read()
