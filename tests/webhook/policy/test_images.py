"""Image references taken apart: a table, and hostile text that may be anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.policy import images

SHA = "sha256:" + "0" * 64

REPOSITORIES = {
    "nginx": "nginx",
    "nginx:1.27": "nginx",
    f"nginx:1.27@{SHA}": "nginx",
    "library/nginx": "nginx",
    "docker.io/nginx": "nginx",
    "docker.io/library/nginx:1": "nginx",
    "index.docker.io/library/nginx": "nginx",
    "grafana/grafana:11": "grafana/grafana",
    "docker.io/grafana/grafana": "grafana/grafana",
    "ghcr.io/team/app:v1": "team/app",
    "registry.corp:5000/app": "app",
    f"registry.corp:5000/mirror/team/app:v1@{SHA}": "mirror/team/app",
    "localhost/app": "app",
    "localhost:5000/app": "app",
    "REGISTRY/app": "app",
    "ghcr.io/library/nginx": "library/nginx",
    "[fd00::1]:5000/app:v1": "app",
    "team/app": "team/app",
}

FULL = {
    "nginx": "docker.io/library/nginx",
    "team/app:1": "docker.io/team/app",
    "index.docker.io/nginx": "docker.io/library/nginx",
    "registry.corp:5000/app:1": "registry.corp:5000/app",
    "REGISTRY/app": "REGISTRY/app",
    f"ghcr.io/a/b/c@{SHA}": "ghcr.io/a/b/c",
}


@pytest.mark.parametrize(("image", "repository"), REPOSITORIES.items())
def test_a_reference_comes_down_to_its_repository(image: str, repository: str) -> None:
    """Registry and port, tag, digest and Docker Hub's implied parts are no part of it."""
    assert images.repository(image) == repository


@pytest.mark.parametrize(("image", "repository"), FULL.items())
def test_the_full_repository_names_its_registry(image: str, repository: str) -> None:
    """Docker Hub is said where the reference implies it."""
    assert images.full_repository(image) == repository


def test_the_digest_is_what_pins() -> None:
    """A tag beside it changes nothing, and an image without one is not pinned."""
    assert images.digest(f"nginx:1@{SHA}") == SHA
    assert images.digest("nginx:1") == ""


@given(st.text(st.characters() | st.sampled_from("/:@.")))
def test_any_text_has_a_repository(image: str) -> None:
    """Whatever the text, there is an answer, with no digest in it, and taking it apart again changes nothing."""
    repository = images.repository(image)
    assert "@" not in repository
    assert images.full_repository(image).endswith(repository)
