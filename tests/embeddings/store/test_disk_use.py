"""Disk use of a store after many changes, cleaned up by the default policy."""

import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from embeddings.encoded import Encoded
from embeddings.store.records import Blob
from embeddings.store.retention import Retention
from embeddings.store.store import Store
from tests.embeddings.store.contents import digest_of, image, new_store
from tests.embeddings.store.test_store_model import MEMORY

COUNT = 200
PART = 5
"""Images of each kind of change: a change concerns a tenth of the collection."""
FILE = 20_000
DIMENSION = 64


class Collection:
    """Store that changes once a day; its clock is moved by hand."""

    def __init__(self, folder: str) -> None:
        self.rng = np.random.default_rng(0)
        self.days = 0
        start = datetime.now(UTC)
        new_store(folder)
        self.store = Store(folder, now=lambda: start + timedelta(days=self.days))
        self.added = 0

    def write(self, ids: Sequence[str]) -> None:
        """Add images, or replace their files."""
        files = [self.rng.bytes(FILE) for _ in ids]
        blobs = [Blob(digest_of(each), each, 4, 3, self.rng.bytes(816)) for each in files]
        self.store.blobs.append(blobs)
        self.store.put([image(name, each) for name, each in zip(ids, files, strict=True)])
        digests = [blob.digest for blob in blobs]
        features = self.rng.normal(size=(len(ids), DIMENSION)).astype(np.float32)
        self.store.features("encoder").append(digests, Encoded(features, features[:, :7]))

    def add(self, count: int) -> None:
        self.write([f"lake/{self.added + number:05d}" for number in range(count)])
        self.added += count

    def change(self) -> None:
        """Add, replace, relabel and delete a fortieth of the collection each, a day later."""
        self.days += 1
        images = self.store.at().images
        chosen = self.rng.permutation(len(images))[: 3 * PART].tolist()
        replaced, relabelled, deleted = chosen[:PART], chosen[PART : 2 * PART], chosen[2 * PART :]
        self.add(PART)
        self.write([images.ids[row] for row in replaced])
        self.store.put([images[row].model_copy(update={"label": "sea"}) for row in relabelled])
        self.store.delete([images.ids[row] for row in deleted])

    def erase_deleted(self) -> None:
        self.store.erase(self.store.find_traces(self.store.at().deleted.ids))

    def live_size(self) -> int:
        """Return the bytes of the files and features of all images, without any table."""
        return len(self.store.at().images) * (FILE + 816 + 4 * (DIMENSION + 7))


@pytest.fixture
def collection() -> Iterator[Collection]:
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Collection(folder)


def size(folder: str) -> int:
    return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())


def test_fifty_changes_of_a_tenth_take_less_than_half_of_the_live_data(
    collection: Collection,
) -> None:
    collection.add(COUNT)
    first = collection.store.at().revision
    for day in range(1, 51):
        collection.change()
        if day % 10 == 0:
            collection.store.compact(Retention())
    collection.erase_deleted()
    collection.change()
    collection.store.compact(Retention())
    versions = [each.revision for each in collection.store.versions()]
    assert first not in versions
    assert len(collection.store.at().images) == COUNT
    assert size(collection.store.uri) < 1.5 * collection.live_size()
    assert not [each.problems for each in collection.store.verify() if each.problems]


def test_clean_up_keeps_what_other_homes_tagged_in_a_shared_store(collection: Collection) -> None:
    collection.add(COUNT // 10)
    collection.store.tag("release-of-another-home")
    before = collection.store.at().images
    collection.write(before.ids)
    collection.store.delete(before.ids[:3])
    collection.days += 100
    collection.store.compact(Retention(versions=1, days=0))
    tagged = collection.store.at("release-of-another-home")
    assert tagged.images == before
    assert [digest_of(each) for each in tagged.jpegs(before.digests)] == before.digests
    found, _ = collection.store.features("encoder").read(before.digests)
    assert found.all()
