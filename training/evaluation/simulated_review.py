"""Simulated review: corrections in the order of the queue against corrections at random.

Some training labels are replaced by wrong ones. An image that is checked gets its stored label
again. The stored labels count as true, though a few of them may be wrong.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from embeddings.arrays import Doubles, Floats, Labels, Rows
from embeddings.encoded import Encoded
from embeddings.release.label_loop import LoopStep, Noise, SimulatedAccuracy, SimulatedReview
from embeddings.release.reports import Verdict
from training.errors import DataError
from training.evaluation.label_noise import with_wrong_labels
from training.evaluation.statistics import SIGNIFICANCE, crossed_interval, holm, sign_flip_test

NOISES: tuple[Noise, ...] = ("class", "image")
BUDGETS = (0.05, 0.1, 0.2)
"""Numbers of checked images as shares of the training images, ascending."""

Train = Callable[[Labels, int], Encoded]
"""Callable (labels of all images, seed) -> outputs of a model for all images.

The model learns from the training images alone.
"""
Order = Callable[[Labels, Rows, Encoded], Rows]
"""Callable (labels of all images, rows, outputs of a model that learned from these labels) -> rows
to check, the first to check first; equal ones stay in their order."""


@dataclass(frozen=True)
class Simulation:
    """Settings of the simulated reviews."""

    share: float = 0.1
    """Share of the training labels that is wrong, 0-1."""
    repeats: int = 5
    seed: int = 0

    @property
    def heads(self) -> int:
        """Number of models that are trained."""
        return self.repeats * (1 + len(NOISES) * (1 + 2 * len(BUDGETS)))


@dataclass(frozen=True)
class Reviewed:
    """Labelled images of a simulation; arrays have a row for each image."""

    labels: Labels
    groups: Sequence[int]
    train: Rows
    validation: Rows
    probabilities: Floats
    """Out-of-fold predictions with the stored labels: shape (n, classes)."""


@dataclass(frozen=True)
class _Scenario:
    """One kind of noise in a collection."""

    images: Reviewed
    noise: Noise
    wrong: int
    budgets: tuple[int, ...]


@dataclass(frozen=True)
class _Checked:
    """Effect of checked images, for each budget."""

    found: tuple[int, ...]
    """Wrong labels among the checked images."""
    correct: Doubles
    """Correct predictions of the validation images, 0 or 1: shape (budgets, v)."""


@dataclass(frozen=True)
class _Repeat:
    none: Doubles
    """Correct predictions without a correction: shape (v,)."""
    queue: _Checked
    random: _Checked


def simulate(
    images: Reviewed, simulation: Simulation, train: Train, order: Order
) -> tuple[SimulatedReview, ...]:
    """Return a simulated review for each kind of noise. Raises `DataError` for too few images.

    `order` is the order of the queue under test.
    """
    count = len(images.train)
    wrong, budgets = round(simulation.share * count), tuple(round(each * count) for each in BUDGETS)
    if wrong < 1 or budgets[0] < 1 or not len(images.validation):
        raise DataError(
            f"A simulated review of {count} training images with {wrong} wrong labels, judged by "
            f"{len(images.validation)} validation images, shows nothing; add images."
        )
    seeds = range(simulation.seed, simulation.seed + simulation.repeats)
    everything = np.stack([_correct(images, train(images.labels, seed)) for seed in seeds])
    scenarios = [_Scenario(images, noise, wrong, budgets) for noise in NOISES]
    return tuple(
        _review(each, everything, [_repeat(each, train, order, seed) for seed in seeds])
        for each in scenarios
    )


def _repeat(scenario: _Scenario, train: Train, order: Order, seed: int) -> _Repeat:
    images, rng = scenario.images, np.random.default_rng(seed)
    labels, wrong = with_wrong_labels(
        images.labels, images.train, images.probabilities, scenario.wrong, scenario.noise, rng
    )

    def check(ordered: Rows) -> _Checked:
        found, correct = [], []
        for number in scenario.budgets:
            checked = ordered[:number]
            corrected = labels.copy()
            corrected[checked] = images.labels[checked]
            found.append(int(np.isin(checked, wrong).sum()))
            correct.append(_correct(images, train(corrected, seed)))
        return _Checked(tuple(found), np.stack(correct))

    model = train(labels, seed)
    queue = order(labels, rng.permutation(images.train), model)
    # A queue can be shorter than the number of checked images.
    others = rng.permutation(np.setdiff1d(images.train, queue))
    return _Repeat(
        none=_correct(images, model),
        queue=check(np.concatenate([queue, others])),
        random=check(rng.permutation(images.train)),
    )


def _correct(images: Reviewed, model: Encoded) -> Doubles:
    predicted = model.probabilities[images.validation].argmax(axis=1)
    return np.asarray(predicted == images.labels[images.validation], np.float64)


def _review(
    scenario: _Scenario, everything: Doubles, repeats: Sequence[_Repeat]
) -> SimulatedReview:
    images = scenario.images
    groups = [images.groups[row] for row in images.validation.tolist()]
    queue = np.stack([each.queue.correct for each in repeats])
    random = np.stack([each.random.correct for each in repeats])
    differences = queue - random
    p_values = [
        sign_flip_test(differences[:, step].mean(axis=0), groups)
        for step in range(len(scenario.budgets))
    ]
    return SimulatedReview(
        noise=scenario.noise,
        wrong=scenario.wrong,
        none=_accuracy(np.stack([each.none for each in repeats]), groups),
        everything=_accuracy(everything, groups),
        steps=tuple(
            LoopStep(
                checked=number,
                found_by_queue=float(np.mean([each.queue.found[step] for each in repeats])),
                found_at_random=float(np.mean([each.random.found[step] for each in repeats])),
                queue=_accuracy(queue[:, step], groups),
                random=_accuracy(random[:, step], groups),
                difference=float(differences[:, step].mean()),
                interval=crossed_interval(differences[:, step], groups),
                p_value=p_values[step],
                p_adjusted=adjusted,
                verdict=_verdict(float(differences[:, step].mean()), adjusted),
            )
            for step, (number, adjusted) in enumerate(
                zip(scenario.budgets, holm(p_values), strict=True)
            )
        ),
    )


def _accuracy(correct: Doubles, groups: Sequence[int]) -> SimulatedAccuracy:
    return SimulatedAccuracy(
        accuracy=float(correct.mean()), interval=crossed_interval(correct, groups)
    )


def _verdict(difference: float, p_adjusted: float) -> Verdict:
    if p_adjusted >= SIGNIFICANCE:
        return "no evidence of a difference"
    return "better" if difference > 0 else "worse"
