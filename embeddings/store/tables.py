"""Lance tables of the feature store: create, open, append, and translation of errors."""

import errno
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

import lance
import numpy as np
import pyarrow as pa
from lance.file import LanceFileSession

from embeddings.arrays import Rows
from embeddings.errors import BelvedereError
from embeddings.lease import LeaseLost, require_lease
from embeddings.objects import without_secrets
from embeddings.settings import is_remote
from embeddings.store.flushing import flush_new_table, flush_table

STORE_FORMAT = 5
"""Version of the tables' format, written into the metadata of each table."""

ROWS_PER_FILE = 4096
"""Most rows of a data file, so that fragments of large tables can be processed in parallel."""

_FORMAT_KEY = b"belvedere.format"

_FULL_CODES = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL = re.compile(r"No space left|quota exceeded|File too large", re.IGNORECASE)


class StoreError(BelvedereError):
    """Missing feature store, table or version."""


class StoreDamaged(StoreError):
    """Table of the feature store that cannot be read or written."""


class StoreFull(StoreError):
    """Write that failed because the disk, a quota or a limit of file sizes is exhausted."""


class OtherFormat(StoreError):
    """Table written by another version of Belvedere, which is left as it is."""


def table_uri(uri: str, name: str) -> str:
    """Return the URI of a table of the store."""
    return f"{uri.rstrip('/')}/{name}.lance"


def create_table(path: str, schema: pa.Schema, metadata: Mapping[bytes, bytes]) -> None:
    """Create an empty table with stable row ids and the version of the format."""
    described = schema.with_metadata({_FORMAT_KEY: str(STORE_FORMAT).encode(), **metadata})
    with translate_errors(path):
        # Stable row ids can only be switched on when a table is created.
        lance.write_dataset(
            described.empty_table(), path, mode="create", enable_stable_row_ids=True
        )
    flush_new_table(path)


def open_table(path: str, version: int | None = None) -> lance.LanceDataset | None:
    """Open a table; return None if the table or version does not exist.

    Raises `OtherFormat` and `StoreDamaged`.
    """
    try:
        dataset = lance.dataset(path, version=version)
    except (ValueError, OSError) as error:
        with translate_errors(path):
            if not LanceFileSession(path).list("_versions"):
                return None
            if version is not None:
                found = {int(each["version"]) for each in lance.dataset(path).versions()}
                if version not in found:
                    return None
            raise error
    _check_format(path, dataset.schema)
    return dataset


def _check_format(path: str, schema: pa.Schema) -> None:
    found = (schema.metadata or {}).get(_FORMAT_KEY, b"").decode()
    if found == str(STORE_FORMAT):
        return
    newer = found.isdigit() and int(found) > STORE_FORMAT
    raise OtherFormat(
        f"{path} was written by {'a newer' if newer else 'an earlier'} version of Belvedere "
        f"(format {found or 'without number'}; this version reads {STORE_FORMAT}) and is left as "
        "it is. "
        + (
            "Update Belvedere, or set BELVEDERE_HOME to another folder."
            if newer
            else "Set BELVEDERE_HOME to a new folder and run `belvedere up` again: the images are "
            "ingested from their source. Then delete the earlier folder."
        )
    )


def check_lease(path: str) -> None:
    """Raise `StoreDamaged` before a commit if this process lost the lease of the store."""
    try:
        require_lease(path)
    except LeaseLost as error:
        raise StoreDamaged(str(error)) from error


def append_rows(path: str, rows: pa.Table | pa.RecordBatchReader) -> None:
    """Append rows to an existing table in one atomic commit and flush it.

    Raises `StoreDamaged`.
    """
    write_rows(path, rows, "append")
    with translate_errors(path):
        flush_table(path)


def write_rows(
    path: str, rows: pa.Table | pa.RecordBatchReader, mode: Literal["append", "create"]
) -> lance.LanceDataset:
    """Write rows to a table in one atomic commit, without flushing it. Raises `StoreDamaged`."""
    check_lease(path)
    with translate_errors(path):
        return lance.write_dataset(
            rows, path, mode=mode, enable_stable_row_ids=True, max_rows_per_file=ROWS_PER_FILE
        )


def scan_rows(
    dataset: lance.LanceDataset, columns: list[str], rows: Rows, condition: str | None = None
) -> Iterator[tuple[Rows, Rows, pa.RecordBatch]]:
    """Yield batches of a table with the positions in `rows` and the rows of the batch for them.

    `rows` are numbers of rows that meet the condition. Raises `StoreDamaged`.
    """
    order = np.argsort(rows, kind="stable")
    ascending, start = rows[order], 0
    with translate_errors(dataset.uri):
        # By default, Lance reads 16 batches and several files ahead.
        for batch in dataset.to_batches(
            columns, condition, batch_size=1024, batch_readahead=1, fragment_readahead=1
        ):
            first, last = np.searchsorted(ascending, [start, start + len(batch)])
            yield order[first:last], ascending[first:last] - start, batch
            start += len(batch)


@contextmanager
def translate_errors(path: str) -> Iterator[None]:
    """Turn the errors of Lance, Arrow and the file system into `StoreFull` and `StoreDamaged`."""
    try:
        yield
    except (OSError, RuntimeError, ValueError, pa.ArrowException) as error:
        if isinstance(error, BelvedereError):
            raise
        if _FULL.search(str(error)) or getattr(error, "errno", None) in _FULL_CODES:
            raise StoreFull(
                f"The disk of {path} is full; free some space. No file was left incomplete."
            ) from error
        raise StoreDamaged(_advice(path, str(error))) from error


def _advice(path: str, error: str) -> str:
    # After its first line and a comma, Lance gives positions in its own source code.
    reason = error.splitlines()[0].split(", /")[0]
    if "os error 13" in error or "os error 30" in error:
        return f"{path} is not accessible ({reason}); give this user access to it."
    if is_remote(path):
        shown = without_secrets(reason.split(" - Server returned")[0])
        return f"{path} is not accessible ({shown}); check BELVEDERE_STORE and the connection."
    return (
        f"The table {path} of the feature store is damaged or cannot be read ({reason}); run "
        "`belvedere verify`. If there is no backup, set BELVEDERE_HOME to a new folder and run "
        "`belvedere up` again."
    )
