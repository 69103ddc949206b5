"""Outcome of each file of a data set, from its digest, place and label and the stored images.

Clients of the service import this module, which loads no library.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple

Outcome = Literal[
    "added", "unchanged", "replaced", "moved", "relabelled",
    "duplicate_of", "conflict", "deleted_before", "rejected",
]  # fmt: skip

WriteOutcome = Literal[
    "added", "replaced", "unchanged", "relabelled", "duplicate_of", "conflict", "deleted_before",
    "changed", "reviewed", "distinct", "deleted", "restored", "undone",
]  # fmt: skip
"""Outcome of a change of images."""

SETTLED = frozenset({"added", "unchanged", "replaced", "moved", "relabelled"})
"""Outcomes of files that are the source of a stored image."""

COPY_OF = "copy of "
CONFLICT = "label conflict: "
RESTORED = "restored"


class FoundFile(NamedTuple):
    """Usable file of a data set."""

    path: str
    """Path in the data set, different for each file."""
    label: str | None
    source_digest: str
    identifier: str
    """Id of the image if it is free."""
    suffix: str
    """Extension, added to the id if the id without it is taken."""
    known_id: str | None = None
    """Id of the image that this file was the source of at the last ingest."""
    is_known_version: bool = False
    """True if the file has not changed since the last ingest."""


class Decided(NamedTuple):
    """Outcome of one file; `id` is empty for a file without an image."""

    outcome: Outcome
    id: str = ""
    detail: str = ""
    row: int = -1
    """Row of the stored image that the file concerns; -1 if there is none."""


@dataclass(frozen=True)
class KnownImages:
    """Columns of all stored images, deleted ones included; lists of equal length."""

    ids: Sequence[str]
    labels: Sequence[str | None]
    source_digests: Sequence[str]
    sources: Sequence[str]
    paths: Sequence[str]
    deleted: Sequence[bool]

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Row of each id."""
        return {identifier: row for row, identifier in enumerate(self.ids)}

    @cached_property
    def by_digest(self) -> dict[str, tuple[int, ...]]:
        """Rows of each digest, deleted images last."""
        found: dict[str, tuple[int, ...]] = {}
        for deleted in (False, True):
            for row, digest in enumerate(self.source_digests):
                if self.deleted[row] is deleted:
                    found[digest] = (*found.get(digest, ()), row)
        return found


@dataclass(frozen=True)
class Situation:
    """Data set to which the files belong, and the options of the ingest."""

    source: str
    label_at: Callable[[str], str | None]
    """Callback that returns the label of a path in the data set."""
    is_gone: Callable[[str], bool]
    """Callback that returns True if the data set has no file at a path."""
    restore: bool = False


def decide(files: Sequence[FoundFile], known: KnownImages, situation: Situation) -> list[Decided]:
    """Return the outcome of each file, in the order of `files`."""
    return _Decisions(files, known, situation).decide()


def distinct_ids(wanted: Iterable[tuple[str, str]], taken: Iterable[str]) -> Iterator[str]:
    """Yield an id that is not taken for each pair of an id and the extension of its file.

    Of `a.jpg` and `a.png`, the second keeps its extension.
    """
    used = set(taken)
    for identifier, suffix in wanted:
        name = identifier if identifier not in used else identifier + suffix
        while name in used:
            name += "_"
        used.add(name)
        yield name


@dataclass
class _Decisions:
    """Decisions about the files of one ingest."""

    files: Sequence[FoundFile]
    known: KnownImages
    situation: Situation
    decided: dict[int, Decided] = field(default_factory=dict)
    claimed: dict[int, int] = field(default_factory=dict)
    """File of this ingest that is the source of an image, by row."""

    def decide(self) -> list[Decided]:
        stored: dict[str, list[int]] = defaultdict(list)
        deleted: dict[str, list[int]] = defaultdict(list)
        new: dict[str, list[int]] = defaultdict(list)
        for number, file in enumerate(self.files):
            rows = self.known.by_digest.get(file.source_digest, ())
            if not rows:
                new[file.source_digest].append(number)
            elif self.known.deleted[rows[0]]:
                deleted[file.source_digest].append(number)
            elif (same := self._same_path(file, rows)) is not None:
                self._settle(number, "unchanged", same)
            else:
                stored[file.source_digest].append(number)
        for digest, numbers in stored.items():
            self._decide_stored(self.known.by_digest[digest], numbers)
        for digest, numbers in deleted.items():
            self._decide_deleted(self.known.by_digest[digest][0], numbers)
        self._decide_new(new)
        return [self.decided[number] for number in range(len(self.files))]

    def _same_path(self, file: FoundFile, rows: tuple[int, ...]) -> int | None:
        """Return the row with the path of a file, first of all a row of the same source."""
        same = [
            row
            for row in rows
            if self.known.paths[row] == file.path and not self.known.deleted[row]
        ]
        own = (row for row in same if self.known.sources[row] == self.situation.source)
        return next(own, same[0] if same else None)

    def _decide_stored(self, rows: tuple[int, ...], numbers: list[int]) -> None:
        """Decide about the files at new paths whose content is stored."""
        live = [row for row in rows if not self.known.deleted[row]]
        moved = [row for row in live if self._has_moved(row)]
        rest = numbers
        for row in moved[: len(numbers)]:
            label = self.known.labels[row]
            number = next((each for each in rest if self.files[each].label == label), rest[0])
            rest = [each for each in rest if each != number]
            self._move(number, row)
        row = next((each for each in live if each in self.claimed), live[0])
        for number in rest:
            self._decide_copy(number, row, self._label_after(row))

    def _has_moved(self, row: int) -> bool:
        if row in self.claimed or self.known.sources[row] != self.situation.source:
            return False
        path = self.known.paths[row]
        here = self._digests.get(path)
        return self.situation.is_gone(path) if here is None else True

    @cached_property
    def _digests(self) -> dict[str, str]:
        return {file.path: file.source_digest for file in self.files}

    def _move(self, number: int, row: int) -> None:
        label, before = self.files[number].label, self.known.labels[row]
        path = self.known.paths[row]
        if label in (None, before, self.situation.label_at(path)):
            self._settle(number, "moved", row, f"from {path}")
        else:
            self._settle(number, "relabelled", row, f"from {path}: {before} to {label}")

    def _label_after(self, row: int) -> str | None:
        """Return the label of an image after this ingest."""
        number = self.claimed.get(row)
        if number is not None and self.decided[number].outcome == "relabelled":
            return self.files[number].label
        return self.known.labels[row]

    def _decide_copy(self, number: int, row: int, label: str | None) -> None:
        own = self.files[number].label
        identifier = self.known.ids[row]
        if own is None or label is None or own == label:
            self.decided[number] = Decided(
                "duplicate_of", identifier, f"{COPY_OF}{self._place_of(row)}", row
            )
        else:
            detail = f"{CONFLICT}the same image as {identifier}, which is in {label}"
            self.decided[number] = Decided("conflict", "", detail)

    def _place_of(self, row: int) -> str:
        number = self.claimed.get(row)
        if number is not None:
            return self.files[number].path
        return self.known.paths[row] or self.known.ids[row]

    def _decide_deleted(self, row: int, numbers: list[int]) -> None:
        if not self.situation.restore:
            detail = "deleted earlier; `belvedere add --restore` adds it again"
            for number in numbers:
                self.decided[number] = Decided("deleted_before", self.known.ids[row], detail, row)
            return
        label = self.known.labels[row]
        first = next((each for each in numbers if self.files[each].label == label), numbers[0])
        self._settle(first, "added", row, RESTORED)
        label = label or self.files[first].label
        for number in numbers:
            if number != first:
                self._decide_copy(number, row, label)

    def _decide_new(self, new: dict[str, list[int]]) -> None:
        """Decide about the files whose content is not stored."""
        places = {
            number: row for number in _in_order(new) if (row := self._place(number)) is not None
        }
        identifiers = self._free_ids(number for number in _in_order(new) if number not in places)
        for numbers in new.values():
            kept = [number for number in numbers if not self._keeps_its_image(number, places)]
            if kept:
                self._decide_content(kept, places, identifiers)

    def _keeps_its_image(self, number: int, places: dict[int, int]) -> bool:
        """Settle an unchanged file whose image was replaced by other means meanwhile."""
        if number not in places or not self.files[number].is_known_version:
            return False
        self._settle(number, "unchanged", places[number])
        return True

    def _decide_content(
        self, numbers: list[int], places: dict[int, int], identifiers: dict[int, str]
    ) -> None:
        """Decide about the files with one content that is not stored."""
        labels = {self.files[number].label for number in numbers} - {None}
        if len(labels) > 1:
            for number in numbers:
                others = [self.files[each].path for each in numbers if each != number]
                detail = f"{CONFLICT}also at {', '.join(others)}"
                self.decided[number] = Decided("conflict", "", detail)
            return
        first = min(
            numbers,
            key=lambda each: (each not in places, self.files[each].label is None, each),
        )
        if first in places:
            self._settle(first, "replaced", places[first])
        else:
            self.decided[first] = Decided("added", identifiers[first])
        detail = f"{COPY_OF}{self.files[first].path}"
        for number in numbers:
            if number != first:
                self.decided[number] = Decided("duplicate_of", self.decided[first].id, detail)

    def _place(self, number: int) -> int | None:
        """Return the row of the image whose file is at the path of this one."""
        file = self.files[number]
        row = self._places.get(file.path)
        if row is None and file.known_id is not None:
            # The image may come from the same path of another data set.
            other = self.known.row_of.get(file.known_id, -1)
            same = other >= 0 and self.known.paths[other] == file.path
            row = other if same and not self.known.deleted[other] else None
        return None if row is None or row in self.claimed else row

    @cached_property
    def _places(self) -> dict[str, int]:
        known = self.known
        return {
            path: row
            for row, path in enumerate(known.paths)
            if known.sources[row] == self.situation.source and not known.deleted[row]
        }

    def _free_ids(self, numbers: Iterable[int]) -> dict[int, str]:
        """Return unique ids by number of the file."""
        order = list(numbers)
        wanted = ((self.files[each].identifier, self.files[each].suffix) for each in order)
        return dict(zip(order, distinct_ids(wanted, self.known.ids), strict=True))

    def _settle(self, number: int, outcome: Outcome, row: int, detail: str = "") -> None:
        self.claimed[row] = number
        self.decided[number] = Decided(outcome, self.known.ids[row], detail, row)


def _in_order(groups: dict[str, list[int]]) -> Iterator[int]:
    yield from sorted(number for numbers in groups.values() for number in numbers)
