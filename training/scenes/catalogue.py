"""Catalogue of the seven classes and their painters."""

import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import TypeAlias

import numpy as np

from embeddings.cpu import usable_processors
from training.scenes.canvas import Array, Rng, Size
from training.scenes.city import paint_city
from training.scenes.field import paint_field
from training.scenes.film import canvas_size, choose_format, develop
from training.scenes.forest import paint_forest
from training.scenes.lake import paint_lake
from training.scenes.mountain import paint_mountain
from training.scenes.ocean import paint_ocean
from training.scenes.road import paint_road

Painter: TypeAlias = Callable[[Rng, Size], Array]

PAINTERS: dict[str, Painter] = {
    "city": paint_city,
    "field": paint_field,
    "forest": paint_forest,
    "lake": paint_lake,
    "mountain": paint_mountain,
    "ocean": paint_ocean,
    "road": paint_road,
}
LABELS: tuple[str, ...] = tuple(sorted(PAINTERS))
CHUNK = 8


@dataclass(frozen=True)
class Scene:
    """Generated image: class, name (unique within the class) and JPEG file."""

    label: str
    name: str
    jpeg: bytes


def paint(label: str, seed: int, number: int) -> Scene:
    """Return scene `number` of a class; the same arguments always give the same bytes.

    Raises ValueError for a label that is not in LABELS.
    """
    if label not in PAINTERS:
        known = ", ".join(LABELS)
        raise ValueError(f"There is no painter for the label {label!r}; the labels are {known}.")
    rng = np.random.default_rng([seed, zlib.crc32(label.encode()), number])
    size = choose_format(rng)
    canvas = PAINTERS[label](rng, canvas_size(size))
    return Scene(label, f"{label}_{number:04d}", develop(rng, canvas, size))


def paint_all(per_class: int, seed: int) -> Iterator[Scene]:
    """Yield scenes 0 to per_class - 1 of every class, class by class in the order of LABELS.

    One process per core paints them ahead of their use.
    """
    orders = [(label, number) for label in LABELS for number in range(per_class)]
    workers = usable_processors()
    if workers == 1 or len(orders) <= CHUNK:
        yield from (paint(label, seed, number) for label, number in orders)
        return
    # Spawned, not forked: threads of TensorFlow in the parent do not survive a fork.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(partial(_paint_order, seed), orders, chunksize=CHUNK)


def _paint_order(seed: int, order: tuple[str, int]) -> Scene:
    label, number = order
    return paint(label, seed, number)
