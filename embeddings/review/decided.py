"""Decisions of persons about labels and duplicates that still hold, read from the journal."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from embeddings.arrays import Mask
from embeddings.live_state import LiveState
from embeddings.store.labels import LabelJournal
from embeddings.store.tables import open_table, translate_errors

DISTINCT = "distinct:"
"""Beginning of `why` of decisions that images are not duplicates; the rest names the group."""

_LOOKED = ("review", "reviewed")
_OTHER_FILE = "replacement"
_COLUMNS = ["decision", "id", "after", "at", "why", "undoes"]
_CONDITION = "why != 'import' OR undoes IS NOT NULL"


class JournalRow(NamedTuple):
    """Part of a row of the journal."""

    key: str
    id: str
    after: str | None
    why: str
    undoes: str | None


@dataclass(frozen=True)
class Decided:
    """Decisions that were not taken back, about files that were not replaced later."""

    labels: Mapping[str, str | None]
    """Label that a person set or kept last, by id."""
    distinct: tuple[frozenset[str], ...]
    """Sets of ids of which no two are duplicates."""


def read_decided(journal: LabelJournal) -> Decided:
    """Return the decisions of a journal that hold. Raises `StoreDamaged`."""
    return decided_of(_rows(journal))


def journal_version(journal: LabelJournal) -> int:
    """Return the version of a journal; 0 if there is none. Raises `StoreDamaged`."""
    dataset = open_table(journal.path)
    return 0 if dataset is None else int(dataset.version)


def decided_of(rows: Iterable[JournalRow]) -> Decided:
    """Return the decisions of journal rows in the order of their time that hold."""
    kept = [*rows]
    undone = {row.undoes for row in kept if row.undoes}
    labels: dict[str, str | None] = {}
    groups: dict[str, set[str]] = {}
    for row in kept:
        if row.why == _OTHER_FILE:
            labels.pop(row.id, None)
            for group in groups.values():
                group.discard(row.id)
        elif row.undoes or row.key in undone:
            continue
        elif row.why in _LOOKED:
            labels[row.id] = row.after
        elif row.why.startswith(DISTINCT):
            groups.setdefault(row.why, set()).add(row.id)
    return Decided(labels, tuple(frozenset(group) for group in groups.values() if len(group) > 1))


def _rows(journal: LabelJournal) -> Iterator[JournalRow]:
    dataset = open_table(journal.path)
    if dataset is None:
        return
    with translate_errors(journal.path):
        found = dataset.to_table(columns=_COLUMNS, filter=_CONDITION).to_pylist()
    for row in sorted(found, key=lambda each: each["at"]):
        yield JournalRow(row["decision"], row["id"], row["after"], row["why"], row["undoes"])


def decided_rows(live: LiveState, decided: Decided) -> Mask:
    """Return a mask of the rows whose present label a person has set or kept."""
    mask = np.zeros(len(live), np.bool_)
    for identifier, label in decided.labels.items():
        row = live.row(identifier)
        if row is not None and live.labels[row] == label:
            mask[row] = True
    return mask
