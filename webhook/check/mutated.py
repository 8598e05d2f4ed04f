"""The pod before and after the webhook, as a diff that people read.

In: the pod's tree as it stands in the file, the typed pod, the edits of the decision. Out: a unified diff of YAML.
Called by `judge` where `--show-mutated` asks for it. The patch is the webhook's own, applied by jsonpatch.
"""

import difflib

import jsonpatch
import yaml

from webhook.check import model
from webhook.policy import model as policy_model
from webhook.policy import patch
from webhook.policy.pod import Pod

CONTEXT_LINES = 3


def diff(tree: model.Tree, pod: Pod, edits: tuple[policy_model.Edit, ...]) -> str:
    """Lines that begin with a space, `-` or `+`, and `@@` between distant places."""
    after = jsonpatch.apply_patch(tree, patch.operations(edits, pod))
    lines = difflib.unified_diff(_lines(tree), _lines(after), "before", "after", n=CONTEXT_LINES, lineterm="")
    return "\n".join(list(lines)[2:])


def _lines(tree: model.Tree) -> list[str]:
    text: str = yaml.dump(tree, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=1000)
    return text.splitlines()
