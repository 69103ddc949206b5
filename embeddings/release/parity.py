"""Does the exported encoder compute what the trained network computes?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from embeddings.arrays import Floats, Labels
from embeddings.encoder import Encoded
from embeddings.errors import BelvedereError
from embeddings.index import Neighbors
from embeddings.index.flat import FlatIndex
from embeddings.release.manifest import Parity
from embeddings.runtime import Precision

RELATIVE_ERROR = 1e-4
PROBABILITY_ERROR = 1e-3
PROBABILITY_DRIFT = 0.05
ACCURACY_LOSS = 0.002
PRECISION_LOSS = 0.005
_NEAREST = 3


class ParityError(BelvedereError):
    """The encoder differs from the network it was exported from; nothing is published."""


@dataclass(frozen=True)
class Reference:
    """What the trained network itself says of n validation photographs."""

    ids: tuple[str, ...]
    encoded: Encoded


def check_parity(
    reference: Reference, served: Encoded, labels: Sequence[int], precision: Precision = "f32"
) -> Parity:
    """Compare the encoder's answers for the same photographs, in the same order.

    `labels` are the numbers of their classes. Raises `ParityError` where an embedding differs by
    more than 1e-4 (relative, L2), a probability by more than 0.001, or where the three nearest
    differ other than by a tie. So a predicted class changes only where two are equally probable but
    for rounding. An encoder in `int8` is meant to differ; it may lose 0.2 points of accuracy and
    0.005 of P@3, and its probabilities may differ by 0.05 in the mean over the photographs.
    """
    parity = compared(reference, served, np.asarray(labels, dtype=np.int64))
    if precision == "int8":
        check_quality(parity)
    else:
        _check_equality(parity)
    return parity


def compared(reference: Reference, served: Encoded, labels: Labels) -> Parity:
    """How far an encoder's answers are from the network's; `labels` of shape (n,)."""
    expected, actual = reference.encoded.embeddings, served.embeddings
    norms = np.maximum(np.linalg.norm(expected, axis=1), np.finfo(np.float32).tiny)
    theirs, ours = _nearest(reference.ids, expected), _nearest(reference.ids, actual)
    agreeing = [
        _agree(mine, reference_, expected, row)
        for row, (mine, reference_) in enumerate(zip(ours, theirs, strict=True))
    ]
    changes = np.abs(served.probabilities - reference.encoded.probabilities).max(axis=1)
    return Parity(
        photographs=len(expected),
        largest_probability_change=float(changes.max()),
        mean_probability_change=float(changes.mean()),
        largest_relative_error=float((np.linalg.norm(actual - expected, axis=1) / norms).max()),
        same_neighbors=float(np.mean(agreeing)),
        accuracy_change=_accuracy(served, labels) - _accuracy(reference.encoded, labels),
        precision_at_3_change=_precision(ours, labels) - _precision(theirs, labels),
    )


def _check_equality(parity: Parity) -> None:
    if not parity.largest_relative_error <= RELATIVE_ERROR:
        raise ParityError(
            f"An exported embedding differs by {parity.largest_relative_error:.1e} from the "
            f"network's (at most {RELATIVE_ERROR:.0e} is allowed); nothing was published."
        )
    if not parity.largest_probability_change <= PROBABILITY_ERROR:
        raise ParityError(
            f"An exported probability differs by {parity.largest_probability_change:.1e} from the "
            f"network's (at most {PROBABILITY_ERROR:.0e} is allowed); nothing was published."
        )
    if parity.same_neighbors < 1.0:
        raise ParityError(
            f"Only {parity.same_neighbors:.2%} of the photographs keep their three nearest in the "
            "exported encoder; nothing was published."
        )


def check_quality(parity: Parity) -> None:
    """Raises `ParityError` where an encoder in 8 bits is worse than its network."""
    if not (
        parity.accuracy_change >= -ACCURACY_LOSS and parity.precision_at_3_change >= -PRECISION_LOSS
    ):
        raise ParityError(
            f"8 bits change the accuracy by {parity.accuracy_change:+.2%} and P@3 by "
            f"{parity.precision_at_3_change:+.4f} (a loss of {ACCURACY_LOSS:.1%} and "
            f"{PRECISION_LOSS} is allowed); nothing was published. Publish it in f32."
        )
    if not parity.mean_probability_change <= PROBABILITY_DRIFT:
        raise ParityError(
            f"8 bits change probabilities by {parity.mean_probability_change:.3f} in the mean (at "
            f"most {PROBABILITY_DRIFT} is allowed); nothing was published. Publish it in f32."
        )


def _nearest(ids: Sequence[str], embeddings: Floats) -> list[Neighbors]:
    index = FlatIndex(ids, embeddings)
    return [index.search(each, _NEAREST, exclude=row) for row, each in enumerate(embeddings)]


def _agree(mine: Neighbors, reference: Neighbors, expected: Floats, row: int) -> bool:
    """Equal sets, or other members that are as near as rounding can tell."""
    if set(mine.rows) == set(reference.rows):
        return True
    distances = np.sort(np.linalg.norm(expected[mine.rows] - expected[row], axis=1))
    slack = 2 * RELATIVE_ERROR * float(np.linalg.norm(expected[row]))
    return bool(np.allclose(distances, reference.distances, rtol=0, atol=slack))


def _accuracy(encoded: Encoded, labels: Labels) -> float:
    return float(np.mean(np.argmax(encoded.probabilities, axis=1) == labels))


def _precision(found: list[Neighbors], labels: Labels) -> float:
    of_its_class = [labels[each.rows] == labels[row] for row, each in enumerate(found)]
    return float(np.mean(np.concatenate(of_its_class))) if of_its_class else 0.0
