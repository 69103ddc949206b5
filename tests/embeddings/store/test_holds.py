"""Comparison of a revision with images: it equals that of their fingerprints."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from embeddings.store.records import Images, StoredImage
from embeddings.store.store import Store


def _image(name: str, **facts: object) -> StoredImage:
    known = {"label": "lake", "split": "train", "group": 0, "digest": 64 * "0"}
    other = {"source_digest": 64 * "1", "width": 4, "height": 3}
    return StoredImage.model_validate({"id": name, **known, **other, **facts})


_IMAGES = [_image("b"), _image("a", label=None), _image("c", split="validation")]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(str(tmp_path / "store"))
    store.create(split_seed=0, split_rule=3)
    return store


def _in_order(images: Sequence[StoredImage]) -> Images:
    return Images.of(sorted(images, key=lambda each: each.id))


@pytest.mark.parametrize("deleted", [[], ["b"], ["a", "c"]])
def test_a_revision_holds_its_images_whatever_their_order(store: Store, deleted: list[str]) -> None:
    store.put(_IMAGES[:2])
    store.put(_IMAGES[2:])
    if deleted:
        store.delete(deleted)
    snapshot = store.at()
    expected = _in_order([each for each in _IMAGES if each.id not in deleted])
    assert expected.fingerprint == snapshot.images.fingerprint
    assert snapshot.holds(expected)
    assert not snapshot.holds(expected[1:])


@pytest.mark.parametrize(
    "changed",
    [
        {"id": "aa"},
        {"label": "sea"},
        {"label": None},
        {"split": "pool"},
        {"tuning": True},
        {"group": 1},
        {"digest": 64 * "2"},
    ],
)
def test_a_revision_does_not_hold_other_images(store: Store, changed: dict[str, object]) -> None:
    store.put(_IMAGES)
    others = _in_order([_IMAGES[0].model_copy(update=changed), *_IMAGES[1:]])
    assert others.fingerprint != store.at().images.fingerprint
    assert not store.at().holds(others)


def test_facts_outside_of_the_fingerprint_are_not_compared(store: Store) -> None:
    store.put(_IMAGES)
    others = _in_order([each.model_copy(update={"title": "another"}) for each in _IMAGES])
    assert store.at().holds(others)
