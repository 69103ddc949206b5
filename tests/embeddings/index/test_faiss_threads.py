from pathlib import Path

import numpy as np
import pytest

from tests.congruence import Search, check
from tests.indexes import build


@pytest.mark.parametrize("kind", ["flat", "flat-f16", "flat-int8"])
def test_searches_are_exact_with_fewer_threads_than_processors(kind: str, tmp_path: Path) -> None:
    """FAISS divides large collections among threads, of which the environment allows one."""
    chance = np.random.default_rng(0)
    embeddings = chance.random((20_000, 256), np.float32)
    index = build(kind, embeddings, tmp_path).open()
    for query in chance.random((5, 256), np.float32):
        search = Search(query, k=20)
        found = search.of(index)
        assert found.exact
        check(found, search, embeddings)
    index.close()
