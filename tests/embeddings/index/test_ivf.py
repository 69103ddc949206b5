from pathlib import Path

from tests.congruence import COLLECTIONS, searches
from tests.indexes import build


def test_equal_embeddings_give_equal_answers(tmp_path: Path) -> None:
    """Clusters are found from the embeddings alone, without chance."""
    embeddings = COLLECTIONS["cloud"]
    first, second = (build("ivf", embeddings, tmp_path) for _ in range(2))
    assert first.sealed == second.sealed
    parameters = first.sealed.parameters
    assert int(parameters["probes"]) < int(parameters["clusters"])
    one, other = first.open(), second.open()
    for search in searches(embeddings, seed=6):
        assert search.of(one).rows.tolist() == search.of(other).rows.tolist()
    one.close()
    other.close()
