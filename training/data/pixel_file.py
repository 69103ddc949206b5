"""Files of decoded pixels: an array with a row for each image, then the digests of its rows."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import prod
from pathlib import Path

import numpy as np
from numpy.lib.format import read_array_header_1_0, read_magic, write_array_header_1_0

from embeddings.arrays import Pixels
from embeddings.images import PIXELS_VERSION, Size


def open_pixels(path: Path, count: int, size: Size) -> Pixels:
    """Return the array of a file: uint8, shape (count, height, width, 3), memory-mapped.

    Raises ValueError or OSError for a file with another shape.
    """
    pixels: Pixels = np.load(path, mmap_mode="r")
    if pixels.shape != (count, *size, 3) or pixels.dtype != np.uint8:
        raise ValueError(pixels.shape)
    return pixels


def write_pixels(path: Path, digests: Sequence[str], size: Size, rows: Iterable[Pixels]) -> None:
    """Write the rows of images with these digests, each of shape (height, width, 3)."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(digests), *size, 3)}
    # Not a memory map: on a full disk a write raises an error, a map ends the process.
    with path.open("wb") as file:
        write_array_header_1_0(file, header)
        for row in rows:
            file.write(row.tobytes())
        # NumPy reads the array alone.
        file.write(json.dumps({"version": PIXELS_VERSION, "digests": list(digests)}).encode())


def decoded_rows(paths: Iterable[Path], size: Size) -> Mapping[str, Pixels]:
    """Return the rows of these files by digest; files of other rules or sizes are left out."""
    found: dict[str, Pixels] = {}
    for path in paths:
        # A file that cannot be read is decoded again, like one that is missing.
        try:
            found.update(_rows(path, size))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found


def _rows(path: Path, size: Size) -> Iterator[tuple[str, Pixels]]:
    with path.open("rb") as file:
        read_magic(file)
        shape = read_array_header_1_0(file)[0]
        file.seek(prod(shape), 1)
        facts = json.loads(file.read())
    if facts["version"] != PIXELS_VERSION:
        return
    pixels = open_pixels(path, len(facts["digests"]), size)
    yield from zip(facts["digests"], pixels, strict=True)
