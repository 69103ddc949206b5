"""Verbs of the store, and its errors."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import lance
import numpy as np
import pyarrow as pa
import pytest

from embeddings.encoded import Encoded
from embeddings.store.records import Blob, Decision, FileEntry
from embeddings.store.retention import Retention
from embeddings.store.store import Store
from embeddings.store.tables import OtherFormat, StoreDamaged, StoreError
from tests.embeddings.store.contents import add_files, digest_of, encoded, image, new_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return new_store(str(tmp_path / "store"))


def test_images_are_read_as_written(store: Store) -> None:
    contents = [bytes([number]) * number for number in range(200)]
    add_files(store, contents)
    attributes = {"taken": "2020-01-01", "camera": {"make": "x"}}
    images = [
        image(f"lake/{number:03d}", content).model_copy(
            update={"attributes": attributes, "tags": ("a", "b"), "added": datetime.now(UTC)}
        )
        for number, content in enumerate(contents)
    ]
    store.put(images)
    snapshot = store.at()
    assert [each.model_copy(update={"changed": None}) for each in snapshot.images] == images
    digests = snapshot.images.digests
    assert list(snapshot.jpegs(digests[::-1])) == contents[::-1]
    assert (snapshot.split_seed, snapshot.split_rule) == (5, 3)


def test_a_missing_file_or_store_is_an_error_with_advice(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no file with the digest"):
        store.at().jpeg("0" * 64)
    with pytest.raises(StoreError, match="run `belvedere data` first"):
        Store(str(tmp_path / "none")).at()
    with pytest.raises(StoreError, match="`belvedere versions` lists those that exist"):
        store.at(99)
    with pytest.raises(StoreError, match="no image 'lake/x'"):
        store.delete(["lake/x"])


def test_thumbnails_are_read_in_the_given_order(store: Store) -> None:
    add_files(store, [b"a"])
    store.blobs.append([Blob(digest_of(b"b"), b"b", 4, 3, bytes([7]) * 816)])
    thumbnails = store.blobs.thumbnails([digest_of(b"b"), digest_of(b"a"), digest_of(b"b")])
    assert thumbnails.shape == (3, 16, 17, 3)
    assert [each.max() for each in thumbnails] == [7, 0, 7]


def test_decisions_are_read_by_image_in_their_order(store: Store) -> None:
    add_files(store, [b"jpeg"])
    store.put([image("it's")], [Decision("it's", None, "lake", "add", "import")])
    store.put([image("it's", label="sea")], [Decision("it's", "lake", "sea", "ada", "review")])
    assert [each.decision.after for each in store.labels.of("it's")] == ["lake", "sea"]
    assert store.labels.of("other") == ()


def test_the_last_entry_of_a_file_counts(store: Store, tmp_path: Path) -> None:
    first = FileEntry("it's", "a.jpg", 1, "1", "s", "d", "lake/a", "added")
    store.files.upsert([first, first._replace(path="b.jpg")])
    store.files.upsert([first._replace(outcome="unchanged"), first._replace(source="other")])
    assert {path: each.outcome for path, each in store.files.read("it's").items()} == {
        "a.jpg": "unchanged",
        "b.jpg": "added",
    }


def test_features_are_kept_for_each_encoder_and_file(store: Store) -> None:
    store.features("one").append(["a", "b"], encoded(2, 1.0))
    store.features("one").append(["c"], encoded(1, 2.0))
    store.features("two").append(["a"], encoded(1, 3.0))
    found, features = store.features("one").read(["c", "x", "b"])
    assert found.tolist() == [True, False, True]
    assert features.embeddings[:, 0].tolist() == [2.0, 1.0]
    assert features.embeddings.shape == (2, 5)
    assert store.features("two").known() == {"a"}
    found, _ = store.features("three").read(["a"])
    assert not np.any(found)


def test_features_are_read_in_any_order_from_several_commits(store: Store) -> None:
    table = store.features("one")
    for start in range(0, 60, 20):
        numbers = np.arange(start, start + 20)
        values = np.repeat(numbers[:, None], 3, axis=1).astype(np.float32)
        table.append([f"{number}" for number in numbers], Encoded(values, values[:, :2] + 100))
    wanted = np.random.default_rng(0).integers(0, 70, 200)
    found, features = table.read([f"{number}" for number in wanted])
    assert found.tolist() == (wanted < 60).tolist()
    assert features.embeddings.tolist() == np.repeat(wanted[found][:, None], 3, axis=1).tolist()
    assert features.probabilities[:, 1].tolist() == (wanted[found] + 100).tolist()


def test_a_named_version_is_opened_by_its_name_or_revision(store: Store) -> None:
    add_files(store, [b"jpeg"])
    first = store.put([image("a")])
    store.tag("first", first)
    second = store.put([image("b")])
    assert store.at("first").images.ids == store.at(str(first)).images.ids == ["a"]
    store.tag("first", second)
    assert store.at("first").images.ids == ["a", "b"]
    store.untag("first")
    with pytest.raises(StoreError, match="'first'"):
        store.at("first")


def _harm(folder: Path, pattern: str, content: bytes) -> None:
    found = list(folder.glob(pattern))
    assert found
    for path in found:
        path.write_bytes(content)


READS: dict[str, Callable[[Store], object]] = {
    "images": lambda store: store.at().images,
    "blobs": lambda store: list(store.blobs.jpegs([digest_of(b"jpeg")])),
    "features/e": lambda store: store.features("e").read(["a"]),
    "labels": lambda store: store.labels.of("a"),
    "files": lambda store: store.files.read("here"),
}


WRITES: tuple[Callable[[Store], object], ...] = (
    lambda store: store.put([image("b")], [Decision("b", None, "lake", "add", "import")]),
    lambda store: add_files(store, [b"new"]),
    lambda store: store.features("e").append(["b"], encoded(1, 1.0)),
    lambda store: store.files.upsert([FileEntry("here", "b", 1, "1", "s", "d", "b", "added")]),
    lambda store: store.compact(Retention(versions=1, days=0)),
)


@pytest.fixture
def filled(store: Store) -> Store:
    add_files(store, [b"jpeg"])
    store.put([image("a")], [Decision("a", None, "lake", "add", "import")])
    store.features("e").append(["a"], encoded(1, 1.0))
    store.files.upsert([FileEntry("here", "a.jpg", 1, "1", "s", "d", "a", "added")])
    return store


@pytest.mark.parametrize("content", [b"", b"x" * 9])
@pytest.mark.parametrize("pattern", ["_versions/*.manifest", "data/*.lance"])
@pytest.mark.parametrize("table", READS)
def test_a_damaged_table_is_one_sentence_with_advice(
    filled: Store, table: str, pattern: str, content: bytes
) -> None:
    _harm(Path(filled.uri, f"{table}.lance"), pattern, content)
    with pytest.raises(StoreDamaged, match="damaged or cannot be read") as caught:
        READS[table](filled)
    assert "`belvedere verify`" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert ".cargo" not in str(caught.value)


@pytest.mark.parametrize(("format_", "advice"), [(None, "new folder"), ("99", "Update Belvedere")])
@pytest.mark.parametrize("table", READS)
def test_a_table_of_another_format_is_left_as_it_is(
    filled: Store, table: str, format_: str | None, advice: str
) -> None:
    folder = Path(filled.uri, f"{table}.lance")
    metadata = {b"belvedere.format": format_.encode()} if format_ else None
    foreign = pa.table({"id": ["a"]}).replace_schema_metadata(metadata)
    lance.write_dataset(foreign, folder, mode="overwrite")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(OtherFormat, match=advice):
        READS[table](filled)
    for write in WRITES:
        with suppress(OtherFormat):
            write(filled)
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert after == before


def test_an_unusable_uri_is_an_error_with_the_setting() -> None:
    with pytest.raises(StoreDamaged, match="check BELVEDERE_STORE"):
        Store("nowhere://bucket/store").at()
