"""Live states against a plain model: a dictionary of images, searched by brute force."""

import gc
import weakref
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from unicodedata import normalize

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from embeddings.encoded import Encoded
from embeddings.index.blocks import BlockSearch
from embeddings.index.flat import FlatIndex
from embeddings.index.knn_graph import build_neighbor_graph
from embeddings.live_state import LiveState
from embeddings.recognition import typicality
from embeddings.release.manifest import DataInfo, EncoderInfo, Manifest
from embeddings.release.reader import Release
from embeddings.release.reports import Comparison
from embeddings.release.uncertainty import Typicality, UncertaintyReport
from embeddings.store.changed_images import ChangedImages
from embeddings.store.records import Images, StoredImage
from tests.embeddings.live_states import by_id, row_of

NAMES = ("a", "b/\u00fc", "it's", 'c"d', "e", "f", "g", "h\u00e9", "i", "j")
DIMENSION = 3
FIRST = 7
"""Revision of the release."""

VALUES = np.array([-2.0, 0.0, 0.1, 1.0, 3.0], np.float32)
"""Few distinct values make ties and duplicates common."""

CONTENTS = np.random.default_rng(0).choice(VALUES, (24, DIMENSION))
"""Embedding of each content."""

NOW = datetime(2026, 1, 1, tzinfo=UTC)

Part = TypeVar("Part", bound=BaseModel)

Contents = dict[str, tuple[int, str | None]]
"""Content and label of each image."""

Step = dict[str, tuple[int, str | None, bool]]
"""Content and label of each changed image, and whether it is deleted."""

contents = st.integers(0, len(CONTENTS) - 1)
labels = st.sampled_from(["lake", "sea", "unknown", None])
names = st.sampled_from(NAMES)
bases = st.dictionaries(names, st.tuples(contents, labels), min_size=1)
steps = st.lists(
    st.dictionaries(names, st.tuples(contents, labels, st.booleans()), max_size=5), max_size=6
)


def image(name: str, content: int, label: str | None) -> StoredImage:
    return StoredImage(
        id=name,
        label=label,
        split="pool" if label is None else "train",
        group=1,
        digest=f"digest {content}",
        source_digest="",
        width=4,
        height=3,
    )


def encoded(chosen: Sequence[int]) -> Encoded:
    embeddings = CONTENTS[list(chosen)].reshape(-1, DIMENSION)
    return Encoded(embeddings, np.stack([embeddings[:, 0] > 0, embeddings[:, 0] <= 0], 1) * 1.0)


def partial_of(kind: type[Part], **facts: Any) -> Part:
    """Return a part of a release with these facts alone."""
    return kind.model_construct(**facts)


def sealed(images: Images, found: Encoded, revision: int, encoder: str = "") -> Release:
    """Return a release of images with these features."""
    count = len(images)
    return Release(
        folder=Path(),
        manifest=partial_of(
            Manifest,
            data=DataInfo(name="", fingerprint="", photographs=count, revision=revision),
            encoder=partial_of(EncoderInfo, fingerprint=encoder),
        ),
        images=images,
        embeddings=found.embeddings,
        probabilities=found.probabilities,
        points=np.random.default_rng(count).normal(size=(count, 2)),
        graph=build_neighbor_graph(BlockSearch(images.ids, found.embeddings)),
        typicalities=np.linspace(0, 1, count),
        learned=images.splits == "train",
        training_distances=np.zeros(count),
        comparison=partial_of(Comparison),
        errors=(),
        label_issues=(),
        uncertainty=partial_of(UncertaintyReport),
        typicality=partial_of(Typicality, distances=(0.5, 1.0, 2.0)),
    )


def release_of(base: Contents) -> Release:
    ids = sorted(base)
    images = Images.of([image(name, *base[name]) for name in ids])
    return sealed(images, encoded([base[name][0] for name in ids]), FIRST)


class Model:
    """Images by id, searched by brute force in double precision."""

    def __init__(self, base: Contents) -> None:
        self.images = dict(base)

    def change(self, step: Step) -> None:
        for name, (content, label, deleted) in step.items():
            self.images.pop(name, None)
            if not deleted:
                self.images[name] = (content, label)

    def search(self, query: np.ndarray, k: int, eligible: set[str]) -> list[tuple[str, float]]:
        found = []
        for name in eligible & self.images.keys():
            difference = CONTENTS[self.images[name][0]].astype(float) - query.astype(float)
            found.append((float(np.linalg.norm(difference)), name))
        return [(name, distance) for distance, name in sorted(found)[:k]]

    def neighbors(self, name: str) -> list[tuple[str, float]]:
        query = CONTENTS[self.images[name][0]]
        return self.search(query, 3, self.images.keys() - {name})

    def answer(self, name: str) -> tuple[object, ...]:
        """Return the neighbours of an image and all that is known of them and of itself."""
        found = self.neighbors(name)
        return found, [self.images[each] for each in (name, *(other for other, _ in found))]


def changed(revision: int, step: Step) -> ChangedImages:
    images = [
        image(name, content, label).model_copy(update={"deleted": NOW if deleted else None})
        for name, (content, label, deleted) in step.items()
    ]
    features = encoded([each[0] for each in step.values()])
    return ChangedImages(revision, Images.of(images), features, "an encoder")


def state_of(base: Contents) -> LiveState:
    release = release_of(base)
    return LiveState.of(release, FlatIndex(release.embeddings))


def assert_records(state: LiveState, model: Model) -> None:
    rows = state.ids_in_order()
    assert [state.record(row).id for row in rows] == sorted(model.images)
    assert np.flatnonzero(state.live).tolist() == sorted(rows)
    for name in NAMES:
        assert (state.row(name) is None) == (name not in model.images)
    for row in rows.tolist():
        record = state.record(row)
        content, label = model.images[record.id]
        assert state.row(record.id) == state.row(normalize("NFD", record.id)) == row
        assert (record.label, record.digest) == (label, f"digest {content}")
        assert (state.labels[row], state.splits[row]) == (label, record.split)
        assert state.embedding(row).tolist() == CONTENTS[content].tolist()
        assert state.predicted(row) == int(CONTENTS[content][0] <= 0)


def assert_searches(state: LiveState, model: Model, data: st.DataObject) -> None:
    query = CONTENTS[data.draw(contents)]
    k = data.draw(st.integers(1, len(NAMES) + 2))
    eligible = data.draw(st.none() | st.sets(names))
    among = None
    if eligible is not None:
        among = np.array([state.record(row).id in eligible for row in range(len(state))])
    known: list[str | None] = [None, *sorted(model.images)]
    excluded = data.draw(st.sampled_from(known))
    found = state.index.search(
        query, k, exclude=None if excluded is None else state.row(excluded), among=among
    )
    allowed = set(NAMES if eligible is None else eligible) - {excluded}
    assert by_id(state, found) == model.search(query, k, allowed)
    assert found.exact


def assert_ready_answers(state: LiveState, model: Model) -> None:
    for name in model.images:
        found = state.neighbors(row_of(state, name))
        assert by_id(state, found) == model.neighbors(name)
        assert found.exact


def assert_columns(state: LiveState) -> None:
    rows, distances = state.neighbor_lists
    assert len(rows) == len(state.all_probabilities) == len(state.typicalities) == len(state)
    for row in np.flatnonzero(state.live).tolist():
        found = state.neighbors(row)
        missing = 3 - len(found.rows)
        assert rows[row].tolist() == [*found.rows.tolist(), *[-1] * missing]
        assert distances[row].tolist() == [*found.distances.tolist(), *[np.inf] * missing]
        assert state.typicalities[row] == state.typicality(row)
        if state.release.row_of_file(state.record(row).digest) < 0:
            known = np.array(state.release.typicality.distances)
            assert state.typicality(row) == typicality(known, state.training_distances[row])
        assert state.all_probabilities[row].tolist() == state.probabilities(row).tolist()
    assert (rows[~state.live] == -1).all()


@settings(max_examples=200, deadline=None)
@given(bases, steps, st.data())
def test_states_agree_with_brute_force(
    base: Contents, steps: list[Step], data: st.DataObject
) -> None:
    state, model = state_of(base), Model(base)
    for number, step in enumerate(steps, FIRST + 1):
        state = state.apply(changed(number, step))
        model.change(step)
        assert state.revision == number
        assert_records(state, model)
        assert_searches(state, model, data)
        if data.draw(st.booleans()):
            assert_columns(state)
        if data.draw(st.booleans()):
            assert_ready_answers(state, model)


@settings(max_examples=150, deadline=None)
@given(bases, steps)
def test_a_changed_answer_has_a_new_stamp(base: Contents, steps: list[Step]) -> None:
    state, model = state_of(base), Model(base)
    answers = sealed = {name: model.answer(name) for name in base}
    for number, step in enumerate(steps, FIRST + 1):
        state = state.apply(changed(number, step))
        model.change(step)
        before, answers = answers, {name: model.answer(name) for name in model.images}
        for name, answer in answers.items():
            stamp = state.stamp(row_of(state, name))
            if before.get(name) != answer:
                assert stamp == number
            if stamp == 0:
                assert sealed[name] == answer


@settings(max_examples=50, deadline=None)
@given(bases, steps, st.data())
def test_facts_of_new_files_do_not_depend_on_the_order_of_changes(
    base: Contents, steps: list[Step], data: st.DataObject
) -> None:
    one = state_of(base)
    for number, step in enumerate(steps, FIRST + 1):
        one = one.apply(changed(number, step))
        if data.draw(st.booleans()):
            one.points(one.ids_in_order())
    merged: Step = {}
    for step in steps:
        merged |= step
    other = state_of(base).apply(changed(FIRST + len(steps), merged))
    names = [one.record(row).id for row in one.ids_in_order()]
    assert names == [other.record(row).id for row in other.ids_in_order()]
    for name in names:
        row, same = row_of(one, name), row_of(other, name)
        assert one.point(row) == other.point(same)
        assert one.typicality(row) == other.typicality(same)
        assert one.learned(row) == other.learned(same)
        assert one.record(row) == other.record(same)


def test_a_file_of_the_release_has_the_same_facts_under_another_id() -> None:
    base = {"a": (1, "lake"), "b": (5, "sea"), "c": (7, None)}
    state = state_of(base).apply(changed(FIRST + 1, {"d": (5, "lake", False)}))
    known, new = row_of(state, "b"), row_of(state, "d")
    assert known != new
    assert state.point(new) == state.point(known)
    assert state.typicality(new) == state.typicality(known)
    assert state.learned(new)
    assert not state.learned(row_of(state, "c"))


def test_a_relabelled_image_changes_the_stamps_of_the_images_that_list_it() -> None:
    base: Contents = {name: (number, "lake") for number, name in enumerate(NAMES)}
    state, model = state_of(base), Model(base)
    state = state.apply(changed(FIRST + 1, {"a": (0, "sea", False)}))
    model.change({"a": (0, "sea", False)})
    for name in NAMES:
        listed = [other for other, _ in model.neighbors(name)]
        stamp = FIRST + 1 if "a" in (name, *listed) else 0
        assert state.stamp(row_of(state, name)) == stamp
    assert {state.stamp(row_of(state, name)) for name in NAMES} == {0, FIRST + 1}


def test_a_state_keeps_no_earlier_state_in_memory() -> None:
    gc.collect()
    gc.disable()
    try:
        state = state_of({"a": (1, "lake"), "b": (5, "sea"), "c": (7, None)})
        earlier = []
        for number in range(20):
            earlier.append(weakref.ref(state))
            state.neighbors(state.ids_in_order()[0])
            step: Step = {NAMES[number % 7]: (number, "lake", number % 3 == 0)}
            state = state.apply(changed(FIRST + 1 + number, step))
        assert [each() for each in earlier] == [None] * 20
    finally:
        gc.enable()
