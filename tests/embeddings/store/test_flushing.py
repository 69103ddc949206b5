"""Flushing of tables: every commit is on disk, and its cost does not grow with their number."""

import os
from pathlib import Path

import pyarrow as pa
import pytest

from embeddings.store.tables import append_rows, create_table


def test_each_commit_flushes_its_own_files_and_few_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    flushed: set[Path] = set()
    fsync = os.fsync

    def record(descriptor: int) -> None:
        flushed.add(Path(f"/proc/self/fd/{descriptor}").resolve())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    table = tmp_path / "rows.lance"
    create_table(str(table), pa.schema([("number", pa.int64())]), {})
    counts = []
    for number in range(12):
        before = {path for path in table.rglob("*") if path.is_file()}
        flushed.clear()
        append_rows(str(table), pa.table({"number": [number]}))
        written = {path for path in table.rglob("*") if path.is_file()} - before
        assert written <= flushed
        assert {path.parent for path in written} <= flushed
        counts.append(len(flushed))
    assert max(counts[6:]) <= max(counts[:6])
