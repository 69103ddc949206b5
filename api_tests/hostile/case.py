"""Hostile image, and functions that construct files of such images."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
from PIL import Image

READ = frozenset({200})
REFUSED = frozenset({415})
TOO_LARGE = frozenset({413})
TOO_SMALL = frozenset({422})
READ_OR_REFUSED = READ | REFUSED
ANY_ANSWER = READ | REFUSED | TOO_LARGE | TOO_SMALL

LONGEST_SENTENCE = 300

TRUNCATIONS = 12
FLIPS = 16


@dataclass(frozen=True)
class Hostile:
    """Uploaded file and the statuses that its response may have."""

    name: str
    data: bytes
    allowed: frozenset[int]


def scene(width: int = 48, height: int = 40) -> Image.Image:
    """Return an image with noise, which no format compresses to a tiny file."""
    grain = np.random.default_rng(7).integers(0, 48, (height, width, 3), dtype=np.uint8)
    pixels = np.full((height, width, 3), (60, 110, 180), np.uint8)
    pixels[height * 2 // 3 :] = (40, 90, 30)
    return Image.fromarray(pixels + grain)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return the image as a file of this format."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def truncated(name: str, whole: bytes) -> Iterator[Hostile]:
    """Yield the file truncated to several lengths."""
    for length in np.linspace(3, len(whole) * 0.9, TRUNCATIONS, dtype=int).tolist():
        yield Hostile(f"{name} cut after {length} bytes", whole[:length], REFUSED)
    # The last bytes may not be needed to decode the image.
    for lost in (1, 2, 8):
        yield Hostile(f"{name} without its last {lost}", whole[:-lost], READ_OR_REFUSED)


def corrupted(name: str, whole: bytes, header: int, seed: int) -> Iterator[Hostile]:
    """Yield the file with one byte of its header changed, and with twelve random bytes changed."""
    rng = np.random.default_rng(seed)
    for place in sorted(rng.choice(header, FLIPS, replace=False).tolist()):
        broken = bytearray(whole)
        broken[place] ^= int(rng.integers(1, 256))
        yield Hostile(f"{name} changed at {place}", bytes(broken), ANY_ANSWER)
    for number in range(FLIPS // 2):
        broken = bytearray(whole)
        for place in rng.integers(0, len(whole), 12).tolist():
            broken[place] = int(rng.integers(0, 256))
        yield Hostile(f"{name} changed in many places {number}", bytes(broken), ANY_ANSWER)


def named(prefix: str, cases: Iterable[tuple[str, bytes, frozenset[int]]]) -> Iterator[Hostile]:
    """Yield the cases with a prefix of their names."""
    for name, data, allowed in cases:
        yield Hostile(f"{prefix} {name}", data, allowed)


def find_defect(answer: httpx.Response, case: Hostile) -> str | None:
    """Return a description of the defect of a response to a hostile image, or None."""
    if answer.status_code not in case.allowed:
        return f"{case.name}: {answer.status_code}, not {sorted(case.allowed)}: {answer.text:.200}"
    if answer.status_code == 200:
        return None
    problem = answer.json()
    if answer.headers["content-type"] != "application/problem+json":
        return f"{case.name}: no problem but {answer.headers['content-type']}"
    if problem["status"] != answer.status_code or len(problem["detail"]) > LONGEST_SENTENCE:
        return f"{case.name}: {problem}"
    return None
