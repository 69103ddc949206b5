"""Decisions of persons about labels and duplicates that still hold, read from the journal."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from embeddings.arrays import Mask
from embeddings.live_state import LiveState
from embeddings.store.labels import LabelJournal
from embeddings.store.tables import open_table


@dataclass(frozen=True)
class Decided:
    """Decisions that were not taken back, about files that were not replaced later."""

    labels: Mapping[str, str | None]
    """Label that a person set or kept last, by id."""
    distinct: tuple[frozenset[str], ...]
    """Sets of ids of which no two are duplicates."""


def read_decided(journal: LabelJournal) -> Decided:
    """Return the decisions of a journal that hold. Raises `StoreDamaged`."""
    labels = {identifier: review.label for identifier, review in journal.reviewed().items()}
    return Decided(labels, journal.distinct())


def journal_version(journal: LabelJournal) -> int:
    """Return the version of a journal; 0 if there is none. Raises `StoreDamaged`."""
    dataset = open_table(journal.path)
    return 0 if dataset is None else int(dataset.version)


def decided_rows(live: LiveState, decided: Decided) -> Mask:
    """Return a mask of the rows whose present label a person has set or kept."""
    mask = np.zeros(len(live), np.bool_)
    for identifier, label in decided.labels.items():
        row = live.row(identifier)
        if row is not None and live.labels[row] == label:
            mask[row] = True
    return mask
