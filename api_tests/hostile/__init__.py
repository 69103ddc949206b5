"""Corpus of broken and hostile images, generated deterministically."""

from functools import cache

from api_tests.hostile import exif, foreign, jpeg, png, webp
from api_tests.hostile.case import Hostile


@cache
def corpus() -> tuple[Hostile, ...]:
    """Return all cases; their names are unique."""
    sources = (png, jpeg, exif, webp, foreign)
    return tuple(case for source in sources for case in source.cases())
