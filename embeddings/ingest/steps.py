"""Outcome of a change with the records that it writes, and the state that it is decided on."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from embeddings.file_names import to_nfc
from embeddings.ingest.changes import (
    ImageChanged,
    InvalidChange,
    PreparedFile,
    UnknownImage,
)
from embeddings.ingest.collection import Collection
from embeddings.ingest.outcomes import WriteOutcome
from embeddings.store.decision_stack import DecisionStack
from embeddings.store.records import (
    Decision,
    StoredImage,
    record_tag,
)

_NAMED = 3
"""Ids that an error message names."""


@dataclass(frozen=True)
class Step:
    """Outcome of a change and the records that it writes."""

    outcome: WriteOutcome
    id: str
    detail: str = ""
    row: int | None = None
    """Row of the record to return."""
    records: Mapping[int, StoredImage] = field(default_factory=dict)
    """Changed and new records, by row."""
    decisions: tuple[Decision, ...] = ()
    file: PreparedFile | None = None
    """New content of `row`."""
    rows: tuple[int, ...] = ()
    """Rows of the images that the change names."""
    outcomes: Mapping[WriteOutcome, int] = field(default_factory=dict)
    """Number of images of each outcome."""
    earlier: tuple[str, ...] = ()
    """Keys of decisions that this change made before, if its answer was lost."""


@dataclass(frozen=True)
class Situation:
    """State on which a decision is based."""

    images: Collection
    read_jpeg: Callable[[str], bytes]
    """Returns the stored JPEG file with a digest."""
    decisions: Callable[[str], DecisionStack]
    """Returns the decisions about an image after its last import."""
    now: datetime


def step_of(
    rows: Sequence[int],
    outcomes: Iterable[WriteOutcome],
    images: Collection,
    records: Mapping[int, StoredImage],
    decisions: Sequence[Decision],
    earlier: Sequence[str] = (),
) -> Step:
    """Return the step of a change that names images by row.

    Its outcome is the most frequent one other than `unchanged`.
    """
    counts = Counter(outcomes)
    changed = [each for each, _ in counts.most_common() if each != "unchanged"]
    one = rows[0] if len(rows) == 1 else None
    return Step(
        changed[0] if changed else "unchanged",
        "" if one is None else images.record(one).id,
        row=one,
        records=records,
        decisions=tuple(decisions),
        rows=tuple(rows),
        outcomes=dict(counts),
        earlier=tuple(earlier),
    )


def relabelled(
    record: StoredImage, label: str | None, row: int, images: Collection
) -> dict[int, StoredImage]:
    """Return the changed records if a stored image gets a label, or loses it.

    An image with a first label is placed in the split, and joins the pool without a label.
    """
    before = images.record(row).label
    labelled = record.model_copy(update={"label": label})
    if label is None and before is not None:
        return {row: images.without_place(labelled)}
    if label is not None and before is None:
        return images.placed_again(row, labelled)
    return {row: labelled}


def rows_of(ids: Iterable[str], images: Collection) -> list[int]:
    """Return the rows of ids, deleted or not, each once. Raises `UnknownImage`."""
    return _rows_of(ids, images, are_live=False)


def live_rows(ids: Iterable[str], images: Collection) -> list[int]:
    """Return the rows of ids, each once. Raises `UnknownImage` for unknown and deleted images."""
    return _rows_of(ids, images, are_live=True)


def _rows_of(ids: Iterable[str], images: Collection, *, are_live: bool) -> list[int]:
    rows = {name: images.row_of(name) for name in map(to_nfc, ids)}
    unknown = [name for name, row in rows.items() if row is None]
    found = {name: row for name, row in rows.items() if row is not None}
    images.read([*found.values()])
    deleted = [name for name, row in found.items() if are_live and not images.is_live(row)]
    reasons = []
    if unknown:
        reasons.append(f"The feature store has no image {listed(unknown)}.")
    if deleted:
        one = len(deleted) == 1
        reasons.append(
            f"The image{'' if one else 's'} {listed(deleted)} {'is' if one else 'are'} deleted; "
            f"restore {'it' if one else 'them'} first."
        )
    if reasons:
        raise UnknownImage(" ".join(reasons), (*unknown, *deleted))
    return [*found.values()]


def keys_of_last(ids: Iterable[str], why: str, by: str, situation: Situation) -> list[str]:
    """Return the keys of the decisions of a kind that a person made last about images.

    The answer to them may have been lost.
    """
    last = (each for name in ids for each in situation.decisions(name).last)
    return [each.key for each in last if (each.decision.why, each.decision.by) == (why, by)]


def check_tags(records: Iterable[StoredImage], if_match: Mapping[str, str]) -> None:
    """Raise `ImageChanged` if the tag of a record differs from the given one of its id."""
    tags = {to_nfc(identifier): tag for identifier, tag in if_match.items()}
    stale = [
        record.id
        for record in records
        if record.id in tags and tags[record.id] != record_tag(record)
    ]
    if stale:
        raise ImageChanged(changed_meanwhile(stale), stale)


def changed_meanwhile(ids: Sequence[str]) -> str:
    """Return the message that images changed after the state on which a change is based."""
    if len(ids) == 1:
        return f"The image {ids[0]!r} has changed meanwhile; read it again and repeat the change."
    return (
        f"The images {listed(ids)} have changed meanwhile, and nothing was written; read them "
        "again and repeat the change."
    )


def listed(ids: Sequence[str]) -> str:
    """Return the first ids, quoted, and the number of the others."""
    names = ", ".join(repr(each) for each in ids[:_NAMED])
    return names if len(ids) <= _NAMED else f"{names} and {len(ids) - _NAMED:,} more"


def check_restored(changed: Mapping[int, StoredImage], images: Collection) -> None:
    """Raise `InvalidChange` if the content of an image is stored under another id meanwhile."""
    taken: dict[str, str] = {}
    for row, record in changed.items():
        other = next((each for each in images.live_copies(row)), None)
        name = taken.setdefault(record.digest, record.id) if other is None else other
        if name != record.id:
            raise InvalidChange(
                f"The image {record.id!r} cannot be restored: its content is stored as {name!r}; "
                "delete that image first."
            )
