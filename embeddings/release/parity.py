"""Parity check of the exported encoder against the trained model."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from embeddings.arrays import Floats, Labels, Mask
from embeddings.encoded import Encoded
from embeddings.errors import BelvedereError
from embeddings.index.blocks import BlockSearch, NearestRows
from embeddings.release.manifest import Parity
from embeddings.runtime import Precision

RELATIVE_ERROR = 1e-4
PROBABILITY_ERROR = 1e-3
PROBABILITY_DRIFT = 0.05
ACCURACY_LOSS = 0.002
PRECISION_LOSS = 0.005
_NEAREST = 3


class ParityError(BelvedereError):
    """Difference between encoder and trained model above the limit; prevents publishing."""


@dataclass(frozen=True)
class Reference:
    """Outputs of the trained model for n validation images."""

    ids: tuple[str, ...]
    encoded: Encoded


def check_parity(
    reference: Reference, served: Encoded, labels: Sequence[int], precision: Precision = "f32"
) -> Parity:
    """Compare the outputs of the encoder with the reference, for the same images in order.

    `labels` are the class numbers of the images. Raises `ParityError` if an embedding differs by
    more than 1e-4 (relative, L2), a probability by more than 0.001, or if the three nearest
    neighbours differ by more than a tie. So a predicted class changes only if two classes are
    equally probable up to rounding. For an `int8` encoder the limits are a loss of 0.2 points of
    accuracy, a loss of 0.005 of P@3, and a mean difference of 0.05 in the probabilities.
    """
    parity = measure_parity(reference, served, np.asarray(labels, dtype=np.int64))
    if precision == "int8":
        check_quality(parity)
    else:
        _check_equality(parity)
    return parity


def measure_parity(reference: Reference, served: Encoded, labels: Labels) -> Parity:
    """Return the differences between encoder and reference; `labels` has shape (n,)."""
    expected, actual = reference.encoded.embeddings, served.embeddings
    norms = np.maximum(np.linalg.norm(expected, axis=1), np.finfo(np.float32).tiny)
    theirs, ours = _nearest(reference.ids, expected), _nearest(reference.ids, actual)
    changes = np.abs(served.probabilities - reference.encoded.probabilities).max(axis=1)
    return Parity(
        photographs=len(expected),
        largest_probability_change=float(changes.max()),
        mean_probability_change=float(changes.mean()),
        largest_relative_error=float((np.linalg.norm(actual - expected, axis=1) / norms).max()),
        same_neighbors=float(_agree(ours, theirs, expected).mean()),
        accuracy_change=_accuracy(served, labels) - _accuracy(reference.encoded, labels),
        precision_at_3_change=_precision(ours, labels) - _precision(theirs, labels),
    )


def _check_equality(parity: Parity) -> None:
    if not parity.largest_relative_error <= RELATIVE_ERROR:
        raise ParityError(
            f"An exported embedding differs by {parity.largest_relative_error:.1e} from the "
            f"trained model's (limit {RELATIVE_ERROR:.0e}); release not published."
        )
    if not parity.largest_probability_change <= PROBABILITY_ERROR:
        raise ParityError(
            f"An exported probability differs by {parity.largest_probability_change:.1e} from the "
            f"trained model's (limit {PROBABILITY_ERROR:.0e}); release not published."
        )
    if parity.same_neighbors < 1.0:
        raise ParityError(
            f"Only {parity.same_neighbors:.2%} of the images keep their three nearest neighbours "
            "in the exported encoder (limit 100 %); release not published."
        )


def check_quality(parity: Parity) -> None:
    """Raise `ParityError` if an `int8` encoder exceeds the allowed loss of quality."""
    if not (
        parity.accuracy_change >= -ACCURACY_LOSS and parity.precision_at_3_change >= -PRECISION_LOSS
    ):
        raise ParityError(
            f"int8 quantization changes the accuracy by {parity.accuracy_change:+.2%} (limit "
            f"-{ACCURACY_LOSS:.1%}) and P@3 by {parity.precision_at_3_change:+.4f} (limit "
            f"-{PRECISION_LOSS}); release not published. Use `--precision f32`."
        )
    if not parity.mean_probability_change <= PROBABILITY_DRIFT:
        raise ParityError(
            f"int8 quantization changes probabilities by {parity.mean_probability_change:.3f} on "
            f"average (limit {PROBABILITY_DRIFT}); release not published. Use `--precision f32`."
        )


def _nearest(ids: Sequence[str], embeddings: Floats) -> NearestRows:
    search = BlockSearch(ids, embeddings)
    return search.nearest(search.all_rows, search.all_rows, min(_NEAREST, len(search) - 1))


def _agree(mine: NearestRows, reference: NearestRows, expected: Floats) -> Mask:
    """Return True for each image with the same rows, or others as near up to rounding."""
    others = np.flatnonzero((np.sort(mine.rows) != np.sort(reference.rows)).any(axis=1))
    own = expected[others]
    difference = expected[mine.rows[others]] - own[:, np.newaxis]
    distances = np.sort(np.linalg.norm(difference, axis=2), axis=1)
    slack = 2 * RELATIVE_ERROR * np.linalg.norm(own, axis=1)
    agreeing = np.ones(len(expected), np.bool_)
    changes = np.abs(distances - reference.distances[others])
    agreeing[others] = (changes <= slack[:, np.newaxis]).all(axis=1)
    return agreeing


def _accuracy(encoded: Encoded, labels: Labels) -> float:
    return float(np.mean(np.argmax(encoded.probabilities, axis=1) == labels))


def _precision(found: NearestRows, labels: Labels) -> float:
    of_its_class = labels[found.rows] == labels[:, np.newaxis]
    return float(of_its_class.mean()) if of_its_class.size else 0.0
