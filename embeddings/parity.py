"""Does the exported encoder compute what the trained network computes?"""

from dataclasses import dataclass

import numpy as np

from embeddings.encoder import Encoded
from embeddings.index import FlatIndex, Neighbors
from embeddings.manifest import Parity

RELATIVE_ERROR = 1e-4
_NEAREST = 3


class ParityError(RuntimeError):
    """The encoder differs from the network it was exported from; nothing is published."""


@dataclass(frozen=True)
class Reference:
    """What the trained network itself says of n validation photographs."""

    ids: tuple[str, ...]
    encoded: Encoded


def check_parity(reference: Reference, served: Encoded) -> Parity:
    """Compare the encoder's answers for the same photographs, in the same order.

    Raises `ParityError` where an embedding differs by more than 1e-4 (relative, L2) or where the
    three nearest differ other than by a tie.
    """
    expected, actual = reference.encoded.embeddings, served.embeddings
    norms = np.maximum(np.linalg.norm(expected, axis=1), np.finfo(np.float32).tiny)
    error = float((np.linalg.norm(actual - expected, axis=1) / norms).max())
    if not error <= RELATIVE_ERROR:
        raise ParityError(
            f"An exported embedding differs by {error:.1e} from the network's (at most "
            f"{RELATIVE_ERROR:.0e} is allowed); nothing was published."
        )
    same = _same_neighbors(reference.ids, expected, actual)
    if same < 1.0:
        raise ParityError(
            f"Only {same:.2%} of the photographs keep their three nearest in the exported encoder; "
            "nothing was published."
        )
    return Parity(photographs=len(expected), largest_relative_error=error, same_neighbors=same)


def _same_neighbors(ids: tuple[str, ...], expected: np.ndarray, actual: np.ndarray) -> float:
    ours, theirs = FlatIndex(ids, actual), FlatIndex(ids, expected)
    agreeing = 0
    for row in range(len(ids)):
        mine = ours.search(actual[row], _NEAREST, exclude=row)
        reference = theirs.search(expected[row], _NEAREST, exclude=row)
        agreeing += _agree(mine, reference, expected, row)
    return agreeing / len(ids)


def _agree(mine: Neighbors, reference: Neighbors, expected: np.ndarray, row: int) -> bool:
    """Equal sets, or other members that are as near as rounding can tell."""
    if set(mine.rows) == set(reference.rows):
        return True
    distances = np.sort(np.linalg.norm(expected[mine.rows] - expected[row], axis=1))
    slack = 2 * RELATIVE_ERROR * float(np.linalg.norm(expected[row]))
    return bool(np.allclose(distances, reference.distances, rtol=0, atol=slack))
