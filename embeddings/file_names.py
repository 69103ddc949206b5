"""Names of files and classes as text: UTF-8 in Unicode normalization form C (NFC)."""

import os
from pathlib import PurePath
from unicodedata import normalize


def to_nfc(name: str) -> str:
    """Return a name in NFC, the form used to compare ids, labels and requests."""
    return normalize("NFC", name)


def file_name(path: PurePath | str) -> str:
    r"""Return the path of a file on disk as text.

    File names are bytes. They are decoded as UTF-8 regardless of the locale; an invalid byte
    becomes an escape such as `\xe9`.
    """
    return to_nfc(os.fsencode(path).decode("utf-8", "backslashreplace"))


def is_utf8(path: PurePath | str) -> bool:
    """Return True if the path of a file on disk is valid UTF-8."""
    try:
        os.fsencode(path).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def printable(text: str) -> str:
    """Return text on one line, with line breaks and other control characters escaped."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )
