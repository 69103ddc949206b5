"""Decisions about edits of many images: labels, attributes, tags, reviews."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from pydantic import JsonValue

from embeddings.file_names import to_nfc
from embeddings.ingest.changes import (
    Distinct,
    Edit,
    ImageChanged,
    InvalidChange,
    UnknownImage,
)
from embeddings.ingest.collection import Collection
from embeddings.ingest.names import checked_label, checked_tag
from embeddings.ingest.outcomes import WriteOutcome
from embeddings.ingest.steps import (
    Situation,
    Step,
    changed_meanwhile,
    keys_of_last,
    listed,
    live_rows,
    relabelled,
    step_of,
)
from embeddings.ingest.unset import UNSET, Unset
from embeddings.store.decision_kinds import (
    ATTRIBUTES,
    REVIEW,
    REVIEWED,
    distinct_kind,
    tag_change,
    tags_kind,
)
from embeddings.store.records import (
    REVIEW_TIME,
    Decision,
    RecordedDecision,
    StoredImage,
    record_tag,
    reviewed,
)

_LARGEST_ATTRIBUTES = 16 << 10
"""Bytes of the attributes of an image as JSON."""

_MOST_TAGS = 32
_KEY_LENGTH = 16


@dataclass(frozen=True)
class _Edited:
    """Record of an image before and after an edit, and the decisions about it."""

    row: int
    before: StoredImage
    after: StoredImage
    outcome: WriteOutcome
    decisions: tuple[Decision, ...]


def decide_edit(change: Edit, situation: Situation) -> Step:
    """Return the outcome of an edit.

    Raises `InvalidChange`, `UnknownImage` and `ImageChanged`, the last of which names unknown and
    deleted images, too.
    """
    edit = _checked(change)
    rows = _rows(edit, situation)
    edited = [_edited(edit, row, situation) for row in rows]
    records = _placed(edited, situation.images)
    return step_of(
        rows,
        [each.outcome for each in edited],
        situation.images,
        records,
        [decision for each in edited for decision in each.decisions],
        [key for each in edited for key in _earlier_keys(edit, each, situation)],
    )


def decide_distinct(change: Distinct, situation: Situation) -> Step:
    """Return the step that remembers near-duplicates as different images.

    Raises `InvalidChange` and `UnknownImage`.
    """
    images = situation.images
    rows = live_rows(change.ids, images)
    if len(rows) < 2:
        raise InvalidChange("A group has at least two images; name two or more different ids.")
    records = {row: images.record(row) for row in rows}
    facts = sorted((each.id, each.digest) for each in records.values())
    why = distinct_kind(sha256(json.dumps(facts).encode()).hexdigest()[:_KEY_LENGTH])
    if all(_is_last(each.id, why, situation) for each in records.values()):
        earlier = keys_of_last([name for name, _ in facts], why, change.by, situation)
        return step_of(rows, ["unchanged"] * len(rows), images, {}, (), earlier)
    decisions = [
        Decision(each.id, each.label, each.label, change.by, why) for each in records.values()
    ]
    return step_of(rows, ["distinct"] * len(rows), images, records, decisions)


def _is_last(identifier: str, why: str, situation: Situation) -> bool:
    return any(each.decision.why == why for each in situation.decisions(identifier).last)


def _checked(change: Edit) -> Edit:
    """Return an edit with label and tags in NFC. Raises `InvalidChange`."""
    label = change.label if isinstance(change.label, Unset | None) else checked_label(change.label)
    add, remove = (
        tuple(dict.fromkeys(map(checked_tag, tags)))
        for tags in (change.add_tags, change.remove_tags)
    )
    if both := [*{*add} & {*remove}]:
        raise InvalidChange(f"The tag {both[0]!r} is to be added and removed; choose one of them.")
    if REVIEW_TIME in change.attributes:
        raise InvalidChange(
            f"The attribute `{REVIEW_TIME}` is the time of the last review; send `reviewed`."
        )
    if_match = {to_nfc(identifier): tag for identifier, tag in change.if_match.items()}
    return Edit(
        change.ids, change.by, label, change.attributes, add, remove, change.reviewed, if_match
    )


def _rows(edit: Edit, situation: Situation) -> list[int]:
    """Return the rows of an edit; raise one error that names all unknown and changed images."""
    images = situation.images
    names = dict.fromkeys(map(to_nfc, edit.ids))
    images.read([row for name in names if (row := images.row_of(name)) is not None])
    stale = [name for name in edit.if_match if name in names and _is_stale(edit, name, situation)]
    try:
        rows = live_rows(names, images)
    except UnknownImage as error:
        if not stale:
            raise
        raise ImageChanged(f"{changed_meanwhile(stale)} {error}", (*stale, *error.ids)) from error
    if stale:
        raise ImageChanged(changed_meanwhile(stale), stale)
    return rows


def _is_stale(edit: Edit, name: str, situation: Situation) -> bool:
    """Return whether an edit would change an image that is not in the state of its tag."""
    images = situation.images
    row = images.row_of(name)
    if row is None or not images.is_live(row):
        return False
    if edit.if_match[name] == record_tag(images.record(row)):
        return False
    # The answer to the same change may have been lost (RFC 9110, section 13.1.1).
    return _edited(edit, row, situation).outcome != "unchanged"


def _edited(edit: Edit, row: int, situation: Situation) -> _Edited:
    """Return the change of one image, without its place in the split."""
    before = situation.images.record(row)
    label = before.label if edit.label is UNSET else edit.label
    attributes = _merged(before.attributes, edit.attributes)
    tags = _tags(before, edit)
    after = before.model_copy(update={"label": label, "attributes": attributes, "tags": tags})
    kinds = [*_kinds(before, after), *([REVIEWED] if _is_kept(edit, after, situation) else [])]
    if label != before.label:
        kinds = [REVIEW, *(each for each in kinds if each != REVIEWED)]
    if REVIEW in kinds or REVIEWED in kinds:
        after = reviewed(after, situation.now)
    decisions = (Decision(before.id, before.label, label, edit.by, each) for each in kinds)
    return _Edited(row, before, after, _outcome(kinds), tuple(decisions))


def _kinds(before: StoredImage, after: StoredImage) -> list[str]:
    """Return the kinds of the changes of attributes and tags."""
    kinds = []
    if after.attributes != before.attributes:
        _check_size(after.attributes)
        kinds.append(ATTRIBUTES)
    if {*after.tags} != {*before.tags}:
        kinds.append(
            tags_kind([*{*after.tags} - {*before.tags}], [*{*before.tags} - {*after.tags}])
        )
    return kinds


def _outcome(kinds: Sequence[str]) -> WriteOutcome:
    if REVIEW in kinds:
        return "relabelled"
    if not kinds:
        return "unchanged"
    return "reviewed" if kinds == [REVIEWED] else "changed"


def _is_kept(edit: Edit, after: StoredImage, situation: Situation) -> bool:
    """Return whether a review is new: the same person has not just reviewed the same label."""
    if not edit.reviewed:
        return False
    for each in situation.decisions(after.id).last:
        decision = each.decision
        given = decision.why == REVIEW and edit.label == after.label == decision.after
        if decision.by == edit.by and (given or decision.why == REVIEWED):
            return False
    return True


def _earlier_keys(edit: Edit, edited: _Edited, situation: Situation) -> Sequence[str]:
    """Return the keys of the decisions that an edit with a lost answer made."""
    name = edited.before.id
    if edited.outcome != "unchanged" or name not in edit.if_match:
        return ()
    latest = situation.decisions(name).last
    is_repeated = edit.if_match[name] != record_tag(edited.before) and all(
        _made(edit, each) for each in latest
    )
    return [each.key for each in latest] if is_repeated else ()


def _made(edit: Edit, recorded: RecordedDecision) -> bool:
    """Return whether an edit makes this decision if nothing was decided before."""
    decision = recorded.decision
    if decision.by != edit.by or decision.undoes is not None:
        return False
    tags = tag_change(decision.why)
    if tags is not None:
        return {*tags.added} <= {*edit.add_tags} and {*tags.removed} <= {*edit.remove_tags}
    return {
        REVIEW: decision.after == edit.label,
        REVIEWED: edit.reviewed,
        ATTRIBUTES: bool(edit.attributes),
    }.get(decision.why, False)


def _placed(edited: Sequence[_Edited], images: Collection) -> dict[int, StoredImage]:
    """Return the changed records with their places in the split, as if edited one by one."""
    records: dict[int, StoredImage] = {}
    original: dict[int, StoredImage] = {}
    try:
        for each in edited:
            if not each.decisions:
                continue
            # An earlier image may have changed the place of this one.
            present = images.record(each.row)
            values = {"attributes": each.after.attributes, "tags": each.after.tags}
            record = present.model_copy(update=values)
            changed = relabelled(record, each.after.label, each.row, images)
            for row in changed:
                original.setdefault(row, images.record(row))
            images.set(changed)
            records |= changed
    finally:
        images.set(original)
    return records


def _tags(record: StoredImage, edit: Edit) -> tuple[str, ...]:
    """Return the tags after an edit; raise `InvalidChange` if there are too many."""
    if not edit.add_tags and not edit.remove_tags:
        return record.tags
    tags = tuple(sorted({*record.tags, *edit.add_tags} - {*edit.remove_tags}))
    if len(tags) > max(_MOST_TAGS, len(record.tags)):
        raise InvalidChange(
            f"The image {listed([record.id])} would have {len(tags)} tags; an image has up to "
            f"{_MOST_TAGS}. Remove others first."
        )
    return tags


def _merged(
    attributes: Mapping[str, JsonValue], patch: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """Return attributes with a JSON merge patch."""
    merged = {**attributes}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict):
            inner = merged.get(name)
            merged[name] = _merged(inner if isinstance(inner, dict) else {}, value)
        else:
            merged[name] = value
    return merged


def _check_size(attributes: Mapping[str, JsonValue]) -> None:
    size = len(json.dumps(attributes))
    if size > _LARGEST_ATTRIBUTES:
        raise InvalidChange(
            f"The attributes would have {size:,} bytes as JSON; up to {_LARGEST_ATTRIBUTES:,} are "
            "stored. Send fewer or shorter ones."
        )
