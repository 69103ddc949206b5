"""Evidence about the labels of a live state."""

from collections.abc import Sequence

import numpy as np

from embeddings.arrays import Floats, Labels
from embeddings.live_state import LiveState
from embeddings.release.reader import LabelIssue
from embeddings.review.evidence import NO_CLASS, Evidence, Suspicions


def evidence_of(
    live: LiveState, classes: Sequence[str], thresholds: Floats, issues: Sequence[LabelIssue]
) -> Evidence:
    """Return the evidence about all rows of a state.

    `classes` are those of the model and after them other labels. `thresholds` are the least
    probabilities in a prediction set, shape (classes of the model,). `issues` are the likely label
    errors that still hold.
    """
    return Evidence(
        classes=classes,
        labels=_numbers(live, classes),
        probabilities=live.all_probabilities,
        thresholds=thresholds,
        typicalities=live.typicalities,
        neighbors=live.neighbor_lists[0],
        suspicions=_suspicions(live, classes, issues),
    )


def _numbers(live: LiveState, classes: Sequence[str]) -> Labels:
    """Return the class of each row; `NO_CLASS` for dead rows, too."""
    known: dict[str | None, int] = {name: number for number, name in enumerate(classes)}
    numbers = np.array([known.get(value, NO_CLASS) for value in live.labels.values], np.int64)
    return np.where(live.live, numbers[live.labels.numbers], NO_CLASS)


def _suspicions(
    live: LiveState, classes: Sequence[str], issues: Sequence[LabelIssue]
) -> Suspicions:
    known = {name: number for number, name in enumerate(classes)}
    found = [(row, each) for each in issues if (row := live.row(each.id)) is not None]
    return Suspicions(
        rows=np.array([row for row, _ in found], np.int64),
        suggested=np.array([known[each.suggested] for _, each in found], np.int64),
        label_probabilities=np.array([each.label_probability for _, each in found]),
        suggested_probabilities=np.array([each.suggested_probability for _, each in found]),
    )
