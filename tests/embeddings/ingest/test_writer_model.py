"""Sequences of single changes: outcomes against a plain model, and the same in any grouping."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.ingest.changes import (
    Change,
    Delete,
    Distinct,
    Edit,
    InvalidChange,
    Put,
    Restore,
    Undo,
    UnknownImage,
    Written,
)
from embeddings.ingest.unset import Unset
from embeddings.store.changed_images import ChangedImages
from embeddings.store.records import StoredImage, reviewed
from embeddings.store.store import Store
from tests.embeddings.ingest.prepared import (
    BRIGHTER,
    ENCODED_ANEW,
    ENCODER,
    ORIGINAL,
    OpenWriter,
    prepared,
)

Content = tuple[int, int]
"""Scene and variant."""

_CONTENTS = [(scene, variant) for scene in range(5) for variant in range(3)]
_IDS = st.sampled_from("abcdef")
_LABELS = st.sampled_from([None, "lake", "sea"])


_DRAWS = st.one_of(
    st.tuples(st.just("put"), _IDS, _LABELS, st.sampled_from(_CONTENTS), st.booleans()),
    st.tuples(st.just("put"), _IDS, _LABELS, st.sampled_from(_CONTENTS), st.booleans()),
    st.tuples(st.just("relabel"), _IDS, _LABELS),
    st.tuples(st.sampled_from(["delete", "restore"]), st.lists(_IDS, min_size=1, max_size=2)),
)
"""Changes as short tuples, which hypothesis can show."""


def _change(draw: tuple[Any, ...]) -> Change:
    match draw:
        case ("put", name, label, content, restore):
            return Put(name, label, prepared(*content), "ada", restore)
        case ("relabel", name, label):
            return Edit([name], "bob", label)
        case ("delete", ids):
            return Delete(ids, "bob")
        case ("restore", ids):
            return Restore(ids, "bob")
    raise ValueError(draw)


@dataclass(frozen=True)
class _Image:
    content: Content
    label: str | None
    deleted: bool = False


_CONTENT_OF = {prepared(*content).blob.digest: content for content in _CONTENTS}


@dataclass
class _Model:
    """Plain model of a collection: an image for each id, and the outcome of each change."""

    images: dict[str, _Image] = field(default_factory=dict)

    def write(self, change: Change) -> tuple[str, str]:
        """Return the outcome and the id of a change, or the name of an error and an empty id."""
        match change:
            case Put():
                return self._put(change)
            case Edit():
                return self._relabel(change)
            case Delete():
                return self._mark([*change.ids], deleted=True)
            case Restore():
                return self._mark([*change.ids], deleted=False)
            case Distinct() | Undo():
                raise NotImplementedError

    def _put(self, change: Put) -> tuple[str, str]:
        content, name = _CONTENT_OF[change.file.blob.digest], change.id
        before = self.images.get(name)
        label = change.label or (before.label if before else None)
        live = self._with(content, deleted=False)
        if before is not None and before.content == content and live in ([], [name]):
            if before.deleted and not change.restore:
                return "deleted_before", name
            self.images[name] = _Image(content, label)
            if before.deleted:
                return "added", name
            return ("unchanged" if label == before.label else "relabelled"), name
        if live:
            other = self.images[live[0]].label
            same = None in (change.label, other) or change.label == other
            return ("duplicate_of" if same else "conflict"), live[0]
        if (dead := self._with(content, deleted=True)) and not change.restore:
            return "deleted_before", dead[0]
        for other, image in self.images.items():
            same_image = image.content[0] == content[0] and BRIGHTER not in (
                content[1], image.content[1],
            )  # fmt: skip
            crossing = None not in (label, image.label) and label != image.label
            if other != name and same_image and crossing and not image.deleted:
                return "conflict", other
        self.images[name] = _Image(content, label)
        return ("added" if before is None or before.deleted else "replaced"), name

    def _with(self, content: Content, *, deleted: bool) -> list[str]:
        return [
            name
            for name, image in self.images.items()
            if image.content == content and image.deleted is deleted
        ]

    def _relabel(self, change: Edit) -> tuple[str, str]:
        (name,) = change.ids
        image = self.images.get(name)
        if image is None or image.deleted:
            return "UnknownImage", ""
        if change.label == image.label:
            return "unchanged", name
        assert not isinstance(change.label, Unset)
        self.images[name] = replace(image, label=change.label)
        return "relabelled", name

    def _mark(self, ids: list[str], *, deleted: bool) -> tuple[str, str]:
        if not set(ids) <= self.images.keys():
            return "UnknownImage", ""
        changed = {name for name in ids if self.images[name].deleted is not deleted}
        if not deleted and self._taken(changed):
            return "InvalidChange", ""
        for name in changed:
            self.images[name] = replace(self.images[name], deleted=deleted)
        done = "deleted" if deleted else "restored"
        return (done if changed else "unchanged"), ids[0] if len({*ids}) == 1 else ""

    def _taken(self, changed: set[str]) -> bool:
        live = [image.content for image in self.images.values() if not image.deleted]
        restored = [self.images[name].content for name in changed]
        return len({*live, *restored}) < len({*live}) + len(restored)


def _result(written: Written | Exception) -> tuple[str, str]:
    if isinstance(written, Written):
        return written.outcome, written.id
    return type(written).__name__, ""


def _write(
    folder: Path, changes: list[Change], group_seconds: float, most: int
) -> tuple[list[tuple[str, str]], list[ChangedImages]]:
    """Return the results of changes submitted at once, and the reported changes."""
    with OpenWriter(folder, group_seconds, most) as it:
        futures = [it.submit(change) for change in changes]
        it.writer.close()
        results = []
        for future in futures:
            try:
                results.append(_result(future.result(timeout=120)))
            except (InvalidChange, UnknownImage) as error:
                results.append(_result(error))
        return results, it.reported


def _facts(store: Store) -> list[tuple[StoredImage, bool]]:
    """Return all records without their times, and whether they are deleted."""
    timeless = {"added": None, "changed": None, "deleted": None}
    return [
        (reviewed(image, None).model_copy(update=timeless), image.deleted is not None)
        for image in store.at().all
    ]


def _check_promises(reported: list[ChangedImages]) -> None:
    """Check that images change to the pool only, and that no group is on both sides."""
    known: dict[str, StoredImage] = {}
    for changed in reported:
        for image in changed.images:
            before = known.get(image.id)
            if before is not None and image.split != "pool" and before.label is not None:
                assert (image.split, image.tuning) == (before.split, before.tuning)
            known[image.id] = image
    parts = defaultdict(set)
    scenes = defaultdict(set)
    for image in known.values():
        if image.split != "pool":
            part = (image.split, image.tuning)
            parts[image.group].add(part)
            scenes[_CONTENT_OF[image.digest][0]].add(part)
    assert all(len(found) == 1 for found in (*parts.values(), *scenes.values()))


@settings(max_examples=12, deadline=None)
@given(draws=st.lists(_DRAWS, min_size=1, max_size=16), most=st.integers(2, 6))
def test_any_grouping_has_the_results_of_one_by_one(
    draws: list[tuple[Any, ...]], most: int
) -> None:
    changes = [_change(draw) for draw in draws]
    with TemporaryDirectory() as temporary:
        one_by_one, grouped = Path(temporary, "a"), Path(temporary, "b")
        results, reported = _write(one_by_one, changes, 0.0, 1)
        model = _Model()
        assert results == [model.write(change) for change in changes]
        assert _write(grouped, changes, 60.0, most)[0] == results
        first, second = Store(str(one_by_one)), Store(str(grouped))
        assert _facts(first) == _facts(second)
        images = first.at().all
        assert dict(zip(images.ids, images.labels, strict=True)) == {
            name: image.label for name, image in model.images.items()
        }
        assert first.at().images.ids == sorted(
            name for name, image in model.images.items() if not image.deleted
        )
        _check_promises(reported)
        for store in (first, second):
            _check_nothing_is_doubled(store)


def _check_nothing_is_doubled(store: Store) -> None:
    snapshot = store.at()
    blobs = store.blobs.open().digests.to_pylist()
    digests = store.features(ENCODER).digests()
    for values in (snapshot.all.ids, blobs, digests):
        assert len(values) == len(set(values))
    assert set(snapshot.all.digests) <= set(blobs)
    assert all(not check.problems for check in store.verify())


def test_the_variants_of_a_scene_are_as_the_model_says(tmp_path: Path) -> None:
    for scene in range(5):
        with OpenWriter(tmp_path / str(scene)) as it:
            it.write(Put("a", "lake", prepared(scene, ORIGINAL), "ada"))
            anew = it.write(Put("b", "lake", prepared(scene, ENCODED_ANEW), "ada")).image
            brighter = it.write(Put("c", "sea", prepared(scene, BRIGHTER), "ada")).image
            assert anew is not None
            assert brighter is not None
            assert len({*it.store.at().all.groups.tolist()}) == 1
