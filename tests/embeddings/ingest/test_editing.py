"""Edits of many images, reviews, and decisions taken back."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.ingest.changes import (
    Delete,
    Distinct,
    Edit,
    ImageChanged,
    InvalidChange,
    Put,
    Restore,
    Undo,
    UnknownImage,
    Written,
)
from embeddings.store.records import REVIEW_TIME, StoredImage, record_tag
from tests.embeddings.ingest.prepared import BRIGHTER, OpenWriter, prepared

NAMES = tuple("abcd")


@pytest.fixture
def it(tmp_path: Path) -> Iterator[OpenWriter]:
    with OpenWriter(tmp_path / "store") as writer:
        for number, name in enumerate(NAMES):
            writer.write(Put(name, "lake", prepared(number), "ada"))
        yield writer


def undo(it: OpenWriter, written: Written, by: str = "ada") -> Written:
    return it.write(Undo(it.store.labels.find(written.decisions), by))


def image(it: OpenWriter, name: str) -> StoredImage:
    found = it.store.at().find(name)
    assert found is not None
    return found


def tags(it: OpenWriter, *names: str) -> dict[str, str]:
    return {name: record_tag(image(it, name)) for name in names}


def test_an_edit_changes_all_images_in_one_revision(it: OpenWriter) -> None:
    before = it.store.at().revision
    written = it.write(Edit(NAMES, "ada", "sea", {"note": "x"}, ("b", "a"), reviewed=True))
    assert (written.revision, written.outcome) == (before + 1, "relabelled")
    assert written.outcomes == {"relabelled": 4}
    assert [each.id for each in written.images] == [*NAMES]
    for each in it.store.at().images:
        assert (each.label, each.tags, each.attributes["note"]) == ("sea", ("a", "b"), "x")
    kinds = [each.decision.why for each in it.store.labels.find(written.decisions)]
    assert sorted(kinds) == sorted(
        ["review", "attributes", 'tags:{"add":["a","b"],"remove":[]}'] * 4
    )


def test_all_unusable_images_are_named_and_none_changes(it: OpenWriter) -> None:
    known = tags(it, *NAMES)
    it.write(Edit(["b", "c"], "bob", reviewed=True))
    it.write(Delete(["d"], "bob"))
    revision = it.store.at().revision
    with pytest.raises(ImageChanged) as raised:
        it.write(Edit([*NAMES, "x"], "ada", "sea", if_match=known))
    assert raised.value.ids == ("b", "c", "x", "d")
    with pytest.raises(UnknownImage, match="'x', 'y', 'z' and 1 more") as unknown:
        it.write(Edit(["a", "x", "y", "z", "w"], "ada", "sea"))
    assert unknown.value.ids == ("x", "y", "z", "w")
    assert it.store.at().revision == revision


def test_a_repeated_edit_is_unchanged_and_has_its_first_decisions(it: OpenWriter) -> None:
    edit = Edit(["a", "b"], "ada", "sea", if_match=tags(it, "a", "b"), reviewed=True)
    first, again = it.write(edit), it.write(edit)
    assert again.outcomes == {"unchanged": 2}
    assert again.decisions == first.decisions
    assert it.write(Edit(["a", "b"], "ada", "sea")).decisions == ()
    with pytest.raises(ImageChanged):
        it.write(replace(edit, by="bob"))


def test_a_repeated_deletion_has_its_first_decisions(it: OpenWriter) -> None:
    deletion = Delete(["a", "b"], "ada", tags(it, "a", "b"))
    first, again = it.write(deletion), it.write(deletion)
    assert again.outcomes == {"unchanged": 2}
    assert again.decisions == first.decisions
    assert it.write(Delete(["a", "b"], "ada")).decisions == ()
    assert it.write(replace(deletion, by="bob")).decisions == ()
    assert undo(it, again).outcomes == {"undone": 2}


def test_images_that_are_found_to_be_different_again_have_the_first_decisions(
    it: OpenWriter,
) -> None:
    first, again = it.write(Distinct(["a", "b"], "ada")), it.write(Distinct(["b", "a"], "ada"))
    assert again.outcomes == {"unchanged": 2}
    assert {*again.decisions} == {*first.decisions}
    assert it.write(Distinct(["a", "b"], "bob")).decisions == ()


def test_decisions_are_known_after_a_restart(it: OpenWriter) -> None:
    kept = it.write(Edit(["a"], "ada", reviewed=True))
    labelled = it.write(Edit(["b"], "ada", "sea"))
    it.write(Edit(["b"], "bob", "pond"))
    it.writer.close()
    with OpenWriter(Path(it.store.uri)) as reopened:
        assert undo(reopened, kept).outcome == "undone"
        with pytest.raises(ImageChanged, match="A later decision about 'b'"):
            undo(reopened, labelled)


def test_an_undo_restores_labels_tags_and_deletions(it: OpenWriter) -> None:
    edited = it.write(Edit(["a", "b"], "ada", "sea", add_tags=("x",)))
    deleted = it.write(Delete(["a", "b", "c"], "ada"))
    with pytest.raises(ImageChanged, match="nothing was taken back") as raised:
        undo(it, edited)
    assert raised.value.ids == ("a", "b")
    assert undo(it, deleted).outcomes == {"undone": 3}
    assert image(it, "a").deleted is None
    assert undo(it, edited).outcomes == {"undone": 2}
    assert (image(it, "a").label, image(it, "a").tags) == ("lake", ())


def test_an_undo_can_be_taken_back(it: OpenWriter) -> None:
    edited = it.write(Edit(["a"], "ada", "sea", add_tags=("x",), reviewed=True))
    undone = undo(it, edited)
    assert (image(it, "a").label, image(it, "a").tags) == ("lake", ())
    assert it.store.labels.reviewed() == {}
    assert REVIEW_TIME not in image(it, "a").attributes
    undo(it, undone)
    assert (image(it, "a").label, image(it, "a").tags) == ("sea", ("x",))
    assert it.store.labels.reviewed()["a"].label == "sea"


def test_changes_are_taken_back_one_after_the_other(it: OpenWriter) -> None:
    first = it.write(Edit(["a", "b"], "ada", "sea"))
    second = it.write(Edit(["a"], "ada", "pond", add_tags=("x",)))
    third = it.write(Edit(["a"], "ada", reviewed=True))
    with pytest.raises(ImageChanged):
        undo(it, second)
    undo(it, third)
    with pytest.raises(ImageChanged, match="A later decision about 'a'"):
        undo(it, first)
    it.writer.close()
    with OpenWriter(Path(it.store.uri)) as reopened:
        undo(reopened, second)
        assert undo(reopened, first).outcomes == {"undone": 2}
        assert (image(reopened, "a").label, image(reopened, "a").tags) == ("lake", ())


def test_a_repeated_undo_is_unchanged(it: OpenWriter) -> None:
    edited = it.write(Edit(["a"], "ada", "sea"))
    first = undo(it, edited)
    again = undo(it, edited)
    assert (again.outcome, again.decisions) == ("unchanged", first.decisions)


@pytest.mark.parametrize("kind", ["import", "attributes", "replacement"])
def test_some_decisions_cannot_be_taken_back(it: OpenWriter, kind: str) -> None:
    it.write(Edit(["a"], "ada", attributes={"note": "x"}))
    it.write(Put("b", None, prepared(9), "ada"))
    decisions = [each for name in "ab" for each in it.store.labels.of(name)]
    (*_, found) = (each for each in decisions if each.decision.why == kind)
    with pytest.raises(InvalidChange, match="cannot be taken back"):
        it.write(Undo([found], "ada"))


def test_an_undone_deletion_meets_content_that_was_added_again(it: OpenWriter) -> None:
    deleted = it.write(Delete(["a"], "ada"))
    it.write(Put("other", "lake", prepared(0), "ada", restore=True))
    with pytest.raises(InvalidChange, match="its content is stored as 'other'"):
        undo(it, deleted)


def test_the_entity_tag_covers_reviews(it: OpenWriter) -> None:
    known = tags(it, "a")
    it.write(Edit(["a"], "ada", reviewed=True))
    for change in (
        Edit(["a"], "bob", reviewed=True, if_match=known),
        Delete(["a"], "bob", known),
    ):
        with pytest.raises(ImageChanged):
            it.write(change)
    assert it.write(Edit(["a"], "bob", reviewed=True, if_match=tags(it, "a"))).outcome == "reviewed"


def test_reviews_hold_until_the_file_is_replaced(it: OpenWriter) -> None:
    it.write(Edit(["a", "b"], "ada", reviewed=True))
    it.write(Edit(["b"], "bob", "sea"))
    it.write(Distinct(["a", "b", "c"], "ada"))
    reviews = it.store.labels.reviewed()
    assert {name: (each.label, each.by) for name, each in reviews.items()} == {
        "a": ("lake", "ada"),
        "b": ("sea", "bob"),
    }
    assert it.store.labels.distinct() == (frozenset("abc"),)
    it.write(Put("a", None, prepared(9), "ada"))
    assert [*it.store.labels.reviewed()] == ["b"]
    assert it.store.labels.distinct() == (frozenset("bc"),)
    assert it.write(Edit(["a"], "ada", reviewed=True)).outcome == "reviewed"


def test_different_images_can_be_declared_and_taken_back(it: OpenWriter) -> None:
    first = it.write(Distinct(["a", "b"], "ada"))
    assert (first.outcome, len(first.decisions)) == ("distinct", 2)
    assert it.write(Distinct(["b", "a"], "bob")).outcome == "unchanged"
    undone = undo(it, first)
    assert it.store.labels.distinct() == ()
    undo(it, undone)
    assert it.store.labels.distinct() == (frozenset("ab"),)
    with pytest.raises(InvalidChange, match="two or more"):
        it.write(Distinct(["a", "a"], "ada"))


@pytest.mark.parametrize("part", [(False, "train"), (False, "validation"), (True, "train")])
def test_an_image_gets_its_part_back_with_its_label(it: OpenWriter, part: tuple[bool, str]) -> None:
    known = image(it, "a").model_copy(update={"tuning": part[0], "split": part[1]})
    it.store.put([known])
    removed = it.write(Edit(["a"], "ada", None)).image
    assert removed is not None
    assert (removed.label, removed.split, removed.tuning) == (None, "pool", False)
    again = it.write(Edit(["a"], "ada", "sea")).image
    assert again is not None
    assert (again.tuning, again.split, again.pool_reason) == (*part, None)


def test_an_image_that_would_link_two_parts_stays_in_the_pool(it: OpenWriter) -> None:
    known = image(it, "a")
    other = "train" if known.split == "validation" else "validation"
    it.write(Edit(["a"], "ada", None))
    alike = it.write(Put("near", "lake", prepared(0, BRIGHTER), "ada")).image
    assert alike is not None
    it.store.put([alike.model_copy(update={"split": other, "tuning": False})])
    again = it.write(Edit(["a"], "ada", "lake")).image
    assert again is not None
    assert again.split == "pool"
    assert again.pool_reason is not None


def test_too_many_and_unusable_tags_are_refused(it: OpenWriter) -> None:
    many = tuple(f"tag {number}" for number in range(32))
    assert it.write(Edit(["a"], "ada", add_tags=many)).outcome == "changed"
    with pytest.raises(InvalidChange, match="would have 33 tags; an image has up to 32"):
        it.write(Edit(["b", "a"], "ada", add_tags=("one more",)))
    assert image(it, "b").tags == ()
    with pytest.raises(InvalidChange, match="`reviewed`"):
        it.write(Edit(["a"], "ada", attributes={REVIEW_TIME: "2020"}))


_IDS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4)
_TAGS = st.lists(st.sampled_from(["x", "y", "z"]), max_size=2, unique=True)
_LABELS = st.sampled_from(["lake", "sea", None, "keep"])


@dataclass(frozen=True)
class _Facts:
    label: str | None = "lake"
    tags: frozenset[str] = frozenset()
    deleted: bool = False


class _Change(NamedTuple):
    """Change of a plain model, or the undo of one."""

    written: Written
    before: dict[str, _Facts]
    """Facts of the changed images before the change."""
    number: int
    is_undo: bool


@dataclass
class _Plain:
    """Images as a person would keep them on paper: the state before each change is copied."""

    now: dict[str, _Facts] = field(default_factory=lambda: dict.fromkeys(NAMES, _Facts()))
    made: list[_Change] = field(default_factory=list)
    standing: dict[str, list[int]] = field(default_factory=lambda: {name: [] for name in NAMES})
    """Numbers of the changes of each image that were not taken back, in their order."""
    last: dict[str, int] = field(default_factory=dict)
    """Number of the last change or undo of each image."""

    def add(self, written: Written, before: dict[str, _Facts], is_undo: bool) -> None:
        """Add a change, or the undo of a change."""
        number = len(self.made)
        self.made.append(_Change(written, before, number, is_undo))
        for name in before:
            self.last[name] = number
            if is_undo:
                self.standing[name].pop()
            else:
                self.standing[name].append(number)

    def reversible(self) -> list[_Change]:
        """Return the changes after which nothing changed their images that still stands."""
        return [
            each for each in self.made if all(self._is_last(each, name) for name in each.before)
        ]

    def _is_last(self, change: _Change, name: str) -> bool:
        if change.is_undo:
            return self.last[name] == change.number
        return self.standing[name][-1:] == [change.number]


@settings(max_examples=25, deadline=None)
@given(data=st.data(), count=st.integers(1, 12))
def test_changes_and_undos_agree_with_a_plain_model(data: st.DataObject, count: int) -> None:
    with TemporaryDirectory() as folder, OpenWriter(Path(folder)) as it:
        for number, name in enumerate(NAMES):
            it.write(Put(name, "lake", prepared(number), "ada"))
        plain = _Plain()
        for _ in range(count):
            kind = data.draw(st.sampled_from(["edit", "edit", "undo", "delete", "restore"]))
            if kind == "undo":
                _check_undo(it, plain, data)
            else:
                _check_change(it, plain, data, kind)
            found = {
                each.id: _Facts(each.label, frozenset(each.tags), each.deleted is not None)
                for each in it.store.at().all
            }
            assert found == plain.now
            for each in it.store.at().all:
                assert (each.label is None) <= (each.split == "pool")
        assert all(not check.problems for check in it.store.verify())


def _check_change(it: OpenWriter, plain: _Plain, data: st.DataObject, kind: str) -> None:
    ids = data.draw(_IDS)
    if kind == "edit":
        label, add, remove = data.draw(_LABELS), data.draw(_TAGS), data.draw(_TAGS)
        remove = [each for each in remove if each not in add]
        change: Edit | Delete | Restore = Edit(ids, "ada", add_tags=(*add,), remove_tags=(*remove,))
        assert isinstance(change, Edit)
        if label != "keep":
            change = replace(change, label=label)
        after = {
            name: _Facts(
                plain.now[name].label if label == "keep" else label,
                (plain.now[name].tags | {*add}) - {*remove},
            )
            for name in ids
        }
        if any(plain.now[name].deleted for name in ids):
            with pytest.raises(UnknownImage):
                it.write(change)
            return
    else:
        change = (Delete if kind == "delete" else Restore)(ids, "ada")
        after = {name: replace(plain.now[name], deleted=kind == "delete") for name in ids}
    before = {name: plain.now[name] for name in ids}
    written = it.write(change)
    changed = {name for name in after if after[name] != before[name]}
    assert sum(written.outcomes.values()) == len({*ids})
    assert written.outcomes.get("unchanged", 0) == len({*ids}) - len(changed)
    plain.now |= after
    if changed:
        plain.add(written, {name: before[name] for name in changed}, is_undo=False)


def _check_undo(it: OpenWriter, plain: _Plain, data: st.DataObject) -> None:
    reversible = plain.reversible()
    numbers = {each.number for each in reversible}
    others = [each for each in plain.made if each.number not in numbers and not each.is_undo]
    if others:
        refused = data.draw(st.sampled_from(others))
        with suppress(ImageChanged):
            assert undo(it, refused.written).outcomes.keys() == {"unchanged"}
    if not reversible:
        return
    change = data.draw(st.sampled_from(reversible))
    now = {name: plain.now[name] for name in change.before}
    undone = undo(it, change.written)
    assert undone.outcomes == {"undone": len(now)}
    plain.now |= change.before
    plain.add(undone, now, is_undo=not change.is_undo)
