"""Properties of Lance that the store relies on."""

import subprocess
import sys
from pathlib import Path

import lance

from embeddings.store.records import Images
from embeddings.store.retention import Retention
from tests.embeddings.store.contents import add_files, image, new_store

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
