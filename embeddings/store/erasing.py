"""Erasure: removal of all rows and files of images from the tables and their old versions."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import lance
import pyarrow as pa
import pyarrow.compute as pc

from embeddings.store.blobs import BlobTable
from embeddings.store.files import FileLedger
from embeddings.store.flushing import flush_table
from embeddings.store.images import ImageTable
from embeddings.store.labels import LabelJournal
from embeddings.store.selections import SelectionTable
from embeddings.store.tables import (
    ROWS_PER_FILE,
    check_lease,
    open_table,
    translate_errors,
)
from embeddings.store.versions import delete_tag, list_tags, read_revision, remove_versions

_ROWS_PER_DELETE = 1000


@dataclass(frozen=True)
class Traces:
    """Contents of the tables that belong to images."""

    ids: tuple[str, ...]
    known: frozenset[str]
    """Ids that a revision has."""
    digests: frozenset[str]
    """Digests of their files, past ones too, that no other image has."""
    sources: frozenset[str]
    """Digests of their source files that no other image has."""
    paths: frozenset[str]
    """Paths of their source files."""
    revisions: tuple[int, ...]
    """Revisions from the first one with a row of these images on."""
    tags: tuple[str, ...]
    """Tags of these revisions, which are dropped."""
    learned: tuple[str, ...]
    """Tags of the revisions with one of these images on the side `train`."""


@dataclass(frozen=True)
class Erased:
    """Numbers of erased rows."""

    images: int
    files: int
    """Stored JPEG files; a file that another image has stays."""
    features: int
    decisions: int
    ledger: int


def find_traces(table: ImageTable, ids: Sequence[str]) -> Traces:
    """Return all traces of images in any revision. Raises `StoreError`."""
    tags = list_tags(table)
    own: list[pa.Table] = []
    others: list[pa.Table] = []
    revisions: list[int] = []
    learned: set[int] = set()
    for revision, rows in _revisions(table):
        chosen = pc.is_in(rows.column("id"), pa.array(ids, pa.string()))
        mine, rest = rows.filter(chosen), rows.filter(pc.invert(chosen))
        if own or len(mine):
            # A revision without the row of a killed erasure still has its file.
            revisions.append(revision)
            own.append(mine)
        else:
            others.append(rest)
        if "train" in mine.column("split").to_pylist():
            learned.add(revision)
    others.append(rest)
    found = pa.concat_tables(own) if own else rest.slice(0, 0)
    kept = pa.concat_tables(others)
    return Traces(
        ids=tuple(ids),
        known=frozenset(found.column("id").to_pylist()),
        digests=_only(found, kept, "digest"),
        sources=_only(found, kept, "source_digest"),
        paths=frozenset(filter(None, found.column("path").to_pylist())),
        revisions=tuple(revisions),
        tags=tuple(tag for tag, revision in tags.items() if revision in revisions),
        learned=tuple(tag for tag, revision in tags.items() if revision in learned),
    )


def erase(table: ImageTable, feature_paths: Sequence[str], traces: Traces) -> Erased:
    """Erase images: their rows in all tables, their files, and the revisions with them.

    The tags of these revisions are dropped. The rows of `images` are erased last, so that a second
    call finishes what a killed process began. The caller must hold the lock. Raises
    `StoreDamaged`.
    """
    for tag in traces.tags:
        delete_tag(table, tag)
    decisions = _erase_rows(LabelJournal(table.uri).path, _has("id", traces.ids))
    _erase_in_selections(SelectionTable(table.uri), traces.ids)
    ledger = _erase_rows(FileLedger(table.uri).path, lambda rows: _names(rows, traces))
    digests = _has("digest", traces.digests)
    features = sum(_erase_rows(path, digests) for path in feature_paths)
    files = _erase_rows(BlobTable(table.uri).path, digests)
    kept = {revision for revision, _ in _revisions(table)} - set(traces.revisions)
    images = _erase_rows(table.path, _has("id", traces.ids), kept)
    return Erased(images, files, features, decisions, ledger)


def _revisions(table: ImageTable) -> Iterator[tuple[int, pa.Table]]:
    """Yield each revision with some columns of all its rows, the oldest first.

    Revisions that a killed clean-up began to delete are left out.
    """
    columns = ["id", "digest", "source_digest", "path", "split"]
    newest = table.open().dataset
    with translate_errors(table.path):
        revisions = sorted(int(each["version"]) for each in newest.versions())
    for revision in revisions:
        if (rows := read_revision(table, revision, columns)) is not None:
            yield revision, rows


def _only(found: pa.Table, kept: pa.Table, column: str) -> frozenset[str]:
    return frozenset(found.column(column).to_pylist()) - set(kept.column(column).to_pylist())


_Chosen = Callable[[pa.Table], pa.ChunkedArray]


def _has(column: str, values: Collection[str]) -> _Chosen:
    return lambda rows: pc.is_in(rows.column(column), pa.array(sorted(values), pa.string()))


def _names(rows: pa.Table, traces: Traces) -> pa.ChunkedArray:
    """Return a mask of the rows of the ledger with an erased image, its files, or its id."""
    chosen = _has("id", traces.ids)(rows)
    for column, values in (("digest", traces.digests), ("source_digest", traces.sources)):
        chosen = pc.or_(chosen, _has(column, values)(rows))
    for identifier in traces.ids:
        mentioned = pc.match_substring(rows.column("reason"), identifier)
        chosen = pc.or_(chosen, pc.fill_null(mentioned, fill_value=False))
    return chosen


def _erase_rows(path: str, chosen: _Chosen, kept: Collection[int] = ()) -> int:
    """Erase rows of a table and all its versions but the newest and those in `kept`."""
    dataset = open_table(path)
    if dataset is None:
        return 0
    check_lease(path)
    with translate_errors(path):
        wanted = {"id", "digest", "source_digest", "reason"} & set(dataset.schema.names)
        rows = dataset.to_table(columns=sorted(wanted), with_row_id=True)
        found = rows.filter(chosen(rows)).column("_rowid").to_pylist()
        for start in range(0, len(found), _ROWS_PER_DELETE):
            # By row id, because the condition is written into the table.
            part = ", ".join(map(str, found[start : start + _ROWS_PER_DELETE]))
            dataset.delete(f"_rowid IN ({part})")
            flush_table(path)
    _forget_rows(path, dataset, kept)
    return len(found)


def _erase_in_selections(table: SelectionTable, ids: Sequence[str]) -> None:
    """Erase ids in selections, which stay with their other ids."""
    table.remove_ids(ids)
    dataset = open_table(table.path)
    if dataset is not None:
        check_lease(table.path)
        _forget_rows(table.path, dataset)


def _forget_rows(path: str, dataset: lance.LanceDataset, kept: Collection[int] = ()) -> None:
    """Remove the files of deleted rows, and all versions but the newest and those in `kept`."""
    with translate_errors(path):
        dataset.optimize.compact_files(
            target_rows_per_fragment=ROWS_PER_FILE, materialize_deletions_threshold=0.0
        )
    flush_table(path)
    remove_versions(path, kept)
    flush_table(path)
