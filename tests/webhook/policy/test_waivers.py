"""What a waiver covers: the control, the time, the service account, the image."""

from datetime import UTC, datetime

import msgspec
import pytest

from webhook.policy import containers, model, pod, waivers

END = datetime(2027, 2, 1, tzinfo=UTC)
BEFORE = datetime(2027, 1, 31, 23, 59, 59, tzinfo=UTC)
PINNED = "sha256:" + "a" * 64


def covered(waiver: dict[str, object], image: str = "shop/agent:1", account: str = "", now: datetime = BEFORE) -> bool:
    """Whether a waiver for `privileged` covers a privileged container of the given image."""
    spec = {"serviceAccountName": account, "containers": [{"name": "web", "image": image}]}
    view = containers.PodView(msgspec.convert({"spec": spec}, pod.Pod), model.Options())
    violation = view.containers[0].violation("securityContext.privileged", "true")
    fields = {"control": "privileged", "label": "x", "until": END} | waiver
    return bool(waivers.covering([model.Waiver(**fields)], "privileged", violation, view, now))  # type: ignore[arg-type] # a table of fields


@pytest.mark.parametrize(
    ("reason", "waiver", "image", "account", "expected"),
    [
        ("nothing narrows it", {}, "shop/agent:1", "", True),
        ("another control", {"control": "host-path"}, "shop/agent:1", "", False),
        ("no service account means default", {"service_accounts": ("default",)}, "shop/agent:1", "", True),
        ("a listed service account", {"service_accounts": ("ci", "agent")}, "shop/agent:1", "agent", True),
        ("an unlisted service account", {"service_accounts": ("ci",)}, "shop/agent:1", "agent", False),
        ("an empty list covers nobody", {"service_accounts": ()}, "shop/agent:1", "", False),
        ("the repository, any tag", {"images": ("shop/agent",)}, "shop/agent:2", "", True),
        ("the registry may be spelt out", {"images": ("docker.io/shop/agent",)}, "shop/agent:2", "", True),
        ("the same name on another registry", {"images": ("shop/agent",)}, "evil.example/shop/agent:1", "", False),
        ("a longer name", {"images": ("shop/agent",)}, "shop/agent-debug:1", "", False),
        ("the digest is right", {"images": (f"shop/agent@{PINNED}",)}, f"shop/agent:1@{PINNED}", "", True),
        ("the digest is missing", {"images": (f"shop/agent@{PINNED}",)}, "shop/agent:1", "", False),
        ("no image at all", {"images": ("shop/agent",)}, "", "", False),
    ],
)
def test_a_waiver_covers(reason: str, waiver: dict[str, object], image: str, account: str, *, expected: bool) -> None:
    """Each row is a waiver, a pod, and whether the one covers the other."""
    assert covered(waiver, image, account) is expected, reason


def test_a_waiver_ends_at_its_instant() -> None:
    """The last second counts, the next does not; permanent never ends."""
    assert covered({})
    assert not covered({}, now=END)
    assert covered({"until": None}, now=datetime(2099, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2027, 1, 17, 23, 59, tzinfo=UTC), ""),
        (datetime(2027, 1, 18, tzinfo=UTC), "ends in 14 days"),
        (datetime(2027, 1, 29, 12, tzinfo=UTC), "ends in 3 days"),
        (datetime(2027, 1, 31, 0, 0, 1, tzinfo=UTC), "ends today"),
    ],
)
def test_an_end_is_seen_coming(now: datetime, expected: str) -> None:
    """From a fortnight before, whoever uses a waiver hears of it, once."""
    waiver = model.Waiver("privileged", "podseal.dev/exempt.privileged=2027-01-31", END)
    lines = waivers.ending([waiver, waiver], now)
    assert len(lines) == bool(expected)
    assert expected in "".join(lines)
    assert not waivers.ending([model.Waiver("privileged", "x", None)], now)


def test_a_field_of_the_whole_pod_needs_every_image_listed() -> None:
    """A waiver for one image does not cover hostPID of a pod that runs another image too."""
    spec = {"hostPID": True, "containers": [{"name": "a", "image": "shop/a"}, {"name": "b", "image": "shop/b"}]}
    view = containers.PodView(msgspec.convert({"spec": spec}, pod.Pod), model.Options())
    violation = model.Violation("spec.hostPID", "true")
    for listed, expected in ((("shop/a",), False), (("shop/a", "shop/b"), True)):
        waiver = model.Waiver("host-namespaces", "x", END, images=listed)
        assert bool(waivers.covering([waiver], "host-namespaces", violation, view, BEFORE)) is expected
