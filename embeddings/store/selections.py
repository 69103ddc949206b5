"""Saved selections of images: sets of ids, and filters that are evaluated when they are read."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal, NamedTuple

import pyarrow as pa

from embeddings.objects import in_object_storage
from embeddings.store.flushing import flush_table
from embeddings.store.tables import (
    check_lease,
    create_table,
    open_table,
    table_uri,
    translate_errors,
)

_TIME = pa.timestamp("us", "UTC")

SELECTION_SCHEMA = pa.schema(
    [
        pa.field(
            "name",
            pa.string(),
            nullable=False,
            metadata={b"lance-schema:unenforced-primary-key": b"true"},
        ),
        pa.field("ids", pa.list_(pa.string())),
        pa.field("filter", pa.string()),
        pa.field("by", pa.string()),
        pa.field("created", _TIME),
        pa.field("changed", _TIME),
    ]
)
"""Columns of the table `selections`: either `ids` or `filter` is null."""

_MOST_FRAGMENTS = 20
_TAG_LENGTH = 16
_VERSIONS_FOR_READERS = 20
"""Newest versions of the table that stay, because readers have them open."""


class StoredSelection(NamedTuple):
    """Row of the table `selections`."""

    name: str
    ids: tuple[str, ...] | None
    """Ids of a fixed selection; some may be deleted."""
    filter: dict[str, Any] | None
    """Conditions of a live selection, as an object of JSON."""
    by: str
    """Name of the person that saved it last."""
    created: datetime
    changed: datetime

    @property
    def kind(self) -> Literal["fixed", "live"]:
        """Return `fixed` for a set of ids, `live` for a filter."""
        return "live" if self.ids is None else "fixed"

    @property
    def tag(self) -> str:
        """Return a tag of the contents; selections with equal contents have one."""
        content = json.dumps((self.name, self.ids, self.filter), sort_keys=True)
        return sha256(content.encode()).hexdigest()[:_TAG_LENGTH]


@dataclass(frozen=True)
class SelectionTable:
    """Table `selections`, which exists from the first selection on; a row for each name.

    A caller of a method that writes must hold the lock of the store.
    """

    uri: str

    @property
    def path(self) -> str:
        """URI of the table."""
        return table_uri(self.uri, "selections")

    def version(self) -> int:
        """Return the version of the table; 0 if there is none. Raises `StoreDamaged`."""
        dataset = open_table(self.path)
        return 0 if dataset is None else int(dataset.version)

    def read(self) -> dict[str, StoredSelection]:
        """Return all selections by name, in the order of names. Raises `StoreDamaged`."""
        dataset = open_table(self.path)
        if dataset is None:
            return {}
        with translate_errors(self.path):
            rows = dataset.to_table().to_pylist()
        found = map(_of_row, rows)
        return {each.name: each for each in sorted(found, key=lambda each: each.name)}

    def put(self, selection: StoredSelection) -> None:
        """Add or replace a selection in one atomic commit. Raises `StoreDamaged`."""
        if open_table(self.path) is None:
            create_table(self.path, SELECTION_SCHEMA, {})
        self._upsert([selection])

    def remove(self, name: str) -> None:
        """Remove a selection, if there is one. Raises `StoreDamaged`."""
        dataset = open_table(self.path)
        if dataset is None:
            return
        check_lease(self.path)
        with translate_errors(self.path):
            quoted = name.replace("'", "''")
            dataset.delete(f"name = '{quoted}'")
            flush_table(self.path)

    def remove_ids(self, ids: Collection[str]) -> None:
        """Remove ids from all selections; the old versions of the table keep them.

        Raises `StoreDamaged`.
        """
        erased = frozenset(ids)
        changed = [
            each._replace(ids=tuple(name for name in each.ids if name not in erased))
            for each in self.read().values()
            if each.ids is not None and not erased.isdisjoint(each.ids)
        ]
        if changed:
            self._upsert(changed)

    def _upsert(self, selections: Collection[StoredSelection]) -> None:
        rows = pa.Table.from_pylist([*map(_as_row, selections)], schema=SELECTION_SCHEMA)
        check_lease(self.path)
        with translate_errors(self.path):
            dataset = open_table(self.path)
            assert dataset is not None
            merge = dataset.merge_insert("name")
            merge.when_matched_update_all().when_not_matched_insert_all()
            if in_object_storage(self.uri):
                # As for `images`: the lease may have passed to another process meanwhile.
                merge.conflict_retries(0)
            merge.use_index(False).execute(rows)
            flush_table(self.path)
        self._compact()

    def _compact(self) -> None:
        """Merge the fragments of many changes, and remove old versions."""
        dataset = open_table(self.path)
        if dataset is None or len(dataset.get_fragments()) <= _MOST_FRAGMENTS:
            return
        with translate_errors(self.path):
            dataset.optimize.compact_files()
            flush_table(self.path)
            dataset.cleanup_old_versions(retain_versions=_VERSIONS_FOR_READERS)


def _as_row(selection: StoredSelection) -> dict[str, Any]:
    conditions = selection.filter
    text = None if conditions is None else json.dumps(conditions, ensure_ascii=False)
    return {**selection._asdict(), "filter": text}


def _of_row(row: dict[str, Any]) -> StoredSelection:
    ids, text = row["ids"], row["filter"]
    return StoredSelection(
        **{
            **row,
            "ids": None if ids is None else tuple(ids),
            "filter": None if text is None else json.loads(text),
        }
    )
