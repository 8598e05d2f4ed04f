"""The baseline of two benchmarks: the least that a Flask webhook can do, under the very same gunicorn settings.

In: a folder with certificates, and optionally a file with a JSON Patch. Out: a server that reads the body, looks for
the request's uid in it without decoding the rest, and answers `allowed: true`; on /repair together with the patch, so
that what a patch costs the API server is told apart from what podseal costs. Run as a program by bench_webhook and
bench_latency; it prints its address as `podseal serve` logs it.
"""

import functools
import sys
from pathlib import Path

import flask
import msgspec
from msgspec import UNSET, UnsetType

from webhook import logs, serve, settings

UID = b'"uid":"'
"""Where the API server writes it first; it sends JSON without blanks."""


class Response(msgspec.Struct, rename="camel"):
    """As little as the API server accepts."""

    uid: str
    allowed: bool
    patch: bytes | UnsetType = UNSET
    patch_type: str | UnsetType = UNSET


class Answer(msgspec.Struct):
    """The AdmissionReview around it."""

    apiVersion: str  # noqa: N815 -- Kubernetes' name
    kind: str
    response: Response


class Application(serve.Application):
    """The server's application, with another app inside."""

    patch: bytes | UnsetType = UNSET
    """What /repair sends."""

    def load(self) -> flask.Flask:
        """The routes of podseal, each with one answer."""
        app = flask.Flask("null", static_folder=None)
        encoder = msgspec.json.Encoder()

        def answer(patch: bytes | UnsetType = UNSET) -> flask.Response:
            body = flask.request.get_data(cache=False)
            start = body.find(UID) + len(UID)
            uid = body[start : body.find(b'"', start)].decode()
            response = Response(uid, allowed=True, patch=patch, patch_type=UNSET if patch is UNSET else "JSONPatch")
            encoded = encoder.encode(Answer("admission.k8s.io/v1", "AdmissionReview", response))
            return flask.Response(encoded, content_type="application/json")

        app.add_url_rule("/validate", "validate", answer, methods=["POST"])
        app.add_url_rule("/mutate", "mutate", answer, methods=["POST"])
        app.add_url_rule("/repair", "repair", functools.partial(answer, self.patch), methods=["POST"])
        return app


def main(folder: Path, patch: Path | None = None) -> None:
    """Serve until a signal ends it, in the way of `podseal serve`."""
    logs.configure("info")
    serve.Application = Application  # type: ignore[misc]  # the one difference between the two servers
    if patch:
        Application.patch = patch.read_bytes()
    said = settings.Tls(str(folder / "tls.crt"), str(folder / "tls.key"))
    base = settings.server(None)
    serve.run(msgspec.structs.replace(base, bind="127.0.0.1:0", metrics_bind="127.0.0.1:0", tls=said), None)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
