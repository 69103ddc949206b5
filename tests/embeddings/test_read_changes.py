"""Changes of the store, read into live states."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from embeddings.encoded import Encoded
from embeddings.index.flat import FlatIndex
from embeddings.live_state import (
    LiveState,
    RevisionLost,
    read_all_changes,
    read_changes,
)
from embeddings.store.records import Images
from embeddings.store.retention import Retention
from embeddings.store.store import Store
from tests.embeddings.store.contents import add_files, digest_of, image, new_store
from tests.embeddings.test_live_state import sealed

ENCODER = "encoder"
UNSEALED = dict.fromkeys(("source", "path", "added", "changed"))
"""Columns that a release does not contain."""


def features(content: bytes) -> Encoded:
    """Return an embedding and probabilities of a file."""
    value = np.float32(int.from_bytes(digest_of(content)[:4].encode(), "big") % 1000)
    return Encoded(np.array([[value, 1, 0]]), np.array([[0.25, 0.75]], np.float32))


class Encoder:
    """Encoder that records the encoded files."""

    def __init__(self) -> None:
        self.files: list[bytes] = []

    def encode(self, jpegs: Iterable[bytes]) -> Iterator[Encoded]:
        for jpeg in jpegs:
            self.files.append(jpeg)
            yield features(jpeg)


def write(store: Store, images: dict[str, bytes], *, encode: bool = True) -> None:
    add_files(store, images.values())
    known = store.features(ENCODER).known()
    new = {digest_of(each): each for each in images.values() if digest_of(each) not in known}
    if encode and new:
        store.features(ENCODER).append([*new], Encoded.concatenate(map(features, new.values())))
    store.put([image(name, content) for name, content in images.items()])


def served(store: Store) -> LiveState:
    """Return the state of a release of all images of a store."""
    snapshot = store.at()
    found, encoded = store.features(ENCODER).read(snapshot.images.digests)
    assert found.all()
    images = Images.of(each.model_copy(update=UNSEALED) for each in snapshot.images)
    release = sealed(images, encoded, snapshot.revision, ENCODER)
    return LiveState.of(release, FlatIndex(release.embeddings))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = new_store(str(tmp_path / "store"))
    write(store, {"a": b"1", "b": b"2", "c": b"3"})
    return store


def assert_current(state: LiveState, store: Store) -> None:
    """Check that a state has exactly the images of the store with their embeddings."""
    snapshot = store.at()
    assert state.revision == snapshot.revision
    rows = state.ids_in_order().tolist()
    assert [state.record(row).id for row in rows] == snapshot.images.ids
    for row, expected in zip(rows, snapshot.images, strict=True):
        record = state.record(row)
        assert (record.label, record.digest) == (expected.label, expected.digest)
        assert record.changed is None
        expected_features = features(snapshot.jpeg(record.digest))
        assert state.embedding(row).tolist() == expected_features.embeddings[0].tolist()
        assert state.probabilities(row).tolist() == expected_features.probabilities[0].tolist()


def test_changes_are_read_after_each_write(store: Store) -> None:
    state = served(store)
    for step in (
        lambda: write(store, {"d": b"4"}),
        lambda: write(store, {"a": b"5", "e": b"1"}),
        lambda: store.put([image("b", b"2", "sea")]),
        lambda: store.delete(["c", "d"]),
        lambda: store.restore(["d"]),
        lambda: write(store, {"a": b"1"}),
    ):
        step()
        state = state.apply(read_changes(store, ENCODER, state.revision, Encoder().encode))
        assert_current(state, store)


def test_only_files_without_features_are_encoded(store: Store) -> None:
    state, encoder = served(store), Encoder()
    write(store, {"d": b"4"})
    write(store, {"e": b"5", "a": b"6"}, encode=False)
    store.delete(["b"])
    changes = read_changes(store, ENCODER, state.revision, encoder.encode)
    assert sorted(encoder.files) == [b"5", b"6"]
    assert sorted(changes.images.ids) == ["a", "b", "d", "e"]
    assert len(changes.encoded.embeddings) == 4
    assert_current(state.apply(changes), store)


def test_a_revision_without_changed_images_is_followed(store: Store) -> None:
    state = served(store)
    assert len(read_changes(store, ENCODER, state.revision, Encoder().encode).images) == 0
    store.images.open().dataset.optimize.compact_files()
    changes = read_changes(store, ENCODER, state.revision, Encoder().encode)
    assert_current(state.apply(changes), store)


def test_changes_known_already_leave_the_state_as_it_is(store: Store) -> None:
    state = served(store)
    write(store, {"d": b"4"})
    changes = read_changes(store, ENCODER, state.revision, Encoder().encode)
    newest = state.apply(changes)
    assert newest.apply(changes) is newest


def test_erased_images_are_noticed_and_leave_the_state(store: Store) -> None:
    state = served(store)
    write(store, {"d": b"4"})
    state = state.apply(read_changes(store, ENCODER, state.revision, Encoder().encode))
    store.erase(store.find_traces(["d"]))
    store.put([image("b", b"2", "sea")])
    with pytest.raises(RevisionLost):
        read_changes(store, ENCODER, state.revision, Encoder().encode)
    state = state.apply(read_all_changes(store, state, Encoder().encode))
    assert state.row("d") is None
    assert_current(state, store)


def test_a_state_before_a_clean_up_is_brought_up_to_date(store: Store) -> None:
    state, encoder = served(store), Encoder()
    write(store, {"a": b"5", "d": b"4"})
    store.delete(["b"])
    write(store, {"e": b"5"}, encode=False)
    store.put([image("c", b"3", "sea")])
    store.compact(Retention(versions=1, days=0))
    with pytest.raises(RevisionLost):
        read_changes(store, ENCODER, state.revision, encoder.encode)
    changes = read_all_changes(store, state, encoder.encode)
    assert sorted(changes.images.ids) == ["a", "b", "c", "d", "e"]
    assert_current(state.apply(changes), store)
    newest = state.apply(changes)
    assert read_all_changes(store, newest, encoder.encode).images.ids == []
