"""Files of features of frozen backbones, with a row for each file of an image."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from embeddings.arrays import Doubles, Floats, Mask, Rows


@dataclass(frozen=True)
class FeatureRows:
    """Features by the digest of the file of an image."""

    digests: tuple[str, ...]
    features: Floats
    """Shape (n, dimension)."""
    seconds: Doubles
    """Time of the computation of each row."""

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {digest: number for number, digest in enumerate(self.digests)}

    def rows_of(self, digests: Sequence[str]) -> Rows:
        """Return the row number of each digest; -1 for a missing one."""
        return np.array([self._numbers.get(digest, -1) for digest in digests], np.int64)

    def take(self, rows: Rows | Mask) -> "FeatureRows":
        """Return these rows in their order."""
        digests = np.array(self.digests, object)[rows]
        return FeatureRows(tuple(digests), self.features[rows], self.seconds[rows])

    def followed_by(self, others: "FeatureRows") -> "FeatureRows":
        """Return all rows of both."""
        if not len(self.digests):
            return others
        return FeatureRows(
            self.digests + others.digests,
            np.concatenate([self.features, others.features]),
            np.concatenate([self.seconds, others.seconds]),
        )


NO_ROWS = FeatureRows((), np.empty((0, 0), np.float32), np.empty(0))


def write_features(path: Path, rows: FeatureRows) -> None:
    """Write rows into a file."""
    digests = np.array(rows.digests, np.bytes_)
    np.savez(path, digests=digests, features=rows.features, seconds=rows.seconds)


def read_features(path: Path) -> FeatureRows:
    """Return the rows of a file. Raises many types of errors for a damaged one."""
    # NumPy leaves a damaged file open.
    with path.open("rb") as file, np.load(file) as kept:
        rows = FeatureRows(
            tuple(kept["digests"].astype(str).tolist()), kept["features"], kept["seconds"]
        )
    if not len(rows.digests) == len(rows.features) == len(rows.seconds):
        raise ValueError(rows.features.shape)
    return rows


def read_digests(path: Path) -> frozenset[str]:
    """Return the digests of the rows of a file. Raises many types of errors for a damaged one."""
    with path.open("rb") as file, np.load(file) as kept:
        return frozenset(kept["digests"].astype(str).tolist())
