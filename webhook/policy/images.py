"""Image references: repository and digest.

In: the text of `image`. Out: its parts. Called by the catalogue, by waivers and by the control image-digest.
The grammar is github.com/distribution/reference's; what does not fit it is taken as it stands, and matches nothing.
"""

import functools

LONGEST_REMEMBERED = 256
DOCKER_HUB = ("index.docker.io", "docker.io")
OFFICIAL = "docker.io/library/"


def digest(image: str) -> str:
    """What follows `@`, as in `sha256:…`; empty where the image is not pinned."""
    return image.partition("@")[2]


def full_repository(image: str) -> str:
    """Registry and repository, without tag and digest; `docker.io/library/` put before a bare name.

    Waivers compare these: two images of one name on two registries are not the same.
    """
    name = image.partition("@")[0]
    head, slash, tail = name.rpartition("/")
    name = head + slash + tail.partition(":")[0]
    first, slash, rest = name.partition("/")
    if not slash:
        return OFFICIAL + name
    if first in DOCKER_HUB:
        return f"docker.io/{rest}" if "/" in rest else OFFICIAL + rest
    # A first part in capitals is a host as well: repositories have none (reference.splitDockerDomain).
    if "." in first or ":" in first or first == "localhost" or first != first.lower():
        return name
    return f"docker.io/{name}"


def repository(image: str) -> str:
    """The repository alone, as in `grafana/grafana`: no registry, tag or digest, no `library/` of Docker Hub.

    The catalogue compares these: a mirror of an image on another registry writes the same paths.
    """
    # A cluster runs the same few images over and over; what is too long to be one is not worth the memory.
    return _remembered(image) if len(image) <= LONGEST_REMEMBERED else _repository(image)


def _repository(image: str) -> str:
    full = full_repository(image)
    if full.startswith(OFFICIAL):
        return full.removeprefix(OFFICIAL)
    return full.partition("/")[2]


_remembered = functools.lru_cache(maxsize=2048)(_repository)
