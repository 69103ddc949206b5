"""Masks of the images that meet a filter, from columns of a state."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property, lru_cache, partial, reduce
from typing import Any

import numpy as np
import pyarrow.compute as pc

from embeddings.arrays import Doubles, Floats, Mask
from embeddings.file_names import to_nfc
from embeddings.live_state import LiveState
from embeddings.release.reader import Release
from embeddings.store.columns import Categories, Numbers
from embeddings.store.records import REVIEW_TIME, StoredImage
from embeddings.store.selections import StoredSelection
from service.image_filter import ImageFilter, from_json

_MASKS_KEPT = 16
_BETWEEN_TAGS = "\0"
"""Control character, which no tag has."""
_UNLABELLED, _UNKNOWN = -1, -2
"""Numbers of labels that are no class of the model."""


@dataclass(frozen=True)
class SealedColumns:
    """Columns of the images of a release, each built when first needed; shared by all states."""

    release: Release

    @cached_property
    def cameras(self) -> Categories[str | None]:
        """Make and model of the camera; None if unknown."""
        return self._attributes.mapped(lambda text: _camera(json.loads(text)))

    @cached_property
    def days(self) -> Categories[date | None]:
        """Day on which each image was taken; None if unknown."""
        return self._attributes.mapped(lambda text: _day(json.loads(text)))

    @cached_property
    def reviewed(self) -> Categories[bool]:
        """True for images whose label a person has set or kept."""
        return self._attributes.mapped(lambda text: REVIEW_TIME in json.loads(text))

    @cached_property
    def photographers(self) -> Categories[str | None]:
        """Name of the photographer; None if unknown."""
        found: Categories[str | None] = Categories.of(self.release.images.array("photographer"))
        return found.mapped(_normalized)

    @cached_property
    def tags(self) -> Categories[tuple[str, ...]]:
        """Tags of each image."""
        joined = pc.binary_join(self.release.images.array("tags"), _BETWEEN_TAGS)
        found: Categories[str | None] = Categories.of(joined)
        return found.mapped(lambda text: tuple(text.split(_BETWEEN_TAGS)) if text else ())

    @cached_property
    def predicted(self) -> Categories[str]:
        """Most probable class."""
        numbers = self.release.predicted.astype(np.int32)
        return Categories(self.release.manifest.classes, numbers)

    @cached_property
    def certain(self) -> Mask:
        """Images whose prediction set is one class."""
        return _certain(self.release, self.release.probabilities)

    @cached_property
    def _attributes(self) -> Categories[str]:
        found: Categories[str | None] = Categories.of(self.release.images.array("attributes"))
        return found.mapped(lambda text: text or "{}")


@dataclass(frozen=True)
class Columns:
    """Columns of all rows of a state, each built when first needed."""

    live: LiveState
    sealed: SealedColumns

    @cached_property
    def cameras(self) -> Categories[str | None]:
        """Make and model of the camera; None if unknown."""
        changed = {row: _camera(each.attributes) for row, each in self._changed.items()}
        return self.sealed.cameras.extended(len(self.live), changed)

    @cached_property
    def days(self) -> Categories[date | None]:
        """Day on which each image was taken; None if unknown."""
        changed = {row: _day(each.attributes) for row, each in self._changed.items()}
        return self.sealed.days.extended(len(self.live), changed)

    @cached_property
    def reviewed(self) -> Mask:
        """Rows whose label a person has set or kept."""
        changed = {row: REVIEW_TIME in each.attributes for row, each in self._changed.items()}
        return self.sealed.reviewed.extended(len(self.live), changed).equal(True)

    @cached_property
    def photographers(self) -> Categories[str | None]:
        """Name of the photographer; None if unknown."""
        changed = {row: _normalized(each.photographer) for row, each in self._changed.items()}
        return self.sealed.photographers.extended(len(self.live), changed)

    @cached_property
    def tags(self) -> Categories[tuple[str, ...]]:
        """Tags of each image."""
        changed = {row: tuple(each.tags) for row, each in self._changed.items()}
        return self.sealed.tags.extended(len(self.live), changed)

    @cached_property
    def predicted(self) -> Categories[str]:
        """Most probable class of each image."""
        added = np.argmax(self.live.added_probabilities, axis=1).astype(np.int32)
        known = self.sealed.predicted
        return Categories(known.values, np.concatenate([known.numbers, added]))

    @cached_property
    def right(self) -> Mask:
        """Rows whose prediction is their label."""
        return np.asarray(self._label_numbers == self.predicted.numbers)

    @cached_property
    def wrong(self) -> Mask:
        """Rows whose prediction differs from their label, which exists."""
        return np.asarray((self._label_numbers != _UNLABELLED) & ~self.right)

    @cached_property
    def certain(self) -> Mask:
        """Rows whose prediction set is one class."""
        added = _certain(self.live.release, self.live.added_probabilities)
        return np.concatenate([self.sealed.certain, added])

    @cached_property
    def typicalities(self) -> Doubles:
        """Typicality of each image, 0-1; 0 for rows that are not live."""
        return self.live.typicalities

    @cached_property
    def learned(self) -> Mask:
        """Rows whose file the model learned from."""
        known = self.live.release.learned
        found = np.zeros(len(self.live), np.bool_)
        found[: len(known)] = known
        for row in self._added_rows:
            found[row] = self.live.learned(row)
        return found

    @property
    def _changed(self) -> Mapping[int, StoredImage]:
        return self.live.changed_records

    @property
    def _added_rows(self) -> Sequence[int]:
        """Live rows that the release lacks."""
        count = len(self.live.release.images)
        rows: list[int] = (np.flatnonzero(self.live.live[count:]) + count).tolist()
        return rows

    @cached_property
    def _label_numbers(self) -> Numbers:
        """Number of the label of each row among the classes of the model."""
        classes = {name: number for number, name in enumerate(self.predicted.values)}
        labels = self.live.labels
        numbers = [
            _UNLABELLED if name is None else classes.get(name, _UNKNOWN) for name in labels.values
        ]
        return np.asarray(np.array(numbers, np.int32)[labels.numbers], np.int32)


class Filtering:
    """Filters of one state; the masks of the last ones are kept. Safe to use from many threads."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        # It refers to the columns alone: a reference cycle would keep a state in memory.
        self._masks = lru_cache(_MASKS_KEPT)(partial(_mask, columns))

    def mask(self, where: ImageFilter, selection: StoredSelection | None = None) -> Mask:
        """Return a mask of the images that meet a filter, one read-only value for each row.

        `selection` is the saved selection that the filter names.
        """
        mask = self._masks(replace(where, selection=None))
        return mask if selection is None else mask & self.selected(selection)

    def selected(self, selection: StoredSelection) -> Mask:
        """Return a mask of the images of a saved selection, one value for each row."""
        if selection.ids is None:
            return self._masks(from_json(selection.filter or {}))
        mask = np.zeros(len(self.columns.live), np.bool_)
        rows = self.columns.live.rows_of(selection.ids)
        mask[rows[rows >= 0]] = True
        return mask


def conditions(columns: Columns, where: ImageFilter) -> dict[str, Mask]:
    """Return the mask of each field that a filter restricts, by the name of the field.

    Dead rows may be among them.
    """
    live = columns.live
    found: dict[str, Mask] = {}
    if where.label:
        found["label"] = live.labels.matching(_is_in(where.label))
    if where.labelled is not None:
        found["labelled"] = live.labels.matching(
            lambda label: (label is not None) == where.labelled
        )
    if where.predicted:
        found["predicted"] = columns.predicted.matching(_is_in(where.predicted))
    if where.split:
        found["split"] = live.splits.matching(_is_in(where.split))
    if where.tag or where.not_tag:
        found["tag"] = columns.tags.matching(partial(_has_tags, where))
    if where.camera:
        found["camera"] = columns.cameras.matching(_is_in(where.camera))
    if where.photographer:
        found["photographer"] = columns.photographers.matching(_is_in(where.photographer))
    if where.taken_from is not None or where.taken_to is not None:
        found["taken"] = columns.days.matching(partial(_is_taken, where))
    if where.typicality_min is not None or where.typicality_max is not None:
        found["typicality"] = _is_typical(columns.typicalities, where)
    if where.wrong is not None:
        found["wrong"] = columns.wrong if where.wrong else columns.right
    if where.uncertain is not None:
        found["uncertain"] = ~columns.certain if where.uncertain else columns.certain
    if where.learned is not None:
        found["learned"] = columns.learned if where.learned else ~columns.learned
    if where.reviewed is not None:
        found["reviewed"] = columns.reviewed if where.reviewed else ~columns.reviewed
    return found


def _mask(columns: Columns, where: ImageFilter) -> Mask:
    parts = conditions(columns, where).values()
    mask = reduce(np.logical_and, parts, columns.live.live.copy())
    mask.flags.writeable = False
    return mask


def _is_in(values: Sequence[str]) -> Any:
    return frozenset(values).__contains__


def _has_tags(where: ImageFilter, tags: Sequence[str]) -> bool:
    known = {*map(to_nfc, tags)}
    return (not where.tag or not known.isdisjoint(where.tag)) and known.isdisjoint(where.not_tag)


def _is_taken(where: ImageFilter, day: date | None) -> bool:
    if day is None:
        return False
    return (where.taken_from is None or where.taken_from <= day) and (
        where.taken_to is None or day <= where.taken_to
    )


def _is_typical(typicalities: Doubles, where: ImageFilter) -> Mask:
    least = 0.0 if where.typicality_min is None else where.typicality_min
    most = 1.0 if where.typicality_max is None else where.typicality_max
    return np.asarray((least <= typicalities) & (typicalities <= most))


def _certain(release: Release, probabilities: Floats) -> Mask:
    thresholds = release.uncertainty.sets.thresholds
    return np.asarray((probabilities >= thresholds).sum(axis=1) == 1)


def _camera(attributes: Mapping[str, Any]) -> str | None:
    camera = attributes.get("camera")
    return to_nfc(camera) if isinstance(camera, str) else None


def _day(attributes: Mapping[str, Any]) -> date | None:
    taken = attributes.get("taken")
    try:
        return date.fromisoformat(taken[:10]) if isinstance(taken, str) else None
    except ValueError:
        return None


def _normalized(text: str | None) -> str | None:
    return None if text is None else to_nfc(text)
