"""Cases that every kind of vector index passes, compared with brute force in double precision.

A test module of a kind has a subclass of `Congruence` and a fixture `build`, the function of
`tests.indexes.builder` for `COLLECTIONS`:

    @pytest.fixture(scope="module")
    def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
        return builder("flat", COLLECTIONS, tmp_path_factory.mktemp("indexes"))

    class TestFlat(Congruence): ...
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest

from embeddings.index import Neighbors, VectorIndex
from embeddings.index.live import LiveIndex
from tests.indexes import Build, ids_of

LEAST_RECALL = 0.97
"""Recall of the searches of a collection below which an approximate index fails."""

_NEAREST = 3
_SEARCHES = 40


def _collections() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    centres = rng.normal(scale=4, size=(50, 32))
    clustered = centres[rng.integers(0, 50, 3000)] + rng.normal(size=(3000, 32))
    clustered[rng.integers(0, 3000, 200)] = clustered[rng.integers(0, 3000, 200)]
    cloud = rng.normal(size=(2000, 24)) * np.arange(1, 25) ** -0.5
    found = {
        # Clusters as of images, with duplicates.
        "clustered": clustered,
        # One cloud, whose rows are hardly nearer to some rows than to others.
        "cloud": cloud,
        # Rounding in single precision is larger than the distances.
        "far from the origin": 1000 + rng.normal(size=(1500, 8)),
        # Two rows far from all others make steps of 8 bits larger than the other distances.
        "outliers": np.concatenate([rng.random((1500, 8)), [[255] * 8, [-255] * 8]]),
        # Almost all distances are tied.
        "ties": rng.integers(0, 4, (500, 3)),
        "equal": np.ones((300, 8)),
        "two": np.array([[0, 0], [3, 4]]),
        "one": np.array([[1, 2, 3]]),
    }
    return {name: each.astype(np.float32) for name, each in found.items()}


COLLECTIONS = _collections()


@dataclass(frozen=True)
class Search:
    """Arguments of a search."""

    query: np.ndarray
    k: int
    exclude: int | None = None
    among: np.ndarray | None = None
    exact: bool = False

    def of(self, index: VectorIndex) -> Neighbors:
        """Return the answer of an index."""
        return index.search(
            self.query, self.k, exclude=self.exclude, among=self.among, exact=self.exact
        )

    def eligible(self, count: int) -> np.ndarray:
        """Return the mask of eligible rows of a collection of this size."""
        mask = np.ones(count, np.bool_) if self.among is None else self.among.copy()
        if self.exclude is not None:
            mask[self.exclude] = False
        return mask


def distances_to(embeddings: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Return Euclidean distances in double precision."""
    return np.linalg.norm(embeddings.astype(float) - query.astype(float), axis=1)


def searches(embeddings: np.ndarray, seed: int) -> Iterator[Search]:
    """Yield searches of a collection: near and far queries, few and many neighbours, filters."""
    rng, count = np.random.default_rng(seed), len(embeddings)
    for number in range(_SEARCHES):
        row = int(rng.integers(count))
        query = embeddings[row]
        if number % 3:
            other = embeddings[rng.integers(count)]
            query = (0.7 * query + 0.3 * other).astype(np.float32)
        if number % 10 == 9:
            query = query + np.float32(50)
        share = rng.choice([0.0, 0.01, 0.5, 0.95])
        yield Search(
            query,
            k=int(rng.choice([1, _NEAREST, _NEAREST, 10, 100, 150, count, count + 5])),
            exclude=row if rng.choice(2) else None,
            among=rng.random(count) < share if rng.choice(2) else None,
            exact=number % 7 == 6,
        )


def check(found: Neighbors, search: Search, embeddings: np.ndarray) -> float:
    """Check an answer against brute force; return its recall."""
    distances = distances_to(embeddings, search.query)
    eligible = np.flatnonzero(search.eligible(len(embeddings)))
    expected = eligible[np.lexsort((eligible, distances[eligible]))][: search.k]
    rows = found.rows.tolist()
    assert len(rows) == len(set(rows)) == len(expected)
    assert set(rows) <= set(eligible.tolist())
    assert found.distances.tolist() == distances[rows].tolist()
    order = list(zip(found.distances.tolist(), rows, strict=True))
    assert order == sorted(order)
    assert found.exact or not search.exact
    if found.exact:
        assert rows == expected.tolist()
    if not len(expected):
        return 1.0
    # A row as near as the last of the nearest is as good as it.
    return float((found.distances <= distances[expected[-1]]).mean())


class Congruence:
    """Cases of one kind."""

    @pytest.mark.parametrize("name", COLLECTIONS)
    def test_searches_agree_with_brute_force(self, build: Build, name: str) -> None:
        """Ids, distances and order are right; exact answers say so, others have high recall."""
        embeddings, built = COLLECTIONS[name], build(name)
        index = built.open()
        assert len(index) == len(embeddings)
        recalls = []
        for search in searches(embeddings, seed=1):
            found = search.of(index)
            recalls.append(check(found, search, embeddings))
            assert found.exact or not built.sealed.exact
        assert np.mean(recalls) >= LEAST_RECALL
        index.close()

    @pytest.mark.parametrize("k", [_NEAREST, 100])
    @pytest.mark.parametrize("name", ["clustered", "cloud", "outliers", "ties", "one"])
    def test_the_sealed_recall_is_true(self, build: Build, name: str, k: int) -> None:
        """The recall measured for few neighbours holds for many."""
        embeddings, built = COLLECTIONS[name], build(name)
        sealed, index = built.sealed, built.open()
        assert sealed.recall == 1.0 if sealed.exact else LEAST_RECALL <= sealed.recall <= 1.0
        rows = np.random.default_rng(2).permutation(len(embeddings))[:100].tolist()
        recalls = []
        for row in rows:
            search = Search(embeddings[row], k, exclude=row)
            recalls.append(check(search.of(index), search, embeddings))
        assert np.mean(recalls) >= sealed.recall - 0.02
        index.close()

    def test_a_search_without_eligible_rows_is_empty_and_exact(self, build: Build) -> None:
        index, embeddings = build("clustered").open(), COLLECTIONS["clustered"]
        among = np.zeros(len(embeddings), np.bool_)
        for exclude in (None, 5):
            found = index.search(embeddings[5], 3, exclude=exclude, among=among)
            assert (found.rows.tolist(), found.distances.tolist()) == ([], [])
            assert found.exact
        among[5] = True
        assert index.search(embeddings[5], 3, exclude=5, among=among).rows.tolist() == []
        assert index.search(embeddings[5], 3, among=among).rows.tolist() == [5]
        index.close()

    @pytest.mark.parametrize(("k", "width"), [(0, 32), (-1, 32), (1, 31)])
    def test_invalid_queries_are_rejected(self, build: Build, k: int, width: int) -> None:
        index = build("clustered").open()
        with pytest.raises(ValueError, match=r"neighbour|shape"):
            index.search(np.zeros(width, np.float32), k)
        index.close()

    def test_searches_of_many_threads_agree(self, build: Build) -> None:
        embeddings = COLLECTIONS["clustered"]
        index = build("clustered").open()
        wanted = list(searches(embeddings, seed=3))
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda search: search.of(index), wanted))
        for search, each in zip(wanted, found, strict=True):
            check(each, search, embeddings)
        index.close()

    def test_an_index_opened_again_gives_the_same(self, build: Build) -> None:
        embeddings, built = COLLECTIONS["clustered"], build("clustered")
        first, second = built.open(), built.open()
        wanted = list(searches(embeddings, seed=4))[:20]
        before = [search.of(first).rows.tolist() for search in wanted]
        first.close()
        assert [search.of(second).rows.tolist() for search in wanted] == before
        second.close()

    @pytest.mark.parametrize("name", ["clustered", "ties", "two"])
    def test_changes_in_front_of_the_index_agree(self, build: Build, name: str) -> None:
        """Deleted rows are never found, added and replaced ones at once."""
        rng, base = np.random.default_rng(5), COLLECTIONS[name]
        ids, embeddings = ids_of(len(base)), base
        index = LiveIndex.of(build(name).open(), ids, base)
        recalls = []
        for step in range(6):
            dead = np.flatnonzero(index.live & (rng.random(len(index)) < 0.05))
            revived = np.flatnonzero(~index.live & (rng.random(len(index)) < 0.3))
            # Some replace a row, which keeps its id; others duplicate one.
            chosen = rng.integers(len(embeddings), size=int(rng.choice([0, 1, 40])))
            added = embeddings[chosen] + rng.choice([0, 0.5], (len(chosen), 1))
            added = added.astype(np.float32)
            names = [f"class/{number:05}-{step}" for number in range(len(chosen))]
            index = index.with_changes(names, added, dead, revived)
            ids, embeddings = [*ids, *names], np.concatenate([embeddings, added])
            for _ in range(20):
                recalls.append(self._check_live(index, ids, embeddings, rng))
        assert np.mean(recalls) >= LEAST_RECALL
        index.close()

    def _check_live(
        self,
        index: LiveIndex,
        ids: list[str],
        embeddings: np.ndarray,
        rng: np.random.Generator,
    ) -> float:
        query = embeddings[rng.integers(len(embeddings))]
        among = None if rng.random() < 0.5 else rng.random(len(ids)) < rng.choice([0.05, 0.97])
        k = int(rng.choice([1, _NEAREST, 20, len(ids)]))
        found = index.search(query, k, among=among)
        distances = distances_to(embeddings, query)
        eligible = index.live if among is None else index.live & among
        expected = sorted((distances[row], ids[row]) for row in np.flatnonzero(eligible).tolist())
        got = [
            (distance, index.id_of(row))
            for row, distance in zip(found.rows.tolist(), found.distances.tolist(), strict=True)
        ]
        assert got == sorted(got)
        assert set(got) <= set(expected)
        assert len(set(got)) == len(got) == min(k, len(expected))
        if found.exact:
            assert got == expected[:k]
        if not expected:
            return 1.0
        return float((found.distances <= expected[min(k, len(expected)) - 1][0]).mean())
