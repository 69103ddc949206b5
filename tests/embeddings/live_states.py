"""Answers of a live state by id."""

from embeddings.index import Neighbors
from embeddings.live_state import LiveState


def row_of(state: LiveState, name: str) -> int:
    """Return the row of an image that the state has."""
    row = state.row(name)
    assert row is not None
    return row


def by_id(state: LiveState, found: Neighbors) -> list[tuple[str, float]]:
    """Return neighbours as pairs of id and distance."""
    ids = [state.record(row).id for row in found.rows.tolist()]
    return list(zip(ids, found.distances.tolist(), strict=True))
