"""Names of what is added: deterministic, valid, and never another's."""

import re
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from webhook.policy import containers, model, pod, volumes

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
WANTED = pod.EmptyDir("", "1Gi")


def names_in(**spec: Any) -> volumes.Names:  # noqa: ANN401 - parts of a pod spec, as YAML has them
    """The names taken in a pod with this spec."""
    return volumes.Names(containers.PodView(msgspec.convert({"spec": spec}, pod.Pod), model.Options()))


def taken(source: dict[str, Any]) -> tuple[str, bool]:
    """What is given out where a volume of our own name is there with this source."""
    name, _ = names_in().volume("web", "/data", WANTED)
    return names_in(volumes=[{"name": name, **source}]).volume("web", "/data", WANTED)


@given(st.text(), st.text())
def test_a_name_is_a_dns_label_and_always_the_same(container: str, path: str) -> None:
    """Whatever the container and the path are called."""
    name, new = names_in().volume(container, path, WANTED)
    assert new
    assert DNS_LABEL.fullmatch(name)
    assert names_in().volume(container, path, WANTED) == (name, True)
    assert DNS_LABEL.fullmatch(names_in().seed_container(container, path))


def test_containers_and_paths_have_names_of_their_own() -> None:
    """The parts are told apart, not run together."""
    given_out = {names_in().volume(*each, WANTED)[0] for each in (("a", "/b"), ("a", "/c"), ("c", "/b"), ("a/", "b"))}
    assert len(given_out) == 4


def test_an_equal_volume_is_used_again() -> None:
    """The same medium and the same limit."""
    assert taken({"emptyDir": {"sizeLimit": "1Gi"}})[1] is False
    assert taken({"emptyDir": {"sizeLimit": "1Gi", "medium": ""}})[1] is False


def test_another_volume_keeps_its_name() -> None:
    """Another source, another limit or another medium: ours gets a number."""
    others: tuple[dict[str, Any], ...] = (
        {},
        {"secret": {}},
        {"emptyDir": {}},
        {"emptyDir": {"sizeLimit": "1Gi", "medium": "Memory"}},
    )
    for source in others:
        name, new = taken(source)
        assert new
        assert name.endswith("-2")


def test_a_volume_given_out_is_not_given_out_again() -> None:
    """Two containers of one name, or two places of one hash, get a volume each."""
    names = names_in()
    (first, _), (second, new) = names.volume("web", "/data", WANTED), names.volume("web", "/data", WANTED)
    assert new
    assert second == f"{first}-2"


def test_a_name_given_out_is_taken() -> None:
    """A second seed container for the same place gets another name, beside those of the pod."""
    names = names_in(containers=[{"name": names_in().seed_container("web", "/data")}])
    assert names.seed_container("web", "/data").endswith("-2")
    assert names.seed_container("web", "/data").endswith("-3")


def test_a_seed_container_is_known_by_name_kind_and_root() -> None:
    """A container that only bears the name, but may write its root, is treated like any other."""
    name = names_in().seed_container("web", "/data")
    sealed = {"securityContext": {"readOnlyRootFilesystem": True}}
    tree = {"initContainers": [{"name": name, **sealed}, {"name": name}], "containers": [{"name": name, **sealed}]}
    view = containers.PodView(msgspec.convert({"spec": tree}, pod.Pod), model.Options())
    assert [volumes.is_seed_container(each) for each in view.containers] == [True, False, False]
