"""Ids and labels given by people and clients."""

from embeddings.file_names import printable, to_nfc
from embeddings.ingest.changes import InvalidChange

_LONGEST_ID = 1000
_LONGEST_LABEL = 100
_LONGEST_TAG = 64
_LONGEST_SELECTION = 80
_PARENTS = {".", ".."}
"""Names that addresses do not keep."""


def checked_id(identifier: str) -> str:
    """Return the id of a new image in NFC. Raises `InvalidChange` if it is unusable."""
    name = to_nfc(identifier)
    if not 0 < len(name) <= _LONGEST_ID:
        raise InvalidChange(
            f"An id has 1 to {_LONGEST_ID:,} characters, this one {len(name):,}; choose another id."
        )
    if not name.isprintable() or name.strip() != name:
        raise InvalidChange(
            f"The id {printable(name)!r} has control characters, or spaces at an end; choose an id "
            "of printable characters."
        )
    if any(part in {"", ".", ".."} for part in name.split("/")):
        raise InvalidChange(
            f"The id {name!r} has an empty part, `.` or `..` between slashes; choose an id such as "
            "`lake/my-image`."
        )
    return name


def checked_label(label: str) -> str:
    """Return a label in NFC. Raises `InvalidChange` if it is unusable."""
    name = to_nfc(label)
    if not is_label(name):
        raise InvalidChange(
            f"{label!r} cannot be a label; use up to {_LONGEST_LABEL} printable characters without "
            "`/`, and no space at either end."
        )
    return name


def is_label(text: str) -> bool:
    """Return whether a text can be a label."""
    name = to_nfc(text)
    return _is_name(name, _LONGEST_LABEL) and name not in _PARENTS and "/" not in name


def checked_tag(tag: str) -> str:
    """Return a tag in NFC. Raises `InvalidChange` if it is unusable."""
    name = to_nfc(tag)
    if not _is_name(name, _LONGEST_TAG):
        raise InvalidChange(
            f"{tag!r} cannot be a tag; use 1 to {_LONGEST_TAG} printable characters, and no space "
            "at either end."
        )
    return name


def checked_selection(name: str) -> str:
    """Return the name of a selection in NFC. Raises `InvalidChange` if it is unusable."""
    normal = to_nfc(name)
    if not _is_name(normal, _LONGEST_SELECTION) or normal in _PARENTS:
        raise InvalidChange(
            f"{normal!r:.100} cannot name a selection; use 1 to {_LONGEST_SELECTION} printable "
            "characters, and no space at either end."
        )
    return normal


def _is_name(text: str, longest: int) -> bool:
    """Return whether a text has 1 to `longest` printable characters, and no space at an end."""
    return text.strip() == text != "" and len(text) <= longest and printable(text) == text
