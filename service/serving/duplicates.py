"""Groups of duplicates of a state, with the best image of each."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from embeddings.arrays import Mask, Rows
from embeddings.index.distances import exact_distances
from embeddings.review.decided import Decided
from embeddings.review.duplicates import NEAR, group_key, groups_of
from embeddings.store.attribution import attribution_of
from embeddings.store.records import record_tag
from service.image_filter import ImageFilter
from service.schemas import DuplicateGroup, DuplicateImage, DuplicateList, image_path
from service.serving.effects import effect_on_figures
from service.serving.served_release import ServedRelease


@dataclass(frozen=True)
class _Group:
    rows: Rows
    distance: float
    """Smallest distance of two of its images."""
    copies: bool
    """True if two of its images have nearly equal thumbnails."""


def duplicates_page(served: ServedRelease, where: ImageFilter, page: slice) -> DuplicateList:
    """Return a page of the groups with an image that matches a filter.

    Raises `StoreUnreadable`.
    """
    found = _groups(served, served.mask(where), served.history.decided())
    return DuplicateList(
        groups=tuple(_answer(served, each) for each in found[page]),
        total=len(found),
        limit=NEAR,
        release=served.manifest.fingerprint,
        revision=served.revision,
    )


def _groups(served: ServedRelease, among: Mask, decided: Decided) -> list[_Group]:
    """Return the groups, those with the smallest distance first, then by id."""
    live, count = served.live, len(served.live)
    distinct = _distinct_pairs(served, decided)
    copies = served.alike.copies.without(count, distinct)
    pairs = served.alike.near.without(count, distinct) | copies
    distances = exact_distances(
        live.index.embeddings[pairs.first], live.index.embeddings[pairs.second]
    )
    is_copied = np.zeros(count, np.bool_)
    is_copied[copies.first] = True
    nearest = np.full(count, np.inf)
    np.minimum.at(nearest, pairs.first, distances)
    groups = [
        _Group(rows, float(nearest[rows].min()), bool(is_copied[rows].any()))
        for rows in groups_of(pairs)
        if among[rows].any()
    ]
    firsts = [min(live.ids(group.rows)) for group in groups]
    order = sorted(range(len(groups)), key=lambda n: (groups[n].distance, firsts[n]))
    return [groups[number] for number in order]


def _distinct_pairs(served: ServedRelease, decided: Decided) -> list[tuple[int, int]]:
    """Return the pairs of rows that a person has found to be different images."""
    pairs: list[tuple[int, int]] = []
    for ids in decided.distinct:
        rows = [row for each in ids if (row := served.live.row(each)) is not None]
        pairs += combinations(rows, 2)
    return pairs


def _answer(served: ServedRelease, group: _Group) -> DuplicateGroup:
    live, rows = served.live, group.rows.tolist()
    best = min(rows, key=lambda row: _worst_last(served, row))
    distances = exact_distances(live.embedding(best), live.index.embeddings[group.rows])
    found = [
        _image(served, row, distance)
        for row, distance in zip(rows, distances.tolist(), strict=True)
    ]
    name = live.record(best).id
    splits = {each.split for each in found}
    return DuplicateGroup(
        key=group_key([each.id for each in found]),
        best=name,
        distance=group.distance,
        thumbnails=group.copies,
        splits=tuple(sorted(splits)),
        joins={"train", "validation"} <= splits,
        images=tuple(sorted(found, key=lambda each: (each.id != name, each.id))),
    )


def _worst_last(served: ServedRelease, row: int) -> tuple[bool, int, float, str]:
    image = served.live.record(row)
    sharpness = served.sharpness(row, image.digest)
    # Without a validation image, accuracies before and after would be of different images.
    return image.split != "validation", -image.width * image.height, -sharpness, image.id


def _image(served: ServedRelease, row: int, distance: float) -> DuplicateImage:
    image = served.live.record(row)
    return DuplicateImage(
        id=image.id,
        label=image.label,
        split=image.split,
        learned=served.live.learned(row),
        width=image.width,
        height=image.height,
        sharpness=served.sharpness(row, image.digest),
        distance=distance,
        affects=effect_on_figures(served, row),
        image=served.root_path + image_path(image.id),
        attribution=attribution_of(image),
        etag=record_tag(image),
    )
