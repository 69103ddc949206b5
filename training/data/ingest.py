"""Ingest of a data set into the feature store: an outcome for each file, then one commit."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from embeddings.ingest.attributes import read_attributes
from embeddings.ingest.classes import NEW_CLASS_OPTION, UnknownClass, refuse_new_classes
from embeddings.ingest.draft import NO_LICENCE, Licence, NewImage, NextRevision, PlaceOf
from embeddings.ingest.outcomes import (
    CONFLICT,
    COPY_OF,
    SETTLED,
    Decided,
    FoundFile,
    KnownImages,
    Situation,
    decide,
)
from embeddings.ingest.split import SPLIT_RULE
from embeddings.progress import Track
from embeddings.ray_cluster import Cluster
from embeddings.store.records import FileEntry
from embeddings.store.store import Store
from training.data.files import EMPTY_FOLDER, DataSource
from training.data.inspection import Inspection, Options, inspect
from training.data.licences import Licences, read_licences
from training.errors import DataError

if TYPE_CHECKING:
    from embeddings.ingest.near_duplicates import Links

SMALLEST_CLASS = 10
LARGEST_DELETION = 0.1
"""Share of a data set's images that can be deleted without a confirmation."""

LAST_INGEST = ""
"""Path of the ledger entry of a whole data set: its size is the revision after the last ingest, its
state the digest of generated scenes."""

GONE = "gone"
"""Outcome in the ledger of a label conflict whose file is gone."""

_COPY = "copy"
_LICENCE_COLUMNS = ("title", "photographer", "photographer_id", "licence", "url")
_SHOWN = 5


class FileOutcome(NamedTuple):
    """Outcome of one file of a data set."""

    path: str
    outcome: str
    id: str
    """Id of the image that the file concerns; empty if there is none."""
    detail: str


@dataclass(frozen=True)
class Report:
    """Result of an ingest."""

    layout: str
    """Sentence that describes the folders; empty without classes."""
    outcomes: Sequence[FileOutcome]
    gone: int = 0
    """Number of images whose file the data set does not contain."""
    deleted: int = 0
    """Number of images that were deleted, because their file is gone."""


@dataclass(frozen=True)
class Policy:
    """Rules of an ingest beside the outcomes of single files."""

    mirror: bool = False
    """True to delete the images whose file is gone."""
    confirmed: bool = False
    """True to delete more than a tenth of the images."""
    usable: bool = False
    """True to refuse a first data set that is unfit for training."""
    instead_of: str | None = None
    """Key of a data set whose images are deleted."""
    alone: bool = False
    """True to refuse another data set than that of the store; one at a new path is recognised."""
    classes: Collection[str] = ()
    """Classes of the collection, if labels must be among them."""


def ingest_source(
    source: DataSource,
    store: Store,
    options: Options,
    policy: Policy,
    *,
    seed: int,
    workers: int,
    track: Track,
    report: Callable[[Report], None],
    cluster: Cluster | None = None,
) -> None:
    """Ingest a data set: read what is new, decide about each file, and commit at once.

    An interrupted ingest continues with the files that were not read. `report` receives the result
    after the commit, or before a refusal. With `cluster`, its nodes decode the files. Raises
    `DataError`, before any image is changed, if the data set is unusable or too many images would
    be deleted.
    """
    licences = read_licences(source.licences)
    store.create(split_seed=seed, split_rule=SPLIT_RULE)
    inspection = inspect(source, store, options, workers, track, cluster)
    snapshot = store.at()
    draft = NextRevision(store, snapshot.all, source.key)
    work = _Ingest(source, inspection, draft, licences, options.keep_location)
    work.supersede(policy.instead_of)
    first = work.is_first
    work.decide(options)
    if policy.alone:
        work.adopt()
    work.remove_gone(policy)
    work.keep_conflicts(snapshot.revision)
    work.refuse_new_classes(policy.classes)
    links = work.find_links()
    refusal = _unfit(work, source) if first and policy.usable else None
    if refusal is not None:
        report(work.report())
        raise DataError(refusal)
    work.commit(links, snapshot.split_seed, refuse_one_side=first and policy.usable)
    report(work.report())


def other_data_set(key: str, sources: Sequence[str]) -> DataError:
    """Return the error for a data set of the settings that is not that of the store."""
    return DataError(
        f"The store contains the images of {', '.join(sources)}, and BELVEDERE_DATA selects {key}, "
        "which is another data set. Add its images with `belvedere add`, set BELVEDERE_DATA to "
        f"{sources[0]}, or choose another folder with BELVEDERE_HOME."
    )


class _Ingest:
    """Ingest of one data set: decisions about its files, and the changes that follow."""

    def __init__(
        self,
        source: DataSource,
        inspection: Inspection,
        draft: NextRevision,
        licences: Licences,
        keep_location: bool,
    ) -> None:
        self.source = source
        self.inspection = inspection
        self.draft = draft
        self.licences = licences
        self.decided: list[Decided] = []
        self.gone: list[int] = []
        self.keep_location = keep_location
        self._file_of: dict[int, int] = {}
        self.deleted = 0
        self._now = draft.store.now()
        self._alive = [deleted is None for deleted in draft.known.column("deleted")]

    @property
    def is_first(self) -> bool:
        """True if the store has no images but those of a superseded data set."""
        return not any(self._alive)

    def supersede(self, key: str | None) -> None:
        """Delete the images of another data set."""
        if key is None:
            return
        for row, source in enumerate(self.draft.known.column("source")):
            if source == key and self._alive[row]:
                self._delete(row)

    def decide(self, options: Options) -> None:
        """Decide about all files, and draft the changes that follow."""
        found, numbers = self._found()
        outcomes = decide(found, self._known(), self._situation(options))
        self.decided = [
            Decided("rejected", "", reason) if reason else Decided("unchanged")
            for reason in self.inspection.reasons
        ]
        for number, decided in zip(numbers, outcomes, strict=True):
            self.decided[number] = decided
        self.gone = self._find_gone()
        self._draft_changes()
        self._update_licences()

    def refuse_new_classes(self, classes: Collection[str]) -> None:
        """Raise `DataError` if an image would get a label that is not among the classes."""
        draft = self.draft
        relabelled = (each.get("label") for each in draft.updates.values())
        try:
            labels = (*(each.label for each in draft.new), *relabelled)
            refuse_new_classes(labels, classes, f"Nothing was changed. {NEW_CLASS_OPTION}")
        except UnknownClass as error:
            raise DataError(str(error)) from error

    def adopt(self) -> None:
        """Assign the images of the store to this data set if it is theirs at another path.

        It is if most of them are unchanged. Raises `DataError` otherwise.
        """
        columns = zip(self._alive, self.draft.known.column("source"), strict=True)
        sources = sorted({source for alive, source in columns if alive})
        if not sources or self.source.key in sources:
            return
        unchanged = [each.row for each in self.decided if each.outcome == "unchanged"]
        same = [row for row in unchanged if row >= 0]
        if 2 * len(same) < sum(self._alive):
            raise other_data_set(self.source.key, sources)
        for row in same:
            self.draft.update(row, source=self.source.key)

    def remove_gone(self, policy: Policy) -> None:
        """Delete the images whose file is gone, if the policy says so. Raises `DataError`."""
        if not policy.mirror or not self.gone:
            return
        sources = self.draft.known.column("source")
        own = sum(
            alive and source == self.source.key
            for alive, source in zip(self._alive, sources, strict=True)
        )
        if len(self.gone) > LARGEST_DELETION * own and not policy.confirmed:
            raise DataError(
                f"{len(self.gone)} of {own} images of {self.source.key} have no file any more: "
                "more than a tenth would be deleted. Nothing was changed; repeat the command with "
                "--yes to delete them."
            )
        for row in self.gone:
            self._delete(row)
        self.deleted, self.gone = len(self.gone), []

    def keep_conflicts(self, revision: int) -> None:
        """Keep the label conflicts of the last ingest if nothing has changed since."""
        ledger = self.inspection.ledger
        last = ledger.get(LAST_INGEST)
        if last is None or last.size != revision or self.inspection.read or self.draft.updates:
            return
        conflicts = {path for path, entry in ledger.items() if entry.outcome == "conflict"}
        undecided = {image.path for image in self.draft.new}
        if undecided <= conflicts <= self._listed and self.source.is_complete:
            for number in self._file_of.values():
                path = self.inspection.paths[number]
                if path in undecided:
                    self.decided[number] = Decided("conflict", "", ledger[path].reason)
            self.draft.new.clear()

    def find_links(self) -> "Links | None":
        """Return the links of the changed images, and reject images that are in two classes.

        None if no change affects the split.
        """
        draft, known = self.draft, len(self.draft.known)
        if not draft.affects_split:
            return None
        # The comparison of images takes long to import.
        from embeddings.ingest import places

        links = places.find_new_links(draft)
        conflicts = places.confirm_copies(draft, links)
        if not conflicts:
            return links
        names = [*draft.known.ids, *(image.path for image in draft.new)]
        for row, other in conflicts.items():
            detail = f"{CONFLICT}the same image as {names[other]}"
            self.decided[self._file_of[row]] = Decided("conflict", "", detail)
        draft.discard(conflicts)
        return places.without_rows(links, conflicts, known)

    def commit(self, links: "Links | None", seed: int, *, refuse_one_side: bool) -> None:
        """Place the new images in the split, and commit all changes. Raises `DataError`."""
        if links is None:
            revision = self.draft.commit()
        else:
            from embeddings.ingest.places import place_images

            places = place_images(self.draft, links, seed)
            if refuse_one_side:
                _check_sides(self.draft, places.columns_of)
            places.record_in(self.draft)
            revision = self.draft.commit(places.columns_of)
        self._record_outcomes(revision)

    def report(self) -> Report:
        """Return the outcomes so far."""
        inspection = self.inspection
        outcomes = [
            FileOutcome(file.name, decided.outcome, decided.id, decided.detail)
            for file, decided in zip(inspection.files, self.decided, strict=True)
        ]
        labels = inspection.labels
        layout = inspection.layout.describe(labels) if labels else ""
        return Report(layout, outcomes, len(self.gone), self.deleted)

    def added(self) -> Counter[str]:
        """Return the number of images added to each class."""
        both = zip(self.decided, self.inspection.places, strict=True)
        return Counter(
            place.label
            for decided, place in both
            if decided.outcome == "added" and place.label is not None
        )

    def reasons(self, label: str | None = None) -> list[str]:
        """Return the reason for each file without an image, of all files or of one class."""
        both = zip(self.decided, self.inspection.places, strict=True)
        return [
            decided.detail
            for decided, place in both
            if decided.outcome not in SETTLED and label in (None, place.label)
        ]

    def _found(self) -> tuple[list[FoundFile], list[int]]:
        """Return the usable files and their numbers."""
        inspection = self.inspection
        found, numbers = [], []
        for number, (file, path, place, entry) in enumerate(
            zip(inspection.files, inspection.paths, inspection.places, inspection.entries,
                strict=True)
        ):  # fmt: skip
            if inspection.reasons[number] or entry is None or entry.source_digest is None:
                continue
            inner = file.path
            numbers.append(number)
            found.append(
                FoundFile(
                    path,
                    place.label,
                    entry.source_digest,
                    inspection.layout.identifier(inner),
                    inner.suffix,
                    entry.id,
                    entry.outcome in SETTLED and number not in inspection.read,
                )
            )
        return found, numbers

    def _known(self) -> KnownImages:
        known = self.draft.known
        return KnownImages(
            known.ids,
            known.labels,
            known.column("source_digest"),
            known.column("source"),
            known.column("path"),
            [not alive for alive in self._alive],
        )

    def _situation(self, options: Options) -> Situation:
        layout = self.inspection.layout
        label = options.label
        return Situation(
            self.source.key,
            lambda path: label or layout.place(PurePosixPath(path)).label,
            self._is_gone,
            options.restore,
        )

    def _is_gone(self, path: str) -> bool:
        return path not in self._listed and not self.source.has_other(PurePosixPath(path))

    @cached_property
    def _listed(self) -> frozenset[str]:
        return frozenset(self.inspection.paths)

    def _find_gone(self) -> list[int]:
        """Return the rows of the images whose file the data set does not contain."""
        if not self.source.is_complete:
            return []
        claimed = {decided.row for decided in self.decided if decided.outcome in SETTLED}
        known = self.draft.known
        places = zip(known.column("source"), known.column("path"), strict=True)
        return [
            row
            for row, (source, path) in enumerate(places)
            if source == self.source.key
            and self._alive[row]
            and row not in claimed
            and path not in self._listed
        ]

    def _draft_changes(self) -> None:
        """Draft the change of an image that follows from each outcome."""
        for number, decided in enumerate(self.decided):
            if decided.outcome in SETTLED and self.inspection.entries[number] is not None:
                if decided.row < 0:
                    self._draft_new(number, decided)
                else:
                    self._draft_known(number, decided)

    def _draft_new(self, number: int, decided: Decided) -> None:
        place, entry = self.inspection.places[number], self.inspection.entries[number]
        assert entry is not None
        assert entry.source_digest is not None
        assert entry.digest is not None
        self._file_of[len(self.draft.known) + len(self.draft.new)] = number
        self.draft.new.append(
            NewImage(
                decided.id,
                place.label,
                entry.source_digest,
                entry.digest,
                self.inspection.paths[number],
                self._attributes(number),
                place.split,
                self._licence(number),
            )
        )

    def _draft_known(self, number: int, decided: Decided) -> None:
        draft, row, path = self.draft, decided.row, self.inspection.paths[number]
        place, entry = self.inspection.places[number], self.inspection.entries[number]
        assert entry is not None
        self._file_of[row] = number
        if place.split is not None:
            draft.sides[row] = place.split
        if decided.outcome == "unchanged":
            return
        draft.update(row, source=self.source.key, path=path)
        if decided.outcome == "relabelled":
            assert place.label is not None
            draft.relabel(row, place.label)
        elif decided.outcome == "added":
            draft.update(row, deleted=None)
        elif decided.outcome == "replaced":
            self._draft_content(row, number, entry)

    def _draft_content(self, row: int, number: int, entry: FileEntry) -> None:
        assert entry.digest is not None
        draft = self.draft
        ((width, height),) = draft.store.blobs.sizes([entry.digest]).tolist()
        draft.update(
            row,
            digest=entry.digest,
            source_digest=entry.source_digest,
            width=width,
            height=height,
            attributes=json.loads(self._attributes(number) or "{}"),
        )

    def _attributes(self, number: int) -> str:
        """Return the attributes of a file; after an interruption, they are read again."""
        inspection = self.inspection
        if number in inspection.read:
            return inspection.attributes.get(number, "")
        attributes = read_attributes(inspection.files[number].read(), self.keep_location)
        return json.dumps(attributes) if attributes else ""

    def _licence(self, number: int) -> Licence:
        if not self.licences:
            return NO_LICENCE
        path, label = self.inspection.files[number].path, self.inspection.places[number].label
        return self.licences.get((label or "", path.name), NO_LICENCE)

    def _update_licences(self) -> None:
        """Draft the licences of known images that differ from the licence lists."""
        if not self.licences:
            return
        columns = [self.draft.known.column(name) for name in _LICENCE_COLUMNS]
        for number, decided in enumerate(self.decided):
            if decided.row < 0 or decided.outcome not in SETTLED:
                continue
            licence = self._licence(number)
            if licence == NO_LICENCE:
                continue
            found = (licence.title, licence.photographer, licence.photographer_id,
                     licence.licence, licence.source)  # fmt: skip
            for name, column, value in zip(_LICENCE_COLUMNS, columns, found, strict=True):
                if column[decided.row] != value:
                    self.draft.update(decided.row, **{name: value})

    def _delete(self, row: int) -> None:
        self._alive[row] = False
        self.draft.update(row, deleted=self._now)

    def _record_outcomes(self, revision: int) -> None:
        """Record in the ledger the image of each file that was read, and the revision."""
        store, ledger, key = self.draft.store, self.inspection.ledger, self.source.key
        both = zip(self.inspection.entries, self.decided, strict=True)
        changed = [
            recorded
            for entry, decided in both
            if entry is not None and (recorded := _recorded(entry, decided)) != entry
        ]
        if self.source.is_complete:
            changed += [
                entry._replace(outcome=GONE)
                for path, entry in ledger.items()
                if entry.outcome == "conflict" and path not in self._listed
            ]
            last = FileEntry(
                key, LAST_INGEST, revision, self.source.digest, None, None, None, LAST_INGEST
            )
            changed += [last] if ledger.get(LAST_INGEST) != last else []
        store.files.upsert(changed)


def _recorded(entry: FileEntry, decided: Decided) -> FileEntry:
    """Return the ledger entry of a file after its outcome."""
    if entry.digest is None:
        return entry
    outcome: str = decided.outcome
    if outcome in SETTLED and entry.outcome in SETTLED:
        outcome = entry.outcome
    reason = decided.detail if outcome == "conflict" else ""
    return entry._replace(id=decided.id or None, outcome=outcome, reason=reason)


def count_reasons(reasons: Sequence[str], *, name_copied: bool = False) -> str:
    """Return the number of files left out for each reason, the most frequent first.

    With `name_copied`, the originals of copies are named.
    """
    copied = sorted({each for each in reasons if each.startswith(COPY_OF)})
    kinds = Counter(
        _COPY if each.startswith(COPY_OF) else re.split("[:;]", each)[0] for each in reasons
    )

    def counted(kind: str, count: int) -> str:
        if kind == _COPY and name_copied:
            return f"{count} are copies of {_some([each.removeprefix(COPY_OF) for each in copied])}"
        return kind if kind == EMPTY_FOLDER and count == 1 else f"{count} × {kind}"

    return ", ".join(counted(kind, count) for kind, count in kinds.most_common())


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _unfit(work: _Ingest, source: DataSource) -> str | None:
    """Return the reason for which a data set is unfit for training; None if it is fit."""
    counts = Counter(dict.fromkeys(work.inspection.labels, 0))
    counts.update(work.added())
    if not counts:
        reasons = count_reasons(work.reasons())
        return (
            f"{source.key} contains no images; it needs one folder of JPEG, PNG, WebP, AVIF or "
            f"HEIC files for each class.{f' Left out: {reasons}.' if reasons else ''}"
        )
    small = [label for label, count in sorted(counts.items()) if count < SMALLEST_CLASS]
    if small:
        named = [_with_reasons(label, counts[label], work) for label in small[:_SHOWN]]
        more = f" and {len(small) - _SHOWN} more" if len(small) > _SHOWN else ""
        return (
            f"These classes have fewer than {SMALLEST_CLASS} usable images: "
            f"{', '.join(named)}{more}; add images or remove the folders."
        )
    if len(counts) < 2:
        return (
            f"The data set has only the class {next(iter(counts))!r}; it needs at least two "
            "folders of images."
        )
    return None


def _with_reasons(label: str, count: int, work: _Ingest) -> str:
    reasons = count_reasons(work.reasons(label), name_copied=True)
    return f"{label!r} ({count}: {reasons})" if reasons else f"{label!r} ({count})"


def _check_sides(draft: NextRevision, place_of: PlaceOf) -> None:
    """Raise `DataError` if all new images of a class are on one side of the split."""
    first = len(draft.known)
    sides: dict[str, set[str]] = defaultdict(set)
    for number, image in enumerate(draft.new):
        if image.label is not None:
            sides[image.label].add(place_of(first + number)["split"])
    own = any(image.side for image in draft.new)
    for label in sorted(sides):
        only = sides[label] - {"pool"}
        if len(only) < 2:
            advice = (
                "of that class to the other side"
                if own
                else "of other photographers or scenes to that class"
            )
            raise DataError(
                f"All images of {label!r} are on the {only.pop()} side of the split; "
                f"add images {advice}."
            )
