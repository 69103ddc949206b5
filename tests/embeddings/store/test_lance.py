"""Properties of Lance that the store relies on.

Each of them is missing in a version of Lance, or if a table is used in another way.
"""

import random
import subprocess
import sys
from pathlib import Path

import lance
import pyarrow as pa
import pytest

from embeddings.store.records import Images
from embeddings.store.retention import Retention
from tests.embeddings.store.contents import add_files, digest_of, encoded, image, new_store

ROOT = Path(__file__).parents[3]

WRITER = """
import sys
from embeddings.store.store import Store
from tests.embeddings.store.contents import image

store = Store(sys.argv[1])
sys.stdin.read()
for number in range(15):
    store.put([image(f"lake/{number}", label=sys.argv[2])])
"""


def test_two_writers_of_the_same_new_ids_make_one_row_each(tmp_path: Path) -> None:
    store = new_store(str(tmp_path))
    add_files(store, [b"jpeg"])
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), label], cwd=ROOT, stdin=subprocess.PIPE
        )
        for label in ("sea", "lake")
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.close()
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
    assert sorted(store.at().all.ids) == sorted(f"lake/{number}" for number in range(15))


def test_rows_keep_their_lineage_through_compaction_and_clean_up(tmp_path: Path) -> None:
    store = new_store(str(tmp_path))
    add_files(store, [b"jpeg", b"other"])
    first = store.put([image(f"lake/{number}") for number in range(3)])
    store.delete(["lake/1"])
    for number in range(3, 110):
        rows = Images.of([image(f"lake/{number}")]).table
        lance.write_dataset(rows, store.images.path, mode="append")
    last = store.at().revision
    assert len(lance.dataset(store.images.path).get_fragments()) > 100
    store.compact(Retention(versions=1, days=0))
    assert len(lance.dataset(store.images.path).get_fragments()) == 1
    assert first not in {each.revision for each in store.versions()}
    assert store.at().deleted.ids == ["lake/1"]
    store.put([image("lake/0", b"other")])
    changes = store.changes(first)
    assert (changes.changed, changes.deleted) == (("lake/0",), ("lake/1",))
    assert len(changes.added) == 107
    assert store.changes(last).changed == ("lake/0",)
    assert store.changes(last).added == ()


def table_of(labels: dict[str, str]) -> pa.Table:
    return Images.of([image(name, label=label) for name, label in labels.items()]).table


def ids_where(dataset: lance.LanceDataset, condition: str) -> list[str]:
    return sorted(dataset.to_table(columns=["id"], filter=condition).column("id").to_pylist())


@pytest.mark.parametrize("index", [False, True])
def test_an_upsert_planned_before_another_makes_no_second_row(tmp_path: Path, index: bool) -> None:
    # With `use_index(True)` and a BTREE index, both inserts stay (Lance 14.0.2).
    store = new_store(str(tmp_path))
    store.images.upsert(Images(table_of({"lake/0": "lake"})))
    if index:
        lance.dataset(store.images.path).create_scalar_index("id", "BTREE")
    handles = [lance.dataset(store.images.path) for _ in range(2)]
    for handle, label in zip(handles, ("lake", "sea"), strict=True):
        merge = handle.merge_insert("id")
        merge.when_matched_update_all().when_not_matched_insert_all()
        merge.use_index(False).execute(table_of({"lake/1": label, "lake/2": label}))
    found = store.at().all
    assert found.ids == ["lake/0", "lake/1", "lake/2"]
    assert found.labels == ["lake", "sea", "sea"]


def test_no_table_has_an_index_of_the_kind_that_finds_wrong_rows(tmp_path: Path) -> None:
    # A BITMAP index on a table with stable row ids finds replaced rows by their old value.
    store = new_store(str(tmp_path))
    add_files(store, [b"jpeg"])
    store.features("encoder").append([digest_of(b"jpeg")], encoded(1, 0.5))
    for number in range(110):
        store.put([image(f"lake/{number % 7}", label=("lake", "sea")[number % 2])])
    store.compact(Retention(versions=1, days=0))
    paths = [table.path for table in (store.images, store.blobs, store.labels, store.files)]
    for path in [*paths, *store.feature_paths()]:
        kinds = [each.index_type.lower() for each in lance.dataset(path).describe_indices()]
        assert "bitmap" not in kinds


def test_filters_and_lineage_agree_with_a_dictionary(tmp_path: Path) -> None:
    # An updated row must not be found by its old value, or twice, after compactions and clean-ups.
    store, rng = new_store(str(tmp_path)), random.Random(0)
    rows: dict[str, tuple[str, int, int]] = {}
    row_ids: dict[str, int] = {}
    revisions = [store.at().revision]
    for step in range(60):
        changed = {
            f"lake/{rng.randrange(40)}": rng.choice("abc") for _ in range(rng.randrange(1, 9))
        }
        revision = store.images.upsert(Images(table_of(changed)))
        for name, label in changed.items():
            created = rows[name][1] if name in rows else revision
            rows[name] = (label, created, revision)
        if step % 10 == 9:
            lance.dataset(store.images.path).optimize.compact_files()
        if step % 20 == 19:
            store.compact(Retention(versions=2, days=0))
        dataset = store.at().dataset
        for label in "abc":
            expected = sorted(name for name, row in rows.items() if row[0] == label)
            assert ids_where(dataset, f"label = '{label}'") == expected
        since = rng.choice(revisions)
        expected = sorted(name for name, row in rows.items() if row[2] > since)
        assert ids_where(dataset, f"_row_last_updated_at_version > {since}") == expected
        expected = sorted(name for name, row in rows.items() if row[1] > since)
        assert ids_where(dataset, f"_row_created_at_version > {since}") == expected
        revisions.append(store.at().revision)
        found = dataset.to_table(columns=["id"], with_row_id=True)
        present = dict(
            zip(found.column("id").to_pylist(), found.column("_rowid").to_pylist(), strict=True)
        )
        assert present.items() >= row_ids.items()
        row_ids = present


def test_row_ids_stay_through_deletion_and_compaction(tmp_path: Path) -> None:
    store = new_store(str(tmp_path))
    store.images.upsert(Images(table_of({f"lake/{number:02}": "lake" for number in range(30)})))
    dataset = store.at().dataset
    before = dataset.to_table(columns=["id"], with_row_id=True, filter="id >= 'lake/10'")
    dataset.delete("id < 'lake/10'")
    dataset.optimize.compact_files(materialize_deletions_threshold=0.0)
    after = store.at().dataset.to_table(columns=["id"], with_row_id=True)
    assert after.num_rows == 20
    assert after.sort_by("id").equals(before.sort_by("id"))
