"""`python -m benchmarks.capacity`: needs of collections of given sizes, computed from measurements.

The table of docs/scaling.md is its output. Sizes above a million images are extrapolated.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from benchmarks.markdown import table

DIMENSIONS = 256

# Bytes for each image, measured with 3,767 images that are 500 pixels wide.
JPEG = 21_500
STORE_ROW = 500
RELEASE_ROW = 480

SERVICE_BYTES = 350e6
"""Resident memory of a service beside vectors and rows."""
ROW_BYTES = 400
"""Memory for each image beside its vector, after many searches of a million images."""
IVF_BYTES = 560e6
"""Memory of the kind `ivf` beside the rows, after many searches of a million images."""

# Milliseconds, measured on two cores (AMD EPYC).
INGEST_MS = 1.2
ENCODE_MS = 6.1
GRAPH_MS = 0.13
"""Three neighbours of each image at 256,000 images, in clusters; grows with the root of n."""
MEASURED_AT = 256_000
MAP_MS = 0.34
"""Place on the map, and all other parts of publishing but encoding."""

BUILD_MS = {"flat": 0.0, "hnsw": 0.22, "ivf": 0.08, "milvus": 0.0}
"""Time to build an index for each image, at a million images; unknown for `milvus`."""

FLAT_MS = 107e-6
"""Exact search for each vector, one thread."""
HNSW_MS = 2.8
IVF_MS = 10.2
MILVUS_MS = 3.4
"""At a million vectors each, with recall@3 ≥ 0.99."""
MILLION = 1_000_000

NETWORK_BYTES = 1.25e9
"""Bytes in a second of a network of 10 Gbit/s."""
_HOUR_MS = 3_600_000
_SIZES = tuple(10**power for power in range(4, 10))


@dataclass(frozen=True)
class Capacity:
    """Needs of a collection of `images` images."""

    images: int

    @property
    def vectors(self) -> float:
        """Bytes of all embeddings in single precision."""
        return 4.0 * DIMENSIONS * self.images

    @property
    def store(self) -> float:
        """Bytes of the feature store: files, features, rows."""
        return self.images * (JPEG + STORE_ROW) + self.vectors

    @property
    def release(self) -> float:
        """Bytes of a release; each replica has a copy on its disk."""
        index = {"flat": 0.0, "hnsw": 300.0 * self.images, "ivf": 2 * self.vectors, "milvus": 0.0}
        return self.images * RELEASE_ROW + self.vectors + index[self.kind]

    @property
    def kind(self) -> str:
        """Kind of index that is advised."""
        limits = {"flat": 200_000, "hnsw": 10_000_000, "ivf": 100_000_000}
        return next((kind for kind, most in limits.items() if self.images <= most), "milvus")

    @property
    def memory(self) -> float:
        """Bytes of memory of a replica, with the mapped vectors that each search reads."""
        hot = {
            "flat": self.vectors,
            "hnsw": self.vectors + 300.0 * self.images,
            "ivf": IVF_BYTES,
            "milvus": 0.0,
        }
        return SERVICE_BYTES + ROW_BYTES * self.images + hot[self.kind]

    @property
    def search_ms(self) -> float:
        """Milliseconds of a search on one thread."""
        growth = self.images / MILLION
        by_kind = {
            "flat": FLAT_MS * self.images,
            "hnsw": HNSW_MS * float(max(growth, 0.2) ** 0.2),
            "ivf": IVF_MS * sqrt(growth),
            "milvus": MILVUS_MS * sqrt(growth),
        }
        return by_kind[self.kind]

    @property
    def encode_hours(self) -> float:
        """Hours of a machine with two cores to decode and encode all images."""
        return self.images * ENCODE_MS / _HOUR_MS

    @property
    def commit_hours(self) -> float:
        """Hours of the single writer of a first ingest."""
        return self.images * INGEST_MS / _HOUR_MS

    @property
    def publish_hours(self) -> float:
        """Hours of publishing on two cores, if all images are encoded."""
        graph = GRAPH_MS * sqrt(self.images / MEASURED_AT)
        return self.images * (graph + MAP_MS + BUILD_MS[self.kind]) / _HOUR_MS

    @property
    def fetch_seconds(self) -> float:
        """Seconds until a new replica has its copy of the release."""
        return self.release / NETWORK_BYTES


def capacity_table(sizes: Sequence[int] = _SIZES) -> list[str]:
    """Return the lines of a table with a row for each size."""
    header = [
        *("images", "index", "store", "release", "memory of a replica", "search"),
        *("ingest", "encoding", "publishing", "new replica"),
    ]
    rows = [
        [
            f"{each.images:,}",
            f"`{each.kind}`",
            _bytes(each.store),
            _bytes(each.release),
            _bytes(each.memory),
            f"{each.search_ms:.1f} ms" if each.search_ms < 100 else f"{each.search_ms:.0f} ms",
            _hours(each.commit_hours),
            _hours(each.encode_hours),
            _hours(each.publish_hours),
            _hours(each.fetch_seconds / 3600),
        ]
        for each in map(Capacity, sizes)
    ]
    return table(header, rows, words=2)


def _bytes(count: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9)):
        if count >= size:
            return f"{_rounded(count / size)} {unit}"
    return f"{_rounded(count / 1e6)} MB"


def _hours(hours: float) -> str:
    for unit, size in (("days", 48.0), ("h", 1.0), ("min", 1 / 60)):
        if hours >= size:
            return f"{_rounded(hours / (24 if unit == 'days' else size))} {unit}"
    return f"{_rounded(hours * 3600)} s"


def _rounded(number: float) -> str:
    return f"{number:.2g}" if number < 10 else f"{float(f'{number:.2g}'):,.0f}"


if __name__ == "__main__":
    given = tuple(int(each.replace(",", "").replace("_", "")) for each in sys.argv[1:])
    sys.stdout.write("\n".join(capacity_table(given or _SIZES)) + "\n")
