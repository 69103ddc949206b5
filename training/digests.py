"""Digests that name cached arrays and runs by the content that they stand for."""

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
    """Return the SHA-256 of anything that JSON can hold, as a hexadecimal string."""
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def read_cached(path: Path, read: Callable[[Path], T], warn: Warn) -> T | None:
    """Return the content of a cached file; None if the file is missing or damaged.

    A damaged file is warned of.
    """
    try:
        return read(path)
    except FileNotFoundError:
        return None
    except Exception:  # readers raise many kinds for damaged files
        warn(f"{path} is damaged; it is made anew.")
        return None


def delete_superseded(path: Path, key: str) -> None:
    """Delete the files beside `path` whose names differ from its name in the key alone."""
    pattern = glob.escape(path.name).replace(key, _HEXADECIMAL * len(key))
    for other in path.parent.glob(pattern):
        if other != path:
            other.unlink(missing_ok=True)
