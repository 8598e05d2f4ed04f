"""The catalogue of writable paths: image repository -> paths that its program writes."""

from msgspec import Struct


class Catalogue(Struct, frozen=True):
    """Placeholder until the mutation is built."""


EMPTY = Catalogue()
