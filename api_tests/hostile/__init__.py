"""A corpus of broken and hostile images, made anew by each run and always the same."""

from functools import cache

from api_tests.hostile import exif, foreign, jpeg, png, webp
from api_tests.hostile.case import Hostile


@cache
def corpus() -> tuple[Hostile, ...]:
    """Every case; their names differ."""
    sources = (png, jpeg, exif, webp, foreign)
    return tuple(case for source in sources for case in source.cases())
