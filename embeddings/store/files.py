"""Ledger of ingested files, so that an unchanged file is not read again.

The ledger is derived: without it, all files of a data set are read again and found unchanged.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from embeddings.store.records import FileEntry
from embeddings.store.tables import (
    append_rows,
    create_table,
    open_table,
    table_uri,
    translate_errors,
)

FILE_SCHEMA = pa.schema(
    [pa.field(name, pa.int64() if name == "size" else pa.string()) for name in FileEntry._fields]
)


@dataclass(frozen=True)
class FileLedger:
    """Table `files`: outcome of each file, keyed by source and path."""

    uri: str

    @property
    def path(self) -> str:
        """URI of the table."""
        return table_uri(self.uri, "files")

    def upsert(self, entries: Sequence[FileEntry]) -> None:
        """Add or replace entries in one atomic commit: the last row of a file counts."""
        if entries:
            if open_table(self.path) is None:
                create_table(self.path, FILE_SCHEMA, {})
            columns = [
                pa.array(values, field.type)
                for values, field in zip(zip(*entries, strict=True), FILE_SCHEMA, strict=True)
            ]
            append_rows(self.path, pa.table(columns, schema=FILE_SCHEMA))

    def read(self, source: str) -> dict[str, FileEntry]:
        """Return the entries of a source by path. Raises `StoreDamaged`."""
        dataset = open_table(self.path)
        if dataset is None:
            return {}
        quoted = source.replace("'", "''")
        with translate_errors(self.path):
            table = dataset.to_table(columns=FILE_SCHEMA.names, filter=f"source = '{quoted}'")
        columns = [table.column(name).to_pylist() for name in FILE_SCHEMA.names]
        for name in ("source", "outcome", "reason"):
            # Equal texts are one object: a large data set has few different ones.
            number = FILE_SCHEMA.get_field_index(name)
            columns[number] = [sys.intern(text) for text in columns[number]]
        return {entry.path: entry for entry in map(FileEntry._make, zip(*columns, strict=True))}
