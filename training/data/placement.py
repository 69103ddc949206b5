"""Placement of images in the split: known images keep their part, new groups fill the shares."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from embeddings.arrays import Mask, Rows
from embeddings.store.records import Split
from training.data.near_duplicates import Links

Parts = npt.NDArray[np.int8]
"""Values of `Part`."""


class Part(IntEnum):
    """Part of the split that an image belongs to, in the order of precedence."""

    NEW = -1
    """Not placed yet."""
    FIT = 0
    """Training images outside of the tuning part."""
    TUNING = 1
    VALIDATION = 2
    POOL = 3
    """Neither learned from nor evaluated on."""


@dataclass(frozen=True)
class SplitTable:
    """Columns of the known images, with tombstones, and of the new images.

    A known image without a label that gets one is new: its part is `Part.NEW`, its group `NEW`.
    """

    ids: Sequence[str]
    labels: Sequence[str | None]
    photographers: Sequence[str | None]
    """Key of each image's photographer."""
    groups: Rows
    """Group number of each known image; `NEW` for new images."""
    parts: Parts
    """`Part` of each known image; `Part.NEW` for new images."""
    live: Mask
    """False for tombstones, which count as known, but not in the shares."""


@dataclass(frozen=True)
class Placement:
    """Groups and parts of all images of a table, in its order of rows."""

    groups: Rows
    parts: Parts
    reasons: dict[int, str]
    """Reason for the pool, by row, for the images that were placed in or moved to the pool."""


def link_keys(table: SplitTable, replaced: Rows) -> Rows:
    """Return the keys of all images for `find_links`; `replaced` are rows with new content."""
    raise NotImplementedError


def place(table: SplitTable, links: Links, replaced: Rows, seed: int) -> Placement:
    """Return the placement of new images, and the changes of known ones.

    `links` are those of `find_links` for the new and the `replaced` rows, with the keys of
    `link_keys`.
    """
    raise NotImplementedError


def keep_sides(
    table: SplitTable, links: Links, sides: Sequence[Split | None], seed: int
) -> Placement:
    """Return the placement of images with the user's own split.

    `sides` are the sides given for new images with a label and for known images at this ingest;
    None for other known images.
    """
    raise NotImplementedError
