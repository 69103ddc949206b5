"""Nearest training images of some validation images: by pixels, then by the best networks."""

from collections.abc import Callable, Iterator
from hashlib import sha256

import numpy as np

from embeddings.arrays import Floats, Pixels, Rows
from embeddings.release.neighbor_stages import (
    NeighborStages,
    StagedQuery,
    StageNeighbor,
    StageNeighbors,
)
from embeddings.release.reports import Comparison, rank_experiments
from training.data.dataset import Dataset
from training.evaluation.retrieval import rank
from training.experiments.config import Experiment, FineTuning, FrozenTransfer, is_for_search
from training.experiments.planner import Trial
from training.workspace import Workspace

_OWN = {"own network", "technique", "combination"}
_ROWS = 24
"""Approximate height in pixels at which images are compared."""

_STAGES: tuple[tuple[str, Callable[[Experiment], bool]], ...] = (
    ("own network", lambda each: each.family in _OWN),
    (
        "frozen pretrained network",
        lambda each: isinstance(each, FrozenTransfer) and not is_for_search(each),
    ),
    ("fine-tuned network", lambda each: isinstance(each, FineTuning) and not is_for_search(each)),
    ("network trained for search", lambda each: is_for_search(each)),
)
"""Titles of the stages after the pixels, and the experiments among which each is chosen."""

_Found = tuple[str, str | None, Rows]
"""Title, experiment, and rows of the nearest training images of shape (queries, 3)."""


def compare_neighbors(workspace: Workspace, comparison: Comparison) -> NeighborStages:
    """Return the nearest training images of one validation image of each class.

    It is the one whose id has the smallest SHA-256, so that no result influences the choice.
    Experiments whose search was not measured are left out. Raises `DamagedRun`.
    """
    dataset = workspace.dataset()
    queries = _queries(dataset)
    asked = dataset.indices.validation[queries]
    trials = {
        each.experiment.name: each
        for each in workspace.trials()
        if each.repeat == 0 and each.split == "grouped"
    }
    found = [
        ("pixels", None, _nearest_by_pixels(dataset, asked, _smallest(trials))),
        *_nearest_by_networks(workspace, comparison, trials, queries),
    ]
    return NeighborStages(
        queries=tuple(_staged(dataset, row, number, found) for number, row in enumerate(asked))
    )


def _queries(dataset: Dataset) -> Rows:
    """Return the positions of the queries among the validation images, in the order of classes."""
    rows, ids = dataset.indices.validation, dataset.images.ids
    digests = [sha256(ids[row].encode()).hexdigest() for row in rows]
    chosen = []
    for number in range(len(dataset.classes)):
        of_class = np.flatnonzero(dataset.labels[rows] == number).tolist()
        if of_class:
            chosen.append(min(of_class, key=digests.__getitem__))
    return np.array(chosen, np.int64)


def _smallest(trials: dict[str, Trial]) -> tuple[int, int]:
    return min(each.experiment.input for each in trials.values())


def _nearest_by_pixels(dataset: Dataset, queries: Rows, size: tuple[int, int]) -> Rows:
    """Return the nearest training images by their colours in a coarse grid.

    `size` is one at which the images are decoded already.
    """
    pixels, labels = dataset.pixels(size), dataset.labels
    train = np.concatenate([dataset.indices.fit, dataset.indices.tuning])
    ranked = rank(_coarse(pixels, queries), labels[queries], _coarse(pixels, train), labels[train])
    return train[ranked.nearest]


def _coarse(pixels: Pixels, rows: Rows) -> Floats:
    """Return the mean colours of square cells of the images, of shape (rows, cells * 3)."""
    height, width = pixels.shape[1:3]
    cell = max(1, height // _ROWS)
    down, across = height // cell, width // cell
    means = [
        pixels[row, : down * cell, : across * cell]
        .reshape(down, cell, across, cell, 3)
        .mean(axis=(1, 3), dtype=np.float32)
        .ravel()
        for row in rows
    ]
    return np.stack(means)


def _nearest_by_networks(
    workspace: Workspace, comparison: Comparison, trials: dict[str, Trial], queries: Rows
) -> Iterator[_Found]:
    for title, belongs in _STAGES:
        reports = (
            each
            for each in comparison.experiments
            if each.name in trials and belongs(trials[each.name].experiment)
        )
        for best in rank_experiments(reports)[:1]:
            run = workspace.run(trials[best.name])
            neighbors = run.neighbors if run is not None else None
            if neighbors is not None:
                yield title, best.name, neighbors[queries]


def _staged(dataset: Dataset, query: int, number: int, found: list[_Found]) -> StagedQuery:
    ids, labels = dataset.images.ids, dataset.labels

    def neighbor(row: int) -> StageNeighbor:
        return StageNeighbor(
            id=ids[row],
            label=dataset.classes[labels[row]],
            right=bool(labels[row] == labels[query]),
        )

    return StagedQuery(
        id=ids[query],
        label=dataset.classes[labels[query]],
        stages=tuple(
            StageNeighbors(
                title=title,
                experiment=experiment,
                neighbors=tuple(map(neighbor, nearest[number].tolist())),
            )
            for title, experiment, nearest in found
        ),
    )
