"""Tables of the feature store on disk: opened, flushed, and with errors of the domain."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lance
import pyarrow as pa
from lance.file import LanceFileSession

from embeddings.atomic import flush_folder
from embeddings.errors import BelvedereError


class StoreError(BelvedereError):
    """The feature store is missing or does not hold what was asked for."""


class StoreDamaged(StoreError):
    """A table of the feature store is there but cannot be read or written."""


def table_uri(uri: str, name: str) -> str:
    """Return the address of a table of the store."""
    return f"{uri.rstrip('/')}/{name}.lance"


def open_table(path: str, version: int | None = None) -> lance.LanceDataset | None:
    """Open a table; return None where there is no such table or version."""
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
    # After its first line and comma, Lance names places in its own source.
    reason = error.splitlines()[0].split(", /")[0]
    if "No space left" in error:
        return f"The disk of {path} is full; make room, nothing was left half-written."
    if "os error 13" in error or "os error 30" in error:
        return f"{path} cannot be used ({reason}); give this user access to it."
    if "://" in path:
        return f"{path} cannot be used ({reason}); check BELVEDERE_STORE and that it is reachable."
    return (
        f"The table {path} of the feature store is damaged or cannot be read ({reason}); delete "
        "that folder and run `belvedere data` and `belvedere publish` again."
    )


def flush_table(path: str) -> None:
    """Flush a table on a local disk; Lance leaves that to the system."""
    if "://" not in path:
        flush_folder(Path(path))
