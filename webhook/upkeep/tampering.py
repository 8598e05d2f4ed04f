"""Compares the live webhook configurations and the guard with what was installed, and tells where they differ.

In: a folder with the objects as the chart rendered them (its ConfigMap `podseal-installed`). Out: a figure for each
object, and a log line when one begins or ceases to differ. No webhook is asked about these objects
(k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/rules), so that whoever may edit them turns podseal off
without a denial: this is how it is seen. Whoever may also edit the ConfigMap can hide it; the audit log then has both.
"""

import logging
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
import yaml

from webhook import apiserver, config_file, metrics
from webhook.upkeep import drift

GROUP = "/apis/admissionregistration.k8s.io/v1"
COLLECTIONS = {
    "MutatingWebhookConfiguration": "mutatingwebhookconfigurations",
    "ValidatingWebhookConfiguration": "validatingwebhookconfigurations",
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
}
MOST_TOLD = 10
TEXT = (
    "configuration tampered with: delete it and install it again, since an apply leaves the conditions and selectors "
    "that somebody added; the audit log has who it was"
)
log = logging.getLogger("podseal.tampering")


class Tampering:
    """Compares, as often as it is told to."""

    def __init__(self, client: apiserver.Client, folder: Path, figures: metrics.Upkeep) -> None:
        self._client = client
        self._folder = folder
        self._figures = figures
        self._told: dict[tuple[str, str], list[str]] = {}

    def work(self) -> None:
        """Read the folder anew, since an upgrade changes it, and compare each object.

        Raises:
            apiserver.Refused: the API server did not show an object; what was known before stays.
            OSError, ValueError: the folder holds no such objects.
        """
        found = {}
        for rendered in installed(self._folder):
            key = (rendered["kind"], rendered["metadata"]["name"])
            found[key] = self._differences(rendered, *key)
        for key, lines in found.items():
            self._tell(key, lines)
        self._told = found
        self._figures.compared({key: bool(lines) for key, lines in found.items()})

    def _differences(self, rendered: drift.Tree, kind: str, name: str) -> list[str]:
        try:
            body = self._client.get(f"{GROUP}/{COLLECTIONS[kind]}/{name}")
        except apiserver.Refused as refused:
            if refused.status == HTTPStatus.NOT_FOUND:
                return ["it is gone"]
            raise
        live: Any = msgspec.json.decode(body)
        return drift.differences(rendered, live)

    def _tell(self, key: tuple[str, str], lines: list[str]) -> None:
        before = self._told.get(key, [])
        if lines == before:
            return
        fields = {"kind": key[0], "name": key[1]}
        if not lines:
            log.warning("configuration restored", extra={"fields": fields})
            return
        log.error(TEXT, extra={"fields": {**fields, "differences": lines[:MOST_TOLD]}})


def installed(folder: Path) -> list[drift.Tree]:
    """The objects of the YAML files in a folder.

    Raises:
        OSError: it cannot be read.
        ValueError: a file is no YAML, or holds nothing that is compared here.
    """
    objects: list[drift.Tree] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            found = [each for each in yaml.load_all(path.read_bytes(), config_file.Loader) if each]
        except yaml.YAMLError as error:
            raise ValueError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
        objects += [each for each in found if each.get("kind") in COLLECTIONS]
    if not objects:
        raise ValueError(
            f"{folder}: there is no webhook configuration in it; mount the ConfigMap podseal-installed there"
        )
    return objects
