"""Places of the images of the next revision in the split."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from embeddings.arrays import Rows
from embeddings.images import open_rgb
from embeddings.ingest.draft import NextRevision
from embeddings.ingest.near_duplicates import NEW, Links, find_links, is_same_image
from embeddings.ingest.placement import (
    SPLITS,
    Part,
    SplitTable,
    keep_sides,
    link_keys,
    part_of,
    place,
)


@dataclass(frozen=True)
class Places:
    """Places of all images in the split, by row of all images."""

    groups: Rows
    parts: npt.NDArray[np.int8]
    reasons: Mapping[int, str]

    def columns_of(self, row: int) -> dict[str, Any]:
        """Return the columns of an image that describe its place."""
        part = Part(int(self.parts[row]))
        return {
            "split": SPLITS[part],
            "tuning": part is Part.TUNING,
            "group": int(self.groups[row]),
            "pool_reason": self.reasons.get(row),
        }

    def record_in(self, draft: NextRevision) -> None:
        """Record the places of known images that changed."""
        before = split_table(draft)
        count = len(draft.known)
        moved = self.parts[:count] != before.parts[:count]
        changed = np.flatnonzero(moved | (self.groups[:count] != before.groups[:count]))
        for row in changed.tolist():
            place = self.columns_of(row)
            if not moved[row]:
                place = {"group": place["group"]}
            draft.update(row, **place)


def split_table(draft: NextRevision) -> SplitTable:
    """Return the columns of all images that decide about the split."""
    known, count = draft.known, len(draft.new)
    parts = np.select(
        [known.splits == "pool", known.splits == "validation", known.tuning],
        [Part.POOL, Part.VALIDATION, Part.TUNING],
        Part.FIT,
    )
    groups = known.groups.copy()
    for row in draft.returned.tolist():
        parts[row], groups[row] = part_of(draft.regained[row]), draft.regained[row]["group"]
    parts[draft.newly_labelled], groups[draft.newly_labelled] = Part.NEW, NEW
    return SplitTable(
        ids=draft.column("id"),
        labels=draft.column("label"),
        photographers=draft.column("photographer_id"),
        groups=np.concatenate([groups, np.full(count, NEW)]),
        parts=np.concatenate([parts, np.full(count, Part.NEW)]).astype(np.int8),
        live=np.array([deleted is None for deleted in draft.column("deleted")], np.bool_),
    )


def find_new_links(draft: NextRevision) -> Links:
    """Return the near-duplicates of the new, replaced and newly labelled images.

    Near-identical images of two classes are in `copies`, without those of deleted images.
    """
    table = split_table(draft)
    replaced = draft.replaced
    first = len(draft.known)
    fresh = np.concatenate(
        [replaced, draft.newly_labelled, np.arange(first, first + len(draft.new))]
    )
    labels = [label if live else None for label, live in zip(table.labels, table.live, strict=True)]
    thumbnails = draft.store.blobs.thumbnails(draft.column("digest"))
    keys = link_keys(table, replaced)
    return find_links(thumbnails, np.unique(fresh), keys, labels)


def confirm_copies(draft: NextRevision, links: Links) -> dict[int, int]:
    """Return the row of the same image in another class, by row, for new and replaced images."""
    digests = draft.column("digest")
    known = len(draft.known)
    changed = {*draft.replaced.tolist(), *draft.newly_labelled.tolist()}
    found: dict[int, int] = {}
    pairs = sorted({(min(pair), max(pair)) for pair in links.copies.items()})
    jpegs = draft.store.blobs.jpegs([digests[row] for pair in pairs for row in pair])
    for pair in pairs:
        if is_same_image(open_rgb(next(jpegs)), open_rgb(next(jpegs))):
            for row, copy in (pair, pair[::-1]):
                if row >= known or row in changed:
                    found.setdefault(row, copy)
    return found


def place_images(draft: NextRevision, links: Links, seed: int) -> Places:
    """Return the places of all images; `links` are those of the changes that were kept."""
    table = split_table(draft)
    if any(image.side for image in draft.new) or draft.sides_differ:
        sides = [draft.sides.get(row) for row in range(len(draft.known))]
        sides += [image.side for image in draft.new]
        placement = keep_sides(table, links, sides, seed)
    else:
        placement = place(table, links, draft.replaced, seed)
    return Places(placement.groups, placement.parts, placement.reasons)


def without_rows(links: Links, rows: Iterable[int], known: int) -> Links:
    """Return the links without these rows; the `known` first rows keep their numbers."""
    dropped = np.zeros(len(links.clusters), np.bool_)
    dropped[list(rows)] = True
    removed = dropped.copy()
    removed[:known] = False
    number = np.cumsum(~removed) - 1
    kept = ~dropped[links.images] & ~dropped[links.partners]
    return Links(
        number[links.images[kept]],
        number[links.partners[kept]],
        links.clusters[~removed],
        {},
    )
