"""Counts of the images that meet a filter, by the values of each field."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import date
from functools import reduce
from typing import TypeVar

import numpy as np

from embeddings.arrays import Doubles, Mask
from embeddings.file_names import to_nfc
from embeddings.store.columns import Categories
from service.image_filter import ImageFilter
from service.schemas import Facet, FacetValue, FlagCounts, TypicalityHistogram
from service.serving.filtering import Columns, conditions
from service.serving.served_release import ServedRelease

_BINS = 20

Value = TypeVar("Value", bound=Hashable)


class FacetCounts:
    """Counts of one filter; each field is counted among the images that meet all others."""

    def __init__(self, served: ServedRelease, where: ImageFilter, most: int) -> None:
        """Prepare the counts, with at most `most` values of a field besides those of the filter."""
        self._columns: Columns = served.filtering.columns
        self._live: Mask = served.live.live
        self._parts = conditions(self._columns, where)
        selection = served.selection_of(where)
        if selection is not None:
            self._parts["selection"] = served.filtering.selected(selection)
        self._where = where
        self._most = most
        self._all = self._met(self._parts.values())

    @property
    def total(self) -> int:
        """Number of images that meet the filter."""
        return int(self._all.sum())

    def facets(self) -> dict[str, Facet]:
        """Return the counts of the fields with several values, by name."""
        where, columns = self._where, self._columns
        labels, splits = columns.live.labels, columns.live.splits
        return {
            "label": self._facet("label", labels, _alone, where.label),
            "predicted": self._facet("predicted", columns.predicted, _alone, where.predicted),
            "split": self._facet("split", splits, _alone, where.split),
            "tag": self._facet("tag", columns.tags, _each, (*where.tag, *where.not_tag)),
            "camera": self._facet("camera", columns.cameras, _alone, where.camera),
            "photographer": self._facet(
                "photographer", columns.photographers, _alone, where.photographer
            ),
            "year": self._facet("taken", columns.days, _year, ()),
        }

    def flags(self) -> dict[str, FlagCounts]:
        """Return the numbers of images with and without each property, by name."""
        columns = self._columns
        labelled = columns.live.labels.matching(lambda label: label is not None)
        pairs = {
            "labelled": (labelled, ~labelled),
            "wrong": (columns.wrong, columns.right),
            "uncertain": (~columns.certain, columns.certain),
            "learned": (columns.learned, ~columns.learned),
            "reviewed": (columns.reviewed, ~columns.reviewed),
        }
        return {
            name: FlagCounts(yes=self._count(name, yes), no=self._count(name, no))
            for name, (yes, no) in pairs.items()
        }

    def typicality(self) -> TypicalityHistogram:
        """Return the histogram of typicality."""
        among = self._others("typicality")
        return TypicalityHistogram(counts=_histogram(self._columns.typicalities[among]))

    def _facet(
        self,
        name: str,
        column: Categories[Value],
        values_of: Callable[[Value], Iterable[str]],
        wanted: Sequence[str],
    ) -> Facet:
        counts: Counter[str] = Counter()
        missing = 0
        for value, count in column.counts(self._others(name)).items():
            values = [*values_of(value)]
            missing += 0 if values else count
            for each in values:
                counts[each] += count
        return Facet(
            values=_most_frequent(counts, self._most, wanted),
            distinct=len(counts),
            missing=missing,
        )

    def _count(self, name: str, mask: Mask) -> int:
        return int((self._others(name) & mask).sum())

    def _others(self, name: str) -> Mask:
        """Return the mask of the images that meet the conditions on all other fields."""
        if name not in self._parts:
            return self._all
        return self._met(mask for field, mask in self._parts.items() if field != name)

    def _met(self, parts: Iterable[Mask]) -> Mask:
        return reduce(np.logical_and, parts, self._live)


def _most_frequent(
    counts: Mapping[str, int], most: int, wanted: Sequence[str]
) -> tuple[FacetValue, ...]:
    """Return the most frequent values and the wanted ones, in descending order of counts."""
    ordered = sorted(counts, key=lambda value: (-counts[value], value))
    shown = {*ordered[:most], *wanted}
    others = sorted(shown - counts.keys())
    return tuple(
        FacetValue(value=each, count=counts.get(each, 0))
        for each in (*(value for value in ordered if value in shown), *others)
    )


def _histogram(typicalities: Doubles) -> tuple[int, ...]:
    # The last bin contains 1.
    bins = np.minimum((typicalities * _BINS).astype(np.int64), _BINS - 1)
    counts: list[int] = np.bincount(bins, minlength=_BINS).tolist()
    return tuple(counts)


def _alone(value: str | None) -> Iterable[str]:
    return () if value is None else (value,)


def _each(tags: tuple[str, ...]) -> Iterable[str]:
    return dict.fromkeys(map(to_nfc, tags))


def _year(day: date | None) -> Iterable[str]:
    return () if day is None else (str(day.year),)
