"""Makes what is committed of the manifests but follows from something else: `make manifests`.

| made | from |
| --- | --- |
| manifests/helm/podseal: crds, templates/guard, templates/sessions/execsessions.yaml | `guarding` |
| manifests/install.yaml | the chart with its default values |
| manifests/helm/podseal/values.schema.json: `policy`, `settings`, `$defs` | what podseal reads (webhook.settings) |
| … `monitor.feed.settings`, `stream.settings` | what the feed reads (runtime_monitor.feed.settings, and every output) |
| manifests/helm/podseal/README.md: the table of values | the comments in values.yaml |

In: nothing. Out: those files. test_render.py fails where one of them has drifted.
"""

import collections.abc
import json
import pathlib
import re
import sys
from typing import Any

import msgspec
import yaml

from runtime_monitor.feed import outputs
from runtime_monitor.feed import settings as feed_settings
from tests import reference
from tests.manifests import chart, guarding
from webhook import settings

INSTALL = chart.ROOT / "manifests" / "install.yaml"
SCHEMA = chart.CHART / "values.schema.json"
README = chart.CHART / "README.md"
VALUES = chart.CHART / "values.yaml"
TEMPLATES = chart.CHART / "templates"

_INSTALL_HEAD = """\
# podseal with the default values of its chart (manifests/helm/podseal), made by `make manifests`. Install it with
#   kubectl apply --server-side -f crds
#   kubectl wait --for=condition=Established crd/exemptions.podseal.dev crd/execsessions.podseal.dev
#   kubectl apply --server-side -f install.yaml
# The definitions of podseal's kinds stand apart, so that deleting this file's objects keeps every ExecSession.
# The webhook configurations stand first: nothing is sent to them before podseal-certs has registered the webhook, and
# `kubectl delete -f install.yaml` takes them away before the webhook itself.
"""
_NAMESPACE = """\
---
apiVersion: v1
kind: Namespace
metadata:
  name: podseal-system
  labels:
    pod-security.kubernetes.io/enforce: restricted
"""
_ADDRESSES_AND_FILES = {
    "Server": {"bind", "metricsBind", "kubeconfig", "pathFile", "installed"},
    "Tls": {"certFile", "privateKeyFile", "clientCaFile"},
}
"""Settings that the chart sets by flags."""
_FEED_HAS_FLAGS = ("spool", "state", "stream")
"""Settings of a node's feed that the chart sets by flags, or that are another feed's."""
_TABLE = re.compile(r"(<!-- generated: values -->\n).*?(<!-- end -->)", re.DOTALL)


def install() -> str:
    """install.yaml: the default rendering, without the hooks that only Helm knows and the definitions of kinds."""
    documents = [part for part in re.split(r"^---\n", chart.render(None, "--no-hooks"), flags=re.MULTILINE) if part]
    documents = [part for part in documents if "kind: CustomResourceDefinition\n" not in part]
    first = [part for part in documents if re.search(r"^kind: \w+WebhookConfiguration$", part, flags=re.MULTILINE)]
    rest = [part for part in documents if part not in first]
    return _INSTALL_HEAD + "".join(f"---\n{part}" for part in first) + _NAMESPACE + "".join(f"---\n{p}" for p in rest)


def schema(written: str) -> str:
    """values.schema.json with `policy` and `settings` as podseal reads them."""
    tree = json.loads(written)
    _, definitions = msgspec.json.schema_components(
        [settings.PolicyFile, settings.Server], ref_template="#/$defs/{name}"
    )
    for name, definition in definitions.items():
        definition.pop("title")
        definition["description"] = " ".join(definition["description"].split())
        definition.pop("required", None) if name in ("PolicyFile", "Server") else None
        hidden = {"apiVersion", "kind"} | _ADDRESSES_AND_FILES.get(name, set())
        definition["properties"] = {
            key: _plain(value) for key, value in definition["properties"].items() if key not in hidden
        }
    tree["properties"]["policy"] = {"$ref": "#/$defs/PolicyFile"}
    tree["properties"]["settings"] = {"$ref": "#/$defs/Server"}
    tree["$defs"] = definitions | _feed()
    return json.dumps(tree, indent=2) + "\n"


def _feed() -> dict[str, Any]:
    """The feed's configuration and each output's: the definition `Feed`, and those that it refers to."""
    types = [feed_settings.Settings, *outputs.KINDS.values()]
    found, definitions = msgspec.json.schema_components(types, ref_template="#/$defs/Feed.{name}")
    names = [each["$ref"].rpartition("/Feed.")[2] for each in found]
    for definition in definitions.values():
        definition.pop("title")
        definition["description"] = " ".join(definition.get("description", "").split())
        definition["properties"] = {key: _plain(value) for key, value in definition["properties"].items()}
    for name in names[1:]:
        # Without a name the feed takes the output's type for one.
        definitions[name]["required"].remove("name")
    whole = definitions.pop(names[0])
    for key in _FEED_HAS_FLAGS:
        del whole["properties"][key]
    whole["properties"]["outputs"]["items"] = {"anyOf": [{"$ref": f"#/$defs/Feed.{name}"} for name in names[1:]]}
    kept = definitions.pop("Stream")
    del kept["properties"]["connection"]
    made = {"Feed": whole, "Stream": {**kept, "required": []}} | {
        f"Feed.{name}": definition for name, definition in definitions.items()
    }
    shortened: dict[str, Any] = json.loads(json.dumps(made).replace("Feed.runtime_monitor.feed.outputs.", "Feed."))
    return shortened


def _plain(field: dict[str, Any]) -> dict[str, Any]:
    """A field without the defaults of whole objects, which its own fields give already."""
    keep = isinstance(field.get("default"), str | int)
    return {key: value for key, value in field.items() if key != "default" or keep}


def readme(written: str) -> str:
    """README.md with the table of values."""
    rows = [(f"`{name}`", meaning, f"`{default}`") for name, meaning, default in values(VALUES.read_text())]
    table = reference.table(("value", "meaning", "default"), rows)
    return _TABLE.sub(lambda match: f"{match[1]}{table}{match[2]}", written)


def values(text: str) -> collections.abc.Iterator[tuple[str, str, str]]:
    """Name, meaning and default of everything in values.yaml that has a comment `# -- …`."""
    lines = text.splitlines()
    yield from _described(yaml.compose(text), lines, "")


def _described(node: yaml.Node | None, lines: list[str], prefix: str) -> collections.abc.Iterator[tuple[str, str, str]]:
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        name = prefix + key.value
        meaning = _comment_above(lines, key.start_mark.line)
        if meaning:
            default = yaml.safe_load(yaml.serialize(value))
            yield name, meaning, json.dumps(default)
        else:
            yield from _described(value, lines, f"{name}.")


def _comment_above(lines: list[str], line: int) -> str:
    """The comment that ends above a line, empty where it does not begin with `# --`."""
    found: list[str] = []
    while line and lines[line - 1].lstrip().startswith("#"):
        line -= 1
        found.insert(0, lines[line].strip().removeprefix("#").strip())
    meaning = " ".join(found)
    return meaning.removeprefix("--").strip() if meaning.startswith("--") else ""


MADE: dict[pathlib.Path, collections.abc.Callable[[str], str]] = {
    TEMPLATES / "guard" / "policy.yaml": guarding.policy,
    TEMPLATES / "guard" / "exemptions.yaml": guarding.exemptions,
    TEMPLATES / "guard" / "roles.yaml": guarding.roles,
    TEMPLATES / "sessions" / "execsessions.yaml": guarding.session_crd,
    chart.CHART / "crds" / "exemptions.podseal.dev.yaml": guarding.exemption_crd,
    SCHEMA: schema,
    README: readme,
    INSTALL: lambda _: install(),
}
"""Each file and how its text follows from what it has now; what Helm reads comes before what it renders."""


def main() -> int:
    """Write the files anew."""
    for path, made in MADE.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(made(path.read_text() if path.exists() else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
