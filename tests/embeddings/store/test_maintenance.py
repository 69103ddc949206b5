"""Maintenance between the commits of a writer: bounded tables, and nothing lost for readers."""

from pathlib import Path

import lance

from embeddings.store.maintenance import Maintenance
from embeddings.store.records import Decision
from embeddings.store.retention import Retention
from embeddings.store.store import Store
from tests.embeddings.store.contents import add_files, digest_of, encoded, image, new_store

FEW = Retention(versions=1, most=5)


def write(store: Store, number: int) -> None:
    """Replace one of five images by a new file, as a service does."""
    content, name = b"%d" % number, f"lake/{number % 5}"
    add_files(store, [content])
    store.features("encoder").append([digest_of(content)], encoded(1, number))
    store.put([image(name, content)], [Decision(name, None, "lake", "me", "review")])


def tables(store: Store) -> list[str]:
    return [store.images.path, store.blobs.path, store.labels.path, *store.feature_paths()]


def test_tables_stay_small_and_compactions_change_no_image(tmp_path: Path) -> None:
    store = new_store(str(tmp_path))
    maintenance = Maintenance(store, FEW, commits=4)
    for number in range(120):
        write(store, number)
        before = store.at().revision
        assert not maintenance.after_commit()
        changes = store.changes(before)
        assert changes.added == changes.changed == changes.deleted == ()
    maintenance.close()
    assert max(len(lance.dataset(path).get_fragments()) for path in tables(store)) <= 30
    assert len(lance.dataset(store.images.path).versions()) <= 5 + 4 * 10 + 2 * 10
    assert not [check.problems for check in store.verify() if check.problems]


def test_a_clean_up_deletes_the_files_that_no_kept_version_needs(tmp_path: Path) -> None:
    store = new_store(str(tmp_path))
    maintenance = Maintenance(store, FEW, commits=4)
    for number in range(12):
        write(store, number)
        if number == 6:
            store.tag("spring")
    maintenance.request_clean_up()
    assert maintenance.after_commit()
    maintenance.close()
    needed = {
        digest for each in store.versions() for digest in store.at(each.revision).images.digests
    }
    assert needed < {digest_of(b"%d" % number) for number in range(12)}
    assert store.blobs.known() == store.features("encoder").known() == needed
    assert set(store.at("spring").images.digests) <= needed


def test_files_are_read_on_while_a_clean_up_replaces_the_table(tmp_path: Path) -> None:
    store = new_store(str(tmp_path))
    contents = [b"%d" % number for number in range(300)]
    for content in contents:
        add_files(store, [content])
    store.put([image(f"lake/{content!r}", content) for content in contents])
    snapshot = store.at()
    jpegs = snapshot.jpegs([digest_of(content) for content in contents])
    found = [next(jpegs)]
    store.put([image("lake/new", b"1")])
    lance.dataset(store.blobs.path).optimize.compact_files()
    lance.dataset(store.blobs.path).cleanup_old_versions(retain_versions=1)
    assert [*found, *jpegs] == contents
