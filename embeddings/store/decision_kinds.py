"""Kinds of decisions of the label journal: the values of its column `why`."""

import json
from collections.abc import Sequence
from typing import NamedTuple

IMPORT = "import"
REPLACEMENT = "replacement"
REVIEW = "review"
"""A person gave the image another label."""

REVIEWED = "reviewed"
"""A person looked at the image and kept its label."""

ATTRIBUTES = "attributes"
DELETE = "delete"
RESTORE = "restore"

_UNDO = "undo:"
_TAGS = "tags:"
_DISTINCT = "distinct:"


class TagChange(NamedTuple):
    """Tags that a decision added to an image and removed from it."""

    added: tuple[str, ...]
    removed: tuple[str, ...]


def tags_kind(added: Sequence[str], removed: Sequence[str]) -> str:
    """Return the kind of a change of tags, which contains them."""
    facts = {"add": sorted(added), "remove": sorted(removed)}
    return _TAGS + json.dumps(facts, ensure_ascii=False, separators=(",", ":"))


def tag_change(kind: str) -> TagChange | None:
    """Return the change that `tags_kind` describes; None for any other kind."""
    if not kind.startswith(_TAGS):
        return None
    facts = json.loads(kind.removeprefix(_TAGS))
    return TagChange(tuple(facts["add"]), tuple(facts["remove"]))


def distinct_kind(group: str) -> str:
    """Return the kind of the decision that the images of a group are different."""
    return _DISTINCT + group


def distinct_group(kind: str) -> str | None:
    """Return the key of the group that `distinct_kind` describes; None for any other kind."""
    return kind.removeprefix(_DISTINCT) if kind.startswith(_DISTINCT) else None


def is_undo(kind: str) -> bool:
    """Return whether a decision of this kind takes another one back."""
    return kind.startswith(_UNDO)


def undone(kind: str) -> str:
    """Return the kind of the decision that takes one of this kind back; the inverse of itself."""
    return kind.removeprefix(_UNDO) if is_undo(kind) else _UNDO + kind


def is_mark(kind: str) -> bool:
    """Return whether a decision of this kind deletes or restores an image."""
    return kind.removeprefix(_UNDO) in (DELETE, RESTORE)
