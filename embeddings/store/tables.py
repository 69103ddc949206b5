"""Lance tables of the feature store: open, flush, and translation of errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lance
import pyarrow as pa
from lance.file import LanceFileSession

from embeddings.atomic import flush_folder
from embeddings.errors import BelvedereError


class StoreError(BelvedereError):
    """Missing feature store, table or version."""


class StoreDamaged(StoreError):
    """Table of the feature store that cannot be read or written."""


def table_uri(uri: str, name: str) -> str:
    """Return the URI of a table of the store."""
    return f"{uri.rstrip('/')}/{name}.lance"


def open_table(path: str, version: int | None = None) -> lance.LanceDataset | None:
    """Open a table; return None if the table or version does not exist.

    Raises `StoreDamaged`.
    """
    try:
        return lance.dataset(path, version=version)
    except (ValueError, OSError) as error:
        with translate_errors(path):
            if not LanceFileSession(path).list("_versions"):
                return None
            if version is not None:
                found = {int(each["version"]) for each in lance.dataset(path).versions()}
                if version not in found:
                    return None
            raise error


@contextmanager
def translate_errors(path: str) -> Iterator[None]:
    """Turn the errors of Lance and Arrow into `StoreDamaged`."""
    try:
        yield
    except (OSError, RuntimeError, ValueError, pa.ArrowException) as error:
        if isinstance(error, BelvedereError):
            raise
        raise StoreDamaged(_advice(path, str(error))) from error


def _advice(path: str, error: str) -> str:
    # After its first line and a comma, Lance gives positions in its own source code.
    reason = error.splitlines()[0].split(", /")[0]
    if "No space left" in error:
        return f"The disk of {path} is full; free some space. No file was left incomplete."
    if "os error 13" in error or "os error 30" in error:
        return f"{path} is not accessible ({reason}); give this user access to it."
    if "://" in path:
        return f"{path} is not accessible ({reason}); check BELVEDERE_STORE and the connection."
    return (
        f"The table {path} of the feature store is damaged or cannot be read ({reason}); delete "
        "that folder and run `belvedere data` and `belvedere publish` again."
    )


def flush_table(path: str) -> None:
    """Flush a table on a local disk, which Lance does not do itself."""
    if "://" not in path:
        flush_folder(Path(path))
