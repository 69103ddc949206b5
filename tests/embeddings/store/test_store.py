from pathlib import Path

import lance
import numpy as np
import pyarrow as pa
import pytest

from embeddings.encoded import Encoded
from embeddings.store.features import FeatureTable
from embeddings.store.images import ImageTable, write_images
from embeddings.store.records import Collection, StoredImage
from embeddings.store.tables import StoreDamaged, StoreError
from embeddings.store.versions import delete_old_versions


def stored_image(name: str, digest: str = "0") -> StoredImage:
    return StoredImage(
        id=name, label="lake", split="train", width=4, height=3, group=1, digest=digest
    )


def collection(fingerprint: str = "f") -> Collection:
    return Collection(
        name="lakes",
        source="here",
        source_digest="s",
        fingerprint=fingerprint,
        classes=("lake", "sea"),
        split_seed=0,
        split_by="groups",
    )


def encoded(count: int, value: float) -> Encoded:
    return Encoded(np.full((count, 5), value, np.float32), np.full((count, 2), 0.5, np.float32))


def test_images_are_read_as_written(tmp_path: Path) -> None:
    rows = [(stored_image(f"lake/{number}"), bytes([number]) * number) for number in range(200)]
    write_images(str(tmp_path), collection(), iter(rows))
    table = ImageTable.open(str(tmp_path))
    assert table.images == tuple(row for row, _ in rows)
    assert table.jpeg(150) == bytes([150]) * 150
    assert list(table.jpegs()) == [content for _, content in rows]
    assert table.collection == collection()


def test_an_older_version_stays_readable(tmp_path: Path) -> None:
    first = write_images(str(tmp_path), collection("1"), [(stored_image("lake/a"), b"old")])
    second = write_images(str(tmp_path), collection("2"), [(stored_image("lake/a"), b"new")])
    assert second > first
    assert ImageTable.open(str(tmp_path), first).jpeg(0) == b"old"
    assert ImageTable.open(str(tmp_path)).jpeg(0) == b"new"
    with pytest.raises(StoreError, match="version 99"):
        ImageTable.open(str(tmp_path), 99)


def test_a_failed_write_keeps_the_old_version(tmp_path: Path) -> None:
    write_images(str(tmp_path), collection("1"), [(stored_image("lake/a"), b"old")])

    def breaking():
        yield stored_image("lake/b"), b"new"
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_images(str(tmp_path), collection("2"), breaking())
    assert ImageTable.open(str(tmp_path)).jpeg(0) == b"old"


def test_a_missing_store_is_an_error_with_advice(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="run `belvedere data` first"):
        ImageTable.open(str(tmp_path / "none"))
    with pytest.raises(StoreError, match="publish first"):
        _ = FeatureTable(str(tmp_path / "none")).version


def test_features_are_kept_per_encoder_and_replaced_by_id(tmp_path: Path) -> None:
    features = FeatureTable(str(tmp_path))
    images = [stored_image("lake/a"), stored_image("lake/b")]
    assert features.read("one", images) == {}
    features.upsert("one", images, encoded(2, 1.0))
    features.upsert("two", images[:1], encoded(1, 2.0))
    features.upsert("one", images[1:], encoded(1, 3.0))

    kept = features.read("one", images)
    assert {name: row.embeddings[0, 0] for name, row in kept.items()} == {
        "lake/a": 1.0,
        "lake/b": 3.0,
    }
    assert kept["lake/a"].embeddings.shape == (1, 5)
    assert set(features.read("two", images)) == {"lake/a"}


def test_features_of_another_file_under_the_same_id_are_not_used(tmp_path: Path) -> None:
    features = FeatureTable(str(tmp_path))
    features.upsert("one", [stored_image("lake/a", digest="old")], encoded(1, 1.0))
    assert features.read("one", [stored_image("lake/a", digest="new")]) == {}


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_unreferenced_versions_are_deleted(tmp_path: Path) -> None:
    store = str(tmp_path)
    rng = np.random.default_rng(0)

    def write(number: int) -> int:
        row = stored_image("lake/a", str(number))
        FeatureTable(store).upsert("e", [row], encoded(1, number))
        return write_images(store, collection(str(number)), [(row, rng.bytes(100_000))])

    served = write(0)
    opened = ImageTable.open(store, served)
    jpeg = opened.jpeg(0)
    for number in range(1, 6):
        write(number)
    # File left by a process killed during a write.
    (tmp_path / "images.lance" / "data" / "unfinished.lance").write_bytes(b"0" * 100_000)
    assert size(tmp_path) > 700_000
    delete_old_versions(store, {served}, {1})
    assert size(tmp_path) < 250_000
    (tmp_path / "images.lance" / "data" / "unfinished.lance").write_bytes(b"0" * 100_000)
    delete_old_versions(store, {served}, {1})
    assert size(tmp_path) < 250_000
    assert opened.jpeg(0) == jpeg == ImageTable.open(store, served).jpeg(0)
    assert ImageTable.open(store).collection.fingerprint == "5"
    assert FeatureTable(store).read("e", [stored_image("lake/a", "5")])
    with pytest.raises(StoreError, match="no images at version 3"):
        ImageTable.open(store, 3)


def harm(folder: Path, pattern: str, content: bytes) -> None:
    for path in folder.glob(pattern):
        path.write_bytes(content)


@pytest.mark.parametrize("content", [b"", b"x" * 9])
@pytest.mark.parametrize("pattern", ["_versions/*.manifest", "data/*.lance"])
def test_a_damaged_table_is_an_error_with_advice(
    tmp_path: Path, pattern: str, content: bytes
) -> None:
    store = str(tmp_path)
    write_images(store, collection(), [(stored_image("lake/a"), b"jpeg")])
    FeatureTable(store).upsert("e", [stored_image("lake/a")], encoded(1, 1))
    harm(tmp_path / "images.lance", pattern, content)
    harm(tmp_path / "features.lance", pattern, content)
    with pytest.raises(StoreDamaged, match="delete that folder and run `belvedere data`") as images:
        list(ImageTable.open(store).jpegs())
    with pytest.raises(StoreDamaged, match="delete that folder and run `belvedere data`"):
        FeatureTable(store).read("e", [stored_image("lake/a")])
    assert "/home/runner" not in str(images.value)


def test_the_error_for_an_unusable_uri_gives_the_setting() -> None:
    with pytest.raises(StoreDamaged, match="check BELVEDERE_STORE"):
        ImageTable.open("nowhere://bucket/store")


def test_exceptions_of_the_rows_are_propagated(tmp_path: Path) -> None:
    def rows():
        yield stored_image("lake/a"), b"jpeg"
        raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        write_images(str(tmp_path), collection(), rows())


def test_a_store_of_another_version_is_not_reported_as_damaged(tmp_path: Path) -> None:
    lance.write_dataset(pa.table({"id": ["a"]}), tmp_path / "images.lance")
    with pytest.raises(StoreError, match="run `belvedere data` again") as caught:
        _ = ImageTable.open(str(tmp_path)).collection
    assert not isinstance(caught.value, StoreDamaged)
