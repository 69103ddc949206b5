"""Single images compared and placed in memory: the same as with the rules for all images."""

from collections.abc import Iterable
from datetime import UTC, datetime
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.arrays import Pixels, Rows
from embeddings.ingest.collection import Collection
from embeddings.ingest.comparison import Alike, Comparison
from embeddings.ingest.near_duplicates import NEW, Links, find_links
from embeddings.ingest.placement import Part, SplitTable, link_keys, place
from embeddings.ingest.places import Places
from embeddings.store.records import Images, StoredImage

SEED = 3


def thumbnail(scene: int, deviation: int, number: int) -> Pixels:
    """Return a thumbnail with noise; those of one scene are near-duplicates up to a deviation."""
    base = np.random.default_rng(scene).integers(0, 256, (16, 17, 3))
    noise = np.random.default_rng(1000 + number).normal(0, deviation, (16, 17, 3))
    return np.clip(base + noise, 0, 255).astype(np.uint8)


def record(name: str, label: str | None, photographer: str | None) -> StoredImage:
    return StoredImage(
        id=name,
        label=label,
        split="pool",
        group=NEW,
        digest=f"digest of {name}",
        source_digest=f"source of {name}",
        width=4,
        height=3,
        photographer_id=photographer,
    )


class Everything:
    """Images placed by the rules for all images."""

    def __init__(self, records: Iterable[StoredImage]) -> None:
        self.records = [*records]

    def change(self, row: int, image: StoredImage, alike: Alike | None) -> None:
        """Set or append an image; with near-duplicates, place it."""
        is_new = row == len(self.records)
        first = is_new or (self.records[row].label is None and image.label is not None)
        self.records[row : row + 1] = [image]
        if alike is not None:
            self._place(row, first, alike.rows)

    def _place(self, row: int, first: bool, near: Rows) -> None:
        records = self.records
        parts = [part_of(each) for each in records]
        groups = [each.group for each in records]
        if first:
            parts[row], groups[row] = Part.NEW, NEW
        table = SplitTable(
            ids=[each.id for each in records],
            labels=[each.label for each in records],
            photographers=[each.photographer_id for each in records],
            groups=np.array(groups, np.int64),
            parts=np.array(parts, np.int8),
            live=np.array([each.deleted is None for each in records], np.bool_),
        )
        replaced = np.array([] if first else [row], np.int64)
        partners = near[np.unique(link_keys(table, replaced)[near], return_index=True)[1]]
        alone = np.arange(len(records), dtype=np.int32)
        links = Links(np.full(len(partners), row), partners, alone, {})
        placement = place(table, links, replaced, SEED)
        places = Places(placement.groups, placement.parts, placement.reasons)
        for number, image in enumerate(records):
            columns = places.columns_of(number)
            if placement.parts[number] == table.parts[number]:
                columns = {"group": columns["group"]}
            records[number] = image.model_copy(update=columns)


def part_of(image: StoredImage) -> Part:
    if image.split == "train":
        return Part.TUNING if image.tuning else Part.FIT
    return Part.VALIDATION if image.split == "validation" else Part.POOL


def draw_image(random: Random, name: str) -> StoredImage:
    label = random.choice(["lake", "lake", "sea", "sea", None])
    return record(name, label, random.choice([None, None, *"pqrs"]))


def draw_content(random: Random) -> Pixels:
    return thumbnail(random.randrange(25), random.choice([0, 1, 5]), random.randrange(1000))


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 30), st.integers(1, 25))
def test_places_equal_those_of_all_images(random: Random, first: int, changes: int) -> None:
    none = np.empty((0, 16, 17, 3), np.uint8)
    every, one = Everything([]), Collection(Images.of([]), none, SEED)
    for number in range(changes):
        if number == first:
            stack = np.array([one.thumbnail(row) for row in range(len(one))], np.uint8)
            one = Collection(Images.of(every.records), stack.reshape(-1, 16, 17, 3), SEED)
        row = random.randrange(len(one) + 1)
        kind = random.choice(["replace", "delete", "label"]) if row < len(one) else "add"
        content = draw_content(random) if kind in ("add", "replace") else one.thumbnail(row)
        image = draw_image(random, f"{number:03}") if kind == "add" else one.record(row)
        is_placed = kind in ("add", "replace") or (kind == "label" and image.label is None)
        if kind == "delete":
            deleted = datetime.now(UTC) if image.deleted is None else None
            image = image.model_copy(update={"deleted": deleted})
        elif kind == "label":
            image = image.model_copy(update={"label": random.choice(["lake", "sea"])})
        alike = one.find_alike(content, row) if is_placed else None
        changed = {row: image} if alike is None else one.placed(row, image, alike)
        every.change(row, image, alike)
        one.set(changed)
        if kind in ("add", "replace"):
            one.set_thumbnail(row, content)
        assert [one.record(each) for each in range(len(one))] == every.records


@settings(max_examples=8, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0, 1, 5, 20, 40])), max_size=12),
    st.lists(
        st.tuples(st.integers(0, 20), st.integers(0, 3), st.sampled_from([0, 1, 5, 20, 40])),
        min_size=1,
        max_size=8,
    ),
    st.lists(st.sampled_from(["a", "b", None]), min_size=24, max_size=24),
)
def test_near_duplicates_equal_those_of_all_images(
    stored: list[tuple[int, int]],
    changes: list[tuple[int, int, int]],
    labels: list[str | None],
) -> None:
    every = [thumbnail(*draw, number) for number, draw in enumerate(stored)]
    comparison = Comparison(np.array(every, np.uint8).reshape(-1, 16, 17, 3))
    for number, (place_at, scene, deviation) in enumerate(changes):
        row = min(place_at, len(every))
        content = thumbnail(scene, deviation, 100 + number)
        alike = comparison.find(content, row)
        comparison.set(row, content)
        every[row : row + 1] = [content]
        keys = np.arange(len(every))
        links = find_links(np.stack(every), np.array([row]), keys, labels[: len(every)])
        assert alike.rows.tolist() == sorted(links.partners[links.images == row].tolist())
        others = [labels[each] for each in alike.rows.tolist()]
        assert alike.copy(labels[row], others) == links.copies.get(row)


def test_settled_records_are_the_same() -> None:
    one = Collection(Images.of([]), np.empty((0, 16, 17, 3), np.uint8), SEED)
    for row in range(1500):
        one.set({row: record(f"{row % 7}-{row}", "lake", None)})
        one.set({row // 2: one.record(row // 2).model_copy(update={"label": "sea"})})
        one.settle()
    found = [one.record(row) for row in range(1500)]
    assert [each.id for each in found] == [f"{row % 7}-{row}" for row in range(1500)]
    assert [each.label for each in found] == ["sea"] * 750 + ["lake"] * 750
    assert one.row_of("3-10") == 10
