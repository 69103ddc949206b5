"""Names of files and classes as text: UTF-8, in Unicode's composed form (NFC)."""

import os
from pathlib import PurePath
from unicodedata import normalize


def to_nfc(name: str) -> str:
    """Return a name in the form NFC, in which ids, labels and requests are compared."""
    return normalize("NFC", name)


def file_name(path: PurePath | str) -> str:
    r"""Return the path of a file on disk as text.

    File names are bytes. They are read as UTF-8 whatever the locale says; a byte that is not UTF-8
    is shown as `\xe9`.
    """
    return to_nfc(os.fsencode(path).decode("utf-8", "backslashreplace"))


def is_utf8(path: PurePath | str) -> bool:
    """Return whether the path of a file on disk is UTF-8."""
    try:
        os.fsencode(path).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def printable(text: str) -> str:
    """Return text in one line: line ends and other control characters as escapes."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )
