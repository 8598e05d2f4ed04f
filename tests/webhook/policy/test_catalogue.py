"""The catalogue: the file that is shipped, files that are wrong, look-ups, and which entry wins."""

from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from webhook.policy import catalogue

SHIPPED = Path(catalogue.__file__).parent / "data" / "writable_paths.yaml"
HEAD = {"apiVersion": catalogue.API_VERSION, "kind": catalogue.KIND}
WRONG: dict[str, dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "catalogue.yaml").read_text())


def made(*names: str, publishers: tuple[str, ...] = ()) -> catalogue.Catalogue:
    """A catalogue that knows these images, each by a path that bears its name."""
    entries = [{"image": name, "paths": [{"path": f"/srv/{name.replace(':', '-')}"}]} for name in names]
    return catalogue.parse({**HEAD, "images": entries, "publishers": list(publishers)}, "test")


def found(known: catalogue.Catalogue, image: str) -> list[str] | None:
    """The paths that a look-up gives."""
    places = known.find(image)
    return None if places is None else [place.path for place in places]


def test_the_shipped_file_is_right_and_in_its_schema() -> None:
    """It parses, fits the JSON Schema that is published, and knows the images that everybody runs."""
    tree = yaml.safe_load(SHIPPED.read_text())
    jsonschema.validate(tree, catalogue.schema())
    known = catalogue.parse(tree, SHIPPED.name)
    assert found(known, "nginx:1.27") == ["/etc/nginx/conf.d", "/run", "/var/cache/nginx"]
    assert found(known, "registry.k8s.io/pause:3.10") == []
    assert found(known, "docker.elastic.co/beats/filebeat:9.0.0") is not None
    assert found(known, "bitnami/nginx") is None
    assert found(known, "kindest/node:v1.37.0") is None


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_file_is_refused_with_place_reason_and_remedy(case: dict[str, Any]) -> None:
    """All that is wrong is said, not only the first."""
    tree = case["tree"] if "tree" in case else {**HEAD, **case["file"]}
    with pytest.raises(catalogue.CatalogueError) as error:
        catalogue.parse(tree, "own.yaml")
    assert list(error.value.problems) == case["problems"]


def test_the_longest_name_wins() -> None:
    """The whole repository before its end, and a longer end before a shorter one."""
    known = made("app", "team/app", "mirror/team/app")
    assert found(known, "registry.corp/mirror/team/app:1") == ["/srv/mirror/team/app"]
    assert found(known, "registry.corp/other/team/app:1") == ["/srv/team/app"]
    assert found(known, "registry.corp/other/app:1") == ["/srv/app"]
    assert found(known, "otherapp") is None
    assert found(known, "app/other") is None


def test_a_registry_in_a_name_does_not_count() -> None:
    """It is taken off there as it is from images."""
    known = made("registry.corp:5000/team/app")
    assert found(known, "team/app") == found(known, "ghcr.io/team/app") == ["/srv/registry.corp-5000/team/app"]


def test_a_publisher_of_its_own_is_not_looked_through() -> None:
    """Only an entry that names it matches its images."""
    known = made("nginx", "builder/redis", publishers=("builder",))
    assert found(known, "builder/nginx") is None
    assert found(known, "mirror/builder/nginx") is None
    assert found(known, "builder/mirror/nginx") is None
    assert found(known, "mirror/builder/redis") == ["/srv/builder/redis"]
    assert found(known, "mirror/nginx") == ["/srv/nginx"]


def test_the_users_entry_replaces_the_shipped_one() -> None:
    """Per image, whole; publishers add up."""
    base, user = (
        made("a", "b", publishers=("x",)),
        catalogue.parse({**HEAD, "images": [{"image": "a", "paths": []}]}, "u"),
    )
    merged = catalogue.merge(base, user)
    assert found(merged, "a") == []
    assert found(merged, "b") == ["/srv/b"]
    assert merged.publishers == {"x"}
    assert catalogue.merge(base, catalogue.EMPTY) == base


def test_paths_are_in_the_order_of_their_depth() -> None:
    """An ancestor comes before what lies below it, whatever the file says."""
    tree = {**HEAD, "images": [{"image": "a", "paths": [{"path": "/b/c"}, {"path": "/b-c"}, {"path": "/b"}]}]}
    order = found(catalogue.parse(tree, "t"), "a")
    assert order is not None
    assert order.index("/b") < order.index("/b/c")


def test_a_repository_of_absurd_length_is_unknown() -> None:
    """A hostile image costs no time: it is not searched."""
    assert found(made("app"), "x/" * 1_000_000 + "app") is None
    assert found(made("app"), "x/" * 100 + "app") == ["/srv/app"]


@given(st.text(st.characters() | st.sampled_from("/:@.")))
def test_any_image_is_known_or_not(image: str) -> None:
    """Never an exception."""
    assert found(made("a", "b/a"), image) in (None, ["/srv/a"], ["/srv/b/a"])


def test_the_schema_refuses_what_parse_refuses() -> None:
    """Unknown keys are errors in both."""
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**HEAD, "image": []}, catalogue.schema())
    assert msgspec.json.encode(catalogue.schema())
