"""Outcomes, order and durability of single changes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import JsonValue

from embeddings.ingest.changes import (
    Change,
    Delete,
    Edit,
    ImageChanged,
    InvalidChange,
    Put,
    Restore,
    UnknownImage,
)
from embeddings.store.changed_images import ChangedImages
from embeddings.store.records import REVIEW_TIME, record_tag
from embeddings.store.tables import StoreDamaged, StoreError
from tests.embeddings.ingest.prepared import (
    BRIGHTER,
    ENCODED_ANEW,
    ENCODER,
    OpenWriter,
    features,
    painted,
    prepared,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


def put(name: str, scene: int, label: str | None = "lake", variant: int = 0) -> Put:
    return Put(name, label, prepared(scene, variant), "ada")


def test_a_new_image_is_stored_with_its_file_features_and_decision(folder: Path) -> None:
    with OpenWriter(folder) as it:
        written = it.write(put("lake/a", 1))
        store = it.store
        assert (written.outcome, written.id, written.detail) == ("added", "lake/a", "")
        snapshot = store.at()
        assert written.revision == snapshot.revision
        assert list(snapshot.images) == [written.image]
        assert written.image is not None
        assert written.image.attributes == {"camera": "camera 1"}
        assert snapshot.jpeg(written.image.digest) == painted(1)
        found, encoded = store.features(ENCODER).read([written.image.digest])
        assert found.all()
        assert np.array_equal(encoded.embeddings, features(painted(1)).embeddings)
        (decision,) = store.labels.of("lake/a")
        assert decision.decision[:5] == ("lake/a", None, "lake", "ada", "import")


def test_the_same_put_is_unchanged_and_writes_nothing(folder: Path) -> None:
    with OpenWriter(folder) as it:
        first = it.write(put("lake/a", 1))
        again = it.write(put("lake/a", 1))
        unlabelled = it.write(put("lake/a", 1, None))
        assert (again.outcome, again.revision, again.image) == (
            "unchanged", first.revision, first.image,
        )  # fmt: skip
        assert unlabelled.outcome == "unchanged"
        assert it.store.at().revision == first.revision
        assert len(it.reported) == 1


def test_other_content_replaces_and_another_label_relabels(folder: Path) -> None:
    with OpenWriter(folder) as it:
        it.write(put("lake/a", 1))
        assert it.write(put("lake/a", 1, "sea")).outcome == "relabelled"
        replaced = it.write(put("lake/a", 2, None))
        assert replaced.outcome == "replaced"
        assert replaced.image is not None
        assert (replaced.image.label, replaced.image.digest) == ("sea", prepared(2).blob.digest)
        assert len(it.store.at().all) == 1
        decisions = [each.decision for each in it.store.labels.of("lake/a")]
        assert [(each.before, each.after, each.why) for each in decisions] == [
            (None, "lake", "import"),
            ("lake", "sea", "review"),
            ("sea", "sea", "replacement"),
        ]


def test_content_of_another_image_is_a_duplicate_or_a_conflict(folder: Path) -> None:
    with OpenWriter(folder) as it:
        it.write(put("lake/a", 1))
        it.write(put("lake/other", 9))
        revision = it.store.at().revision
        for name in ("lake/b", "lake/other"):
            same = it.write(put(name, 1))
            assert (same.outcome, same.id) == ("duplicate_of", "lake/a")
            assert it.write(put(name, 1, "sea")).outcome == "conflict"
            anew = it.write(put(name, 1, "sea", ENCODED_ANEW))
            assert (anew.outcome, anew.id) == ("conflict", "lake/a")
            assert "lake/a, which is in lake" in anew.detail
        assert it.store.at().revision == revision
        assert it.write(put("lake/c", 1, "lake", ENCODED_ANEW)).outcome == "added"
        assert it.write(put("lake/d", 1, "sea", BRIGHTER)).outcome == "added"


def test_the_stored_file_is_known_content(folder: Path) -> None:
    with OpenWriter(folder) as it:
        it.write(put("lake/a", 1))
        stored = prepared(1)
        downloaded = Put("lake/b", "lake", replace(stored, source_digest=stored.blob.digest), "ada")
        assert it.write(downloaded).outcome == "duplicate_of"


def test_a_deleted_image_stays_deleted_unless_restored(folder: Path) -> None:
    with OpenWriter(folder) as it:
        it.write(put("lake/a", 1))
        assert it.write(Delete(["lake/a"], "ada")).outcome == "deleted"
        assert it.write(Delete(["lake/a"], "ada")).outcome == "unchanged"
        for name in ("lake/a", "lake/b"):
            before = it.write(put(name, 1))
            assert (before.outcome, before.id) == ("deleted_before", "lake/a")
        assert it.store.at().images.ids == []
        restored = it.write(Put("lake/a", None, prepared(1), "ada", restore=True))
        assert (restored.outcome, restored.detail) == ("added", "restored")
        assert it.store.at().images.ids == ["lake/a"]
        it.write(Delete(["lake/a"], "ada"))
        assert it.write(Restore(["lake/a"], "ada")).outcome == "restored"
        assert it.write(Restore(["lake/a"], "ada")).outcome == "unchanged"
        why = [each.decision.why for each in it.store.labels.of("lake/a")]
        assert why == ["import", "delete", "restore", "delete", "restore"]


def test_a_deleted_id_can_be_added_with_other_content(folder: Path) -> None:
    with OpenWriter(folder) as it:
        it.write(put("lake/a", 1))
        it.write(Delete(["lake/a"], "ada"))
        assert it.write(put("lake/a", 2, "sea")).outcome == "added"
        (image,) = it.store.at().all
        assert (image.label, image.digest, image.deleted) == ("sea", prepared(2).blob.digest, None)


def test_content_that_was_added_again_prevents_a_second_restored_image(folder: Path) -> None:
    with OpenWriter(folder) as it:
        it.write(put("lake/a", 1))
        it.write(Delete(["lake/a"], "ada"))
        again = it.write(Put("lake/b", "lake", prepared(1), "ada", restore=True))
        assert (again.outcome, again.id) == ("added", "lake/b")
        with pytest.raises(InvalidChange, match="its content is stored as 'lake/b'"):
            it.write(Restore(["lake/a"], "ada"))
        assert it.store.at().images.ids == ["lake/b"]


def test_a_label_change_is_a_decision_and_keeps_the_part_of_the_split(folder: Path) -> None:
    with OpenWriter(folder) as it:
        first = it.write(put("lake/a", 1)).image
        assert first is not None
        written = it.write(Edit(["lake/a"], "bob", "new class"))
        assert written.outcome == "relabelled"
        assert written.image is not None
        assert (written.image.label, written.image.split) == ("new class", first.split)
        assert it.write(Edit(["lake/a"], "bob", "new class")).outcome == "unchanged"
        assert [each.decision.by for each in it.store.labels.of("lake/a")] == ["ada", "bob"]


def test_an_image_without_a_label_is_placed_when_it_gets_one(folder: Path) -> None:
    with OpenWriter(folder) as it:
        first = it.write(put("a", 1, None)).image
        assert first is not None
        assert (first.split, first.pool_reason) == ("pool", "no label")
        labelled = it.write(Edit(["a"], "bob", "lake")).image
        assert labelled is not None
        assert (labelled.split, labelled.pool_reason) == ("train", None)


def test_attributes_are_merged(folder: Path) -> None:
    with OpenWriter(folder) as it:
        it.write(put("a", 1))
        patch: dict[str, JsonValue] = {"place": {"name": "Oulu", "note": "x"}, "camera": None}
        assert it.write(Edit(["a"], "ada", attributes=patch)).outcome == "changed"
        written = it.write(Edit(["a"], "ada", "sea", attributes={"place": {"note": None}}))
        assert written.outcome == "relabelled"
        (image,) = it.store.at().images
        attributes = {
            name: image.attributes[name] for name in image.attributes if name != REVIEW_TIME
        }
        assert (image.label, attributes) == ("sea", {"place": {"name": "Oulu"}})
        assert it.write(Edit(["a"], "ada", attributes={})).outcome == "unchanged"
        with pytest.raises(InvalidChange, match=r"20,0\d\d bytes as JSON; up to 16,384"):
            it.write(Edit(["a"], "ada", attributes={"note": "x" * 20_000}))


def test_a_change_based_on_an_earlier_state_is_refused(folder: Path) -> None:
    with OpenWriter(folder) as it:
        first = it.write(put("a", 1)).image
        assert first is not None
        tag = record_tag(first)
        assert it.write(Edit(["a"], "ada", "sea", if_match={"a": tag})).outcome == "relabelled"
        with pytest.raises(ImageChanged, match="has changed meanwhile"):
            it.write(Edit(["a"], "bob", "pond", if_match={"a": tag}))
        assert it.store.at().images.labels == ["sea"]


def test_a_repeated_change_based_on_an_earlier_state_is_unchanged(folder: Path) -> None:
    with OpenWriter(folder) as it:
        first = it.write(put("a", 1)).image
        assert first is not None
        change = Edit(["a"], "ada", "sea", {"note": "windy"}, if_match={"a": record_tag(first)})
        assert [it.write(change).outcome for _ in range(2)] == ["relabelled", "unchanged"]


def test_a_deleted_image_whose_content_is_stored_elsewhere_stays_deleted(folder: Path) -> None:
    with OpenWriter(folder) as it:
        it.write(put("a", 1))
        it.write(Delete(["a"], "ada"))
        again = replace(put("b", 1), restore=True)
        assert it.write(again).outcome == "added"
        written = it.write(replace(again, id="a"))
        assert (written.outcome, written.id) == ("duplicate_of", "b")
        assert it.store.at().images.ids == ["b"]


@pytest.mark.parametrize(
    "change", [Edit(["x"], "ada", "sea"), Delete(["a", "x"], "ada"), Restore(["x"], "ada")]
)
def test_a_change_of_an_unknown_image_changes_nothing(folder: Path, change: Edit) -> None:
    with OpenWriter(folder) as it:
        revision = it.write(put("a", 1)).revision
        with pytest.raises(UnknownImage, match="no image 'x'"):
            it.write(change)
        it.write(Delete(["a"], "ada"))
        with pytest.raises(UnknownImage, match="is deleted; restore it first"):
            it.write(Edit(["a"], "ada", "sea"))
        assert it.store.at().revision == revision + 1


@pytest.mark.parametrize(
    ("identifier", "message"),
    [
        ("", "1 to 1,000 characters"),
        ("x" * 1001, "this one 1,001"),
        ("a\nb", "control characters"),
        (" a", "spaces at an end"),
        ("/a", "empty part"),
        ("a//b", "empty part"),
        ("a/", "empty part"),
        ("a/../b", "empty part"),
        ("./a", "empty part"),
    ],
)
def test_an_unusable_id_is_refused(folder: Path, identifier: str, message: str) -> None:
    with OpenWriter(folder) as it, pytest.raises(InvalidChange, match=message):
        it.write(put(identifier, 1))


def test_ids_and_labels_are_compared_in_one_normalization_form(folder: Path) -> None:
    with OpenWriter(folder) as it:
        assert it.write(put("ja\u0308rvi", 1, "ja\u0308rvi")).id == "j\u00e4rvi"
        assert it.write(put("j\u00e4rvi", 1, "j\u00e4rvi")).outcome == "unchanged"
        assert it.write(Delete(["ja\u0308rvi"], "ada")).outcome == "deleted"


@pytest.mark.parametrize("label", ["", " lake", "a/b", "..", "x" * 101, "a\tb"])
def test_an_unusable_label_is_refused(folder: Path, label: str) -> None:
    with OpenWriter(folder) as it, pytest.raises(InvalidChange, match="cannot be a label"):
        it.write(put("a", 1, label))


def test_changes_that_arrive_together_are_one_revision(folder: Path) -> None:
    with OpenWriter(folder, group_seconds=60, most=5) as it:
        futures = [it.submit(put(f"lake/{scene}", scene)) for scene in range(4)]
        bad = it.submit(put("", 8))
        futures.append(it.submit(put("lake/9", 9)))
        revisions = {each.result(timeout=60).revision for each in futures}
        assert isinstance(bad.exception(), InvalidChange)
        assert revisions == {it.store.at().revision}
        assert [len(each.images) for each in it.reported] == [5]


def test_a_submitted_change_cannot_be_cancelled(folder: Path) -> None:
    with OpenWriter(folder, group_seconds=0.5) as it:
        future = it.submit(put("a", 1))
        assert not future.cancel()
        assert it.write(put("b", 2)).outcome == "added"
        assert future.result(timeout=60).outcome == "added"


def test_changes_of_one_image_are_revisions_of_their_own(folder: Path) -> None:
    changes: list[Change] = [
        put("a", 1),
        Edit(["a"], "ada", "sea"),
        Delete(["a"], "ada"),
        put("b", 1),
    ]
    with OpenWriter(folder, group_seconds=600) as it:
        futures = [it.submit(each) for each in changes]
    # Closing ends the window.
    written = [each.result(timeout=60) for each in futures]
    assert [each.outcome for each in written] == [
        "added", "relabelled", "deleted", "deleted_before",
    ]  # fmt: skip
    assert len({each.revision for each in written[:3]}) == 3


def test_content_that_returns_is_stored_once(folder: Path) -> None:
    with OpenWriter(folder) as it:
        outcomes = [it.write(put("a", scene)).outcome for scene in (1, 2, 1)]
        assert outcomes == ["added", "replaced", "replaced"]
        digests = {prepared(scene).blob.digest for scene in (1, 2)}
        for stored in (
            it.store.blobs.open().digests.to_pylist(),
            it.store.features(ENCODER).digests(),
        ):
            assert sorted(stored) == sorted(digests)


def test_changes_are_reported_with_features_before_they_are_acknowledged(folder: Path) -> None:
    with OpenWriter(folder) as it:
        it.write(put("b", 1))
        assert [each.images.ids for each in it.reported] == [["b"]]
        it.write(put("a", 2))
        deleted = it.write(Delete(["b", "a"], "ada"))
        last = it.reported[-1]
        assert (last.revision, last.images.ids) == (deleted.revision, ["b", "a"])
        assert all(each.deleted is not None for each in last.images)
        wanted = [features(painted(scene)).embeddings[0] for scene in (1, 2)]
        assert np.array_equal(last.encoded.embeddings, wanted)
        assert last.encoder == ENCODER


def test_a_failed_report_does_not_undo_the_write(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(changed: ChangedImages) -> None:
        raise ValueError("no room")

    with OpenWriter(folder) as it:
        it.writer._applied = fail
        assert it.write(put("a", 1)).outcome == "added"
        assert it.store.at().images.ids == ["a"]
    assert "cannot be shown" in caplog.text


def test_missing_features_are_computed_and_stored(folder: Path) -> None:
    with OpenWriter(folder) as it:
        it.write(put("a", 1))
        it.writer.use_encoder("f" * 64, lambda files: map(features, files))
        it.write(Edit(["a"], "ada", "sea"))
        it.write(put("b", 2))
        for changed, scene in zip(it.reported[1:], (1, 2), strict=True):
            assert changed.encoder == "f" * 64
            assert np.array_equal(changed.encoded.embeddings, features(painted(scene)).embeddings)
        digests = [prepared(scene).blob.digest for scene in (1, 2)]
        assert sorted(it.store.features("f" * 64).digests()) == sorted(digests)


def test_features_appended_by_another_process_are_found(folder: Path) -> None:
    with OpenWriter(folder) as it:
        it.write(put("a", 1))
        other = prepared(7)
        it.store.features(ENCODER).append([other.blob.digest], other.encoded)
        it.write(put("b", 2))
        it.write(put("c", 3))
        it.write(Delete(["b", "c", "a"], "ada"))
        wanted = [features(painted(scene)).embeddings[0] for scene in (2, 3, 1)]
        assert np.array_equal(it.reported[-1].encoded.embeddings, wanted)


def test_a_failed_commit_fails_its_changes_alone(folder: Path) -> None:
    with OpenWriter(folder) as it:
        it.write(put("a", 1))
        manifests = folder / "images.lance" / "_versions"
        hidden = manifests.rename(folder / "hidden")
        with pytest.raises(StoreError):
            it.write(put("b", 2))
        hidden.rename(manifests)
        assert it.write(put("b", 2)).outcome == "added"
        assert it.store.at().images.ids == ["a", "b"]
        blobs = it.store.blobs.open().digests.to_pylist()
        assert len(blobs) == len(set(blobs)) == 2


def test_an_image_of_a_failed_commit_is_unknown(folder: Path) -> None:
    journal, hidden = folder / "labels.lance", folder / "hidden"
    with OpenWriter(folder) as it:
        it.write(put("a", 1))
        journal.rename(hidden)
        journal.touch()
        with pytest.raises(StoreError):
            it.write(put("b", 2))
        journal.unlink()
        hidden.rename(journal)
        assert it.write(put("c", 2)).outcome == "added"
        assert it.store.at().images.ids == ["a", "c"]


def test_a_writer_that_cannot_read_its_store_recovers(folder: Path) -> None:
    with OpenWriter(folder) as it:
        it.write(put("a", 1))
    hidden = (folder / "blobs.lance").rename(folder / "hidden")
    with OpenWriter(folder) as it:
        with pytest.raises((StoreDamaged, StoreError)):
            it.write(put("b", 2))
        hidden.rename(folder / "blobs.lance")
        assert it.write(put("b", 2)).outcome == "added"


def test_changes_by_a_command_are_seen(folder: Path) -> None:
    with OpenWriter(folder) as it:
        it.write(put("a", 1))
        it.store.delete(["a"])
        assert it.write(put("a", 1)).outcome == "deleted_before"


def test_a_closed_writer_has_written_everything_and_refuses_more(folder: Path) -> None:
    with OpenWriter(folder, group_seconds=30) as it:
        future = it.submit(put("a", 1))
        it.writer.close()
        assert future.result(timeout=0).outcome == "added"
        with pytest.raises(StoreError, match="closed"):
            it.submit(put("b", 2))
