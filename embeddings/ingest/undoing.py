"""Decisions to take earlier decisions back."""

from collections.abc import Mapping, Sequence

from embeddings.ingest.changes import ImageChanged, InvalidChange, Undo
from embeddings.ingest.outcomes import WriteOutcome
from embeddings.ingest.steps import (
    Situation,
    Step,
    check_restored,
    listed,
    relabelled,
    rows_of,
    step_of,
)
from embeddings.store.decision_kinds import (
    DELETE,
    RESTORE,
    REVIEW,
    REVIEWED,
    distinct_group,
    is_undo,
    tag_change,
    undone,
)
from embeddings.store.records import Decision, RecordedDecision, StoredImage, reviewed


def decide_undo(change: Undo, situation: Situation) -> Step:
    """Return the step that takes decisions back, all or none.

    A decision to take another one back can be taken back, too. Raises `ImageChanged` if a later
    change of one of the images stands, `InvalidChange` if a decision cannot be taken back,
    and `UnknownImage`.
    """
    images = situation.images
    waiting = [each for each in change.decisions if not _is_undone(each, situation)]
    _check(waiting, situation)
    rows = rows_of([each.decision.id for each in change.decisions], images)
    row_of = {images.record(row).id: row for row in rows}
    records, decisions = _undo(waiting, row_of, change.by, situation)
    undone_ids = {each.decision.id for each in waiting}
    outcomes: list[WriteOutcome] = [
        "undone" if identifier in undone_ids else "unchanged" for identifier in row_of
    ]
    earlier = [
        last.key
        for each in change.decisions
        if each not in waiting
        for last in situation.decisions(each.decision.id).last
        if last.decision.undoes == each.key
    ]
    return step_of(rows, outcomes, images, records, decisions, earlier)


def _is_undone(each: RecordedDecision, situation: Situation) -> bool:
    """Return whether the last change of the image took a decision back."""
    last = situation.decisions(each.decision.id).last
    return any(other.decision.undoes == each.key for other in last)


def _check(decisions: Sequence[RecordedDecision], situation: Situation) -> None:
    for each in decisions:
        if _kind(each) not in (REVIEW, REVIEWED, DELETE, RESTORE) and not _is_listed(each):
            raise InvalidChange(
                f"The decision {each.key} about {each.decision.id!r} cannot be taken back: its "
                f"kind is `{each.decision.why}`. Changes of labels and tags, reviews, deletions "
                "and restorations can."
            )
    later = [
        each.decision.id
        for each in decisions
        if each.key not in situation.decisions(each.decision.id).reversible()
    ]
    if later:
        ids = [*dict.fromkeys(later)]
        raise ImageChanged(
            f"A later decision about {listed(ids)} exists, and nothing was taken back; see "
            "`GET /history`, and take the later decision back first.",
            ids,
        )


def _kind(each: RecordedDecision) -> str:
    why = each.decision.why
    return undone(why) if is_undo(why) else why


def _is_listed(each: RecordedDecision) -> bool:
    kind = _kind(each)
    return tag_change(kind) is not None or distinct_group(kind) is not None


def _undo(
    waiting: Sequence[RecordedDecision],
    row_of: Mapping[str, int],
    by: str,
    situation: Situation,
) -> tuple[dict[int, StoredImage], list[Decision]]:
    """Return the changed records and the decisions that take others back."""
    images = situation.images
    records: dict[int, StoredImage] = {}
    original: dict[int, StoredImage] = {}
    decisions = []
    try:
        for each in waiting:
            row, why = row_of[each.decision.id], each.decision.why
            present = images.record(row)
            label = each.decision.before if _kind(each) == REVIEW else present.label
            changed = relabelled(_restored(each, present, situation), label, row, images)
            for other in changed:
                original.setdefault(other, images.record(other))
            images.set(changed)
            records |= changed
            decisions.append(Decision(present.id, present.label, label, by, undone(why), each.key))
        restored = {
            row: record
            for row, record in records.items()
            if record.deleted is None and original[row].deleted is not None
        }
    finally:
        images.set(original)
    check_restored(restored, images)
    return records, decisions


def _restored(each: RecordedDecision, record: StoredImage, situation: Situation) -> StoredImage:
    """Return a record, except its label, after a decision is taken back."""
    kind, was_undo = _kind(each), is_undo(each.decision.why)
    tags = tag_change(kind)
    if tags is not None:
        add, remove = tags if was_undo else (tags.removed, tags.added)
        changed = tuple(sorted({*record.tags, *add} - {*remove}))
        return record.model_copy(update={"tags": changed})
    if kind in (DELETE, RESTORE):
        is_deletion = (kind == DELETE) == was_undo
        return record.model_copy(update={"deleted": situation.now if is_deletion else None})
    if kind in (REVIEW, REVIEWED):
        before = situation.decisions(record.id).review_before(each.key)
        return reviewed(record, situation.now if was_undo else before)
    return record
