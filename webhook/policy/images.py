"""Image references: repository and digest.

In: the text of `image`. Out: its parts. Called by the catalogue, by waivers and by the control image-digest.
The grammar is github.com/distribution/reference's; what does not fit it is taken as it stands, and matches nothing.
"""


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
        return f"docker.io/library/{name}"
    if first in ("index.docker.io", "docker.io"):
        return f"docker.io/{rest}" if "/" in rest else f"docker.io/library/{rest}"
    if "." in first or ":" in first or first == "localhost":
        return name
    return f"docker.io/{name}"
