"""Digests that identify runs and cached arrays by content."""

import glob
import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
Warn = Callable[[str], None]

_HEXADECIMAL = "[0-9a-f]"


def digest_of(facts: object) -> str:
    """Return the SHA-256 of a JSON-serializable object, as a hexadecimal string."""
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def read_cached(path: Path, read: Callable[[Path], T], warn: Warn) -> T | None:
    """Return the content of a cached file; None if it is missing or damaged.

    Warns of a damaged file.
    """
    try:
        return read(path)
    except FileNotFoundError:
        return None
    except Exception:  # readers raise many types of errors for damaged files
        warn(f"{path} is damaged; it is created again.")
        return None


def delete_superseded(path: Path, key: str) -> None:
    """Delete the files beside `path` whose names differ from its name only in the key."""
    pattern = glob.escape(path.name).replace(key, _HEXADECIMAL * len(key))
    for other in path.parent.glob(pattern):
        if other != path:
            other.unlink(missing_ok=True)
