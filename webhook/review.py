"""AdmissionReview <-> Subject: the only module that knows uid, patchType, warnings and auditAnnotations.

In: the bytes of a request, or a verdict. Out: a `Review`, or a `Refusal` that says what is wrong with the bytes; and
the bytes of the answer. Called by the webhook's app.
The wire format is k8s.io/api/admission/v1. A review that cannot be answered with its uid is a bad request, which the
API server treats by the webhook's failurePolicy; an object that cannot be understood is denied inside the review.
"""

from typing import Literal

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from webhook import messages
from webhook.policy import decide, guard, model, patch, workloads
from webhook.policy.pod import Pod

API_VERSION = "admission.k8s.io/v1"
KIND = "AdmissionReview"
MAX_BYTES = 8 * 1024 * 1024
"""Two objects of 3 MiB, the API server's limit for a request (k8s.io/apiserver, MaxRequestBodyBytes), and the rest."""

NOTHING = (b"", b"null")
REASONS = {
    400: "BadRequest",
    404: "NotFound",
    405: "MethodNotAllowed",
    413: "RequestEntityTooLarge",
    415: "UnsupportedMediaType",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
}
"""HTTP code -> metav1.StatusReason (k8s.io/apimachinery/pkg/apis/meta/v1)."""


class Refusal(Struct, frozen=True):
    """Why a body gets no decision. With a uid it is answered inside an AdmissionReview, else as an HTTP error."""

    status: int
    message: str
    uid: str = ""


TOO_LARGE = Refusal(413, f"the body has more than {MAX_BYTES} bytes")


class Relabelling(Struct, frozen=True):
    """A namespace whose labels or annotations change, with all of them before and after."""

    name: str
    before: guard.NamespaceKeys
    after: guard.NamespaceKeys


class Review(Struct, frozen=True):
    """A request as it was understood. `relabelling` is there for the UPDATE of a namespace."""

    uid: str
    subject: model.Subject
    relabelling: Relabelling | None = None


class GroupVersionKind(Struct, frozen=True, gc=False):
    """What kind the object is, after conversion to what the webhook registered for (matchPolicy Equivalent)."""

    group: str = ""
    version: str = ""
    kind: str = ""


class UserInfo(Struct, frozen=True, gc=False):
    """Who sent the request; null lists are as good as none."""

    username: str = ""
    uid: str = ""
    groups: tuple[str, ...] | None = None


class Request(Struct, frozen=True, rename="camel", gc=False):
    """The fields of an AdmissionRequest that anything reads; the objects stay bytes until their kind is known."""

    uid: str = ""
    kind: GroupVersionKind = GroupVersionKind()
    sub_resource: str = ""
    name: str = ""
    namespace: str = ""
    operation: str = ""
    user_info: UserInfo = UserInfo()
    object: Raw = Raw()
    old_object: Raw = Raw()
    dry_run: bool | None = None


class ConnectOptions(Struct, frozen=True, gc=False):
    """PodExecOptions, PodAttachOptions and the options of the proxies, as one."""

    container: str | None = None
    command: tuple[str, ...] | None = None
    stdin: bool | None = None
    tty: bool | None = None
    path: str | None = None


class NamespaceMetadata(Struct, frozen=True, gc=False):
    """What is read of a namespace's metadata."""

    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class Namespace(Struct, frozen=True, gc=False):
    """A namespace, of which nothing else matters."""

    metadata: NamespaceMetadata = NamespaceMetadata()

    def keys(self) -> guard.NamespaceKeys:
        """Its labels and annotations."""
        return guard.NamespaceKeys(self.metadata.labels or {}, self.metadata.annotations or {})


class Envelope(Struct, frozen=True, rename="camel", gc=False):
    """The AdmissionReview around a request."""

    api_version: str = ""
    kind: str = ""
    request: Request | None = None


class Status(Struct, frozen=True, omit_defaults=True):
    """The part of metav1.Status that a denial fills."""

    code: int
    reason: str
    message: str


class HttpStatus(Struct, frozen=True, rename="camel"):
    """A whole metav1.Status, which the API server and kubectl know how to show."""

    api_version: str
    kind: str
    status: str
    message: str
    reason: str
    code: int


class Response(Struct, frozen=True, rename="camel", omit_defaults=True):
    """An AdmissionResponse. msgspec writes bytes as base64, which is what the patch has to be."""

    uid: str
    allowed: bool
    status: Status | UnsetType = UNSET
    patch: bytes | UnsetType = UNSET
    patch_type: Literal["JSONPatch"] | UnsetType = UNSET
    warnings: list[str] | UnsetType = UNSET
    audit_annotations: dict[str, str] | UnsetType = UNSET


class Answer(Struct, frozen=True, rename="camel"):
    """The AdmissionReview around a response."""

    api_version: str
    kind: str
    response: Response


_connects = msgspec.json.Decoder(ConnectOptions)
_namespaces = msgspec.json.Decoder(Namespace)
_envelopes = msgspec.json.Decoder(Envelope)
_objects = {kind: msgspec.json.Decoder(entry[0]) for kind, entry in workloads.KINDS.items()}
_encoder = msgspec.json.Encoder()


def parse(body: bytes) -> Review | Refusal:
    """Understand a request.

    Returns:
        The review, or why there is none: 400 for what is no AdmissionReview, 422 with the uid for an object whose
        fields do not fit (they name the path), 413 for a body beyond MAX_BYTES.
    """
    if len(body) > MAX_BYTES:
        return TOO_LARGE
    try:
        # msgspec skips over what nobody reads without looking at its encoding; a decode of ASCII costs next to nothing.
        body.decode()
        envelope = _envelopes.decode(body)
    except UnicodeDecodeError as error:
        return Refusal(400, f"the body is not UTF-8: byte {error.start} is {error.reason}")
    except RecursionError:
        return Refusal(400, "the body is nested too deeply to be an AdmissionReview")
    except msgspec.ValidationError as error:
        return Refusal(400, f"the body is no AdmissionReview of {API_VERSION}: {error}")
    except msgspec.DecodeError as error:
        return Refusal(400, f"the body is not JSON: {error}")
    if envelope.api_version != API_VERSION or envelope.kind != KIND:
        return Refusal(
            400, f"expected {API_VERSION} {KIND}, got {envelope.api_version[:100]!r} {envelope.kind[:100]!r}"
        )
    if envelope.request is None:
        return Refusal(400, "the AdmissionReview has no request")
    if not envelope.request.uid:
        return Refusal(400, "the request has no uid")
    return _review(envelope.request)


def _review(request: Request) -> Review | Refusal:
    """Decode the objects of a request that may change what runs."""
    kind = request.kind.kind
    pod = old_pod = connect = None
    if request.operation == "CONNECT":
        try:
            connect = _connect(bytes(request.object))
        except (msgspec.DecodeError, RecursionError) as error:
            return Refusal(422, f"the {kind} cannot be understood: {error}", request.uid)
    if _may_change_pods(request):
        received = bytes(request.object)
        if received in NOTHING:
            return Refusal(400, f"{request.operation} of a {kind} without an object", request.uid)
        try:
            pod = _objects[kind].decode(received).pod()
        except (msgspec.DecodeError, RecursionError) as error:
            reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
            return Refusal(422, f"the {kind} cannot be understood: {reason}", request.uid)
        if kind == "Pod" and request.operation == "UPDATE":
            old_pod = _before(request)
    relabelling = None
    if kind == "Namespace" and request.operation == "UPDATE" and not request.kind.group:
        try:
            relabelling = _relabelling(request)
        except (msgspec.DecodeError, RecursionError) as error:
            return Refusal(422, f"the Namespace cannot be understood: {error}", request.uid)
    user = request.user_info
    subject = model.Subject(
        kind=kind,
        operation=request.operation,
        subresource=request.sub_resource,
        namespace=request.namespace,
        name=request.name,
        user=model.User(user.username, user.uid, user.groups or ()),
        pod=pod,
        old_pod=old_pod,
        connect=connect,
        dry_run=bool(request.dry_run),
    )
    return Review(request.uid, subject, relabelling)


def _relabelling(request: Request) -> Relabelling:
    before, after = (_namespaces.decode(each).keys() for each in (request.old_object, request.object))
    return Relabelling(request.name, before, after)


def _connect(received: bytes) -> model.Connect:
    if received in NOTHING:
        return model.Connect()
    asked = _connects.decode(received)
    return model.Connect(
        container=asked.container or "",
        command=asked.command or (),
        stdin=bool(asked.stdin),
        tty=bool(asked.tty),
        path=asked.path or "",
    )


def _may_change_pods(request: Request) -> bool:
    """Whether the object holds a pod, and the request may change what runs in it."""
    kind = request.kind
    known = workloads.KINDS.get(kind.kind)
    return (
        known is not None
        and (f"{kind.group}/{kind.version}" if kind.group else kind.version) in known[2]
        and request.operation in ("CREATE", "UPDATE")
        and request.sub_resource not in decide.UNJUDGED_SUBRESOURCES
    )


def _before(request: Request) -> Pod | None:
    """The pod before an UPDATE. Where it cannot be understood, everything in the new one counts as changed."""
    try:
        return _objects["Pod"].decode(bytes(request.old_object)).pod()
    except (msgspec.DecodeError, RecursionError):
        return None


def validated(review: Review, verdict: model.Verdict) -> bytes:
    """The answer of /validate: refused where a finding denies, else allowed, with warnings."""
    status: Status | UnsetType = UNSET
    if verdict.denied:
        status = Status(403, "Forbidden", messages.denial(verdict))
    return _answer(
        Response(
            review.uid,
            allowed=not verdict.denied,
            status=status,
            warnings=messages.about_validation(verdict) or UNSET,
            audit_annotations=messages.annotations_of_validation(verdict) or UNSET,
        )
    )


def connected(review: Review, *, action: str, outcome: str) -> bytes:
    """The answer of /connect where it lets pass. Warnings would never reach the user: the connection upgrades."""
    annotations = {f"connect-{outcome}": action} if action and outcome != "allowed" else UNSET
    return _answer(Response(review.uid, allowed=True, audit_annotations=annotations))


def previewed(review: Review, warnings: list[str]) -> bytes:
    """The answer of /preview-namespace: allowed, with what would change."""
    return _answer(Response(review.uid, allowed=True, warnings=messages.warnings(warnings) or UNSET))


def mutated(review: Review, verdict: model.Verdict) -> bytes:
    """The answer of /mutate: always allowed, with a patch where there is something to repair."""
    subject = verdict.subject
    # Of a template, the mutation is only what will happen to its pods: patching it would make GitOps tools undo it.
    mutation = verdict.mutation if subject.kind == "Pod" else model.Mutation()
    operations = patch.operations(mutation.edits, subject.pod) if subject.pod else []
    return _answer(
        Response(
            review.uid,
            allowed=True,
            patch=_encoder.encode(operations) if operations else UNSET,
            patch_type="JSONPatch" if operations else UNSET,
            warnings=messages.warnings(mutation.notes) or UNSET,
            audit_annotations=(messages.annotations_of_mutation(verdict) or UNSET) if operations else UNSET,
        )
    )


def denied(uid: str, code: int, message: str) -> bytes:
    """A denial that no finding is the reason for."""
    reason = REASONS.get(code, "InternalError")
    text = messages.cut(messages.printable(message), messages.LONGEST_DENIAL)
    return _answer(Response(uid, allowed=False, status=Status(code, reason, text)))


def passed(uid: str, warning: str) -> bytes:
    """/mutate leaves an object alone that it cannot judge: /validate has the last word."""
    return _answer(Response(uid, allowed=True, warnings=messages.warnings([warning])))


def error(refusal: Refusal) -> bytes:
    """The body of an HTTP error: a metav1.Status on one line."""
    reason = REASONS.get(refusal.status, "BadRequest")
    text = messages.cut(messages.printable(refusal.message), messages.LONGEST_DENIAL)
    return _encoder.encode(HttpStatus("v1", "Status", "Failure", text, reason, refusal.status)) + b"\n"


def _answer(response: Response) -> bytes:
    return _encoder.encode(Answer(API_VERSION, KIND, response))
