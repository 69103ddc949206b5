"""Flushing of tables: every commit is on disk, and its cost does not grow with their number."""

import os
from collections.abc import Callable
from pathlib import Path

import lance
import pyarrow as pa
import pytest

from embeddings.store.flushing import flush_table
from embeddings.store.records import Images
from embeddings.store.retention import Retention
from embeddings.store.store import Store
from embeddings.store.tables import append_rows, create_table
from tests.embeddings.store.contents import add_files, image, new_store


@pytest.fixture
def flushed(monkeypatch: pytest.MonkeyPatch) -> set[Path]:
    """Return the set of the paths that are flushed from now on."""
    found: set[Path] = set()
    fsync = os.fsync

    def record(descriptor: int) -> None:
        found.add(Path(f"/proc/self/fd/{descriptor}").resolve())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    return found


def files_of(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def test_each_commit_flushes_its_own_files_and_few_others(
    tmp_path: Path, flushed: set[Path]
) -> None:
    table = tmp_path / "rows.lance"
    create_table(str(table), pa.schema([("number", pa.int64())]), {})
    assert files_of(table) | {table.parent} <= flushed
    counts = []
    for number in range(12):
        before = files_of(table)
        flushed.clear()
        append_rows(str(table), pa.table({"number": [number]}))
        written = files_of(table) - before
        assert written <= flushed
        assert {path.parent for path in written} <= flushed
        counts.append(len(flushed))
    assert max(counts[6:]) <= max(counts[:6])


def test_a_flush_includes_the_commits_of_a_process_killed_before_its_own(
    tmp_path: Path, flushed: set[Path]
) -> None:
    path = str(tmp_path / "rows.lance")
    create_table(path, pa.schema([("number", pa.int64())]), {})
    before = files_of(tmp_path)
    for number in range(3):
        lance.write_dataset(pa.table({"number": [number]}), path, mode="append")
    flush_table(path)
    assert files_of(tmp_path) - before <= flushed


CHANGES: dict[str, Callable[[Store], object]] = {
    "insert": lambda store: store.put([image("lake/new")]),
    "update": lambda store: store.put([image("lake/0", label="sea")]),
    "delete": lambda store: store.delete(["lake/0"]),
    "tag": lambda store: store.tag("spring"),
    "erase": lambda store: store.erase(store.find_traces(["lake/1"])),
    "clean up": lambda store: store.compact(Retention(versions=1, days=0)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_all_files_of_a_change_are_flushed(tmp_path: Path, flushed: set[Path], change: str) -> None:
    store = new_store(str(tmp_path))
    add_files(store, [b"jpeg", b"other"])
    store.put([image(f"lake/{number}") for number in range(5)])
    store.put([image("lake/3", b"other")])
    store.put([image("lake/3", b"jpeg")])
    for number in range(5, 110):
        rows = Images.of([image(f"lake/{number}")])
        lance.write_dataset(rows.table, store.images.path, mode="append")
    before = files_of(tmp_path)
    flushed.clear()
    CHANGES[change](store)
    assert files_of(tmp_path) - before <= flushed
