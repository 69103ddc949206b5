"""Sequences of changes against the rules of the split, with links drawn at random."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.arrays import Rows
from embeddings.ingest.near_duplicates import NEW, Links, connected_groups
from embeddings.ingest.placement import Part, Placement, SplitTable, keep_sides, link_keys, place
from embeddings.ingest.split import split_groups
from embeddings.store.split import Split

EVIDENCE = (Part.FIT, Part.TUNING, Part.VALIDATION)


@dataclass
class Stored:
    """Image of the model; contents that differ by at most one are near-duplicates."""

    id: str
    label: str | None
    photographer: str | None
    content: int
    group: int = NEW
    part: int = Part.NEW
    live: bool = True


def near(one: Stored, other: Stored) -> bool:
    return abs(one.content - other.content) <= 1


def linked(one: Stored, other: Stored) -> bool:
    same = one.photographer is not None and one.photographer == other.photographer
    return same or near(one, other)


def table_of(images: list[Stored]) -> SplitTable:
    return SplitTable(
        ids=[image.id for image in images],
        labels=[image.label for image in images],
        photographers=[image.photographer for image in images],
        groups=np.array([image.group for image in images], np.int64),
        parts=np.array([image.part for image in images], np.int8),
        live=np.array([image.live for image in images], bool),
    )


def links_of(images: list[Stored], keys: Rows, replaced: set[int]) -> Links:
    """Return what `find_links` returns, by comparing all pairs: one partner for each key."""
    new = [row for row, image in enumerate(images) if image.part == Part.NEW]
    pairs: dict[tuple[int, int], int] = {}
    for row in [*new, *sorted(replaced)]:
        for other, image in enumerate(images):
            if other != row and keys[other] != NEW and near(images[row], image):
                pairs.setdefault((row, int(keys[other])), other)
    alike = [(one, other) for one in new for other in new if near(images[one], images[other])]
    clusters = connected_groups(len(images), [a for a, _ in alike], [b for _, b in alike])
    rows = np.array([row for row, _ in pairs], np.int64)
    return Links(rows, np.array(list(pairs.values()), np.int64), clusters, {})


def placed(
    images: list[Stored], replaced: set[int] | None = None, seed: int = 0
) -> tuple[SplitTable, Placement]:
    """Place the images and store the result in them."""
    table = table_of(images)
    rows = np.array(sorted(replaced or ()), np.int64)
    links = links_of(images, link_keys(table, rows), replaced or set())
    result = place(table, links, rows, seed)
    for image, group, part in zip(images, result.groups, result.parts, strict=True):
        image.group, image.part = int(group), int(part)
    return table, result


members = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from([None, "p", "q", "r", "s", "t"]),
        st.integers(0, 400),
    ),
    min_size=1,
    max_size=80,
)


@settings(deadline=None)
@given(members, st.integers(0, 3), st.randoms(use_true_random=False))
def test_a_first_ingest_is_split_by_groups_in_the_order_of_ids(
    drawn: list[tuple[str, str | None, int]], seed: int, order: Random
) -> None:
    images = [Stored(f"{row:03}", *member) for row, member in enumerate(drawn)]
    pairs = [(a, b) for a, one in enumerate(images) for b in range(a) if linked(one, images[b])]
    groups = connected_groups(len(images), [a for a, _ in pairs], [b for _, b in pairs]).tolist()
    labels = [label for label, _, _ in drawn]
    validation = split_groups(labels, groups, 0.2, seed)
    train = [row for row, group in enumerate(groups) if group not in validation]
    tuning = split_groups([labels[row] for row in train], [groups[row] for row in train], 0.1, seed)
    shuffled = list(images)
    order.shuffle(shuffled)
    placed(shuffled, seed=seed)
    assert [image.group for image in images] == groups
    for image, group in zip(images, groups, strict=True):
        train_part = Part.TUNING if group in tuning else Part.FIT
        assert image.part == (Part.VALIDATION if group in validation else train_part)


@dataclass
class Collection:
    """Model of a collection under random changes, with the checks after each."""

    random: Random
    pure: bool
    """True if a class shares no group with another."""
    images: list[Stored] = field(default_factory=list)
    largest: Counter[str] = field(default_factory=Counter)
    """Size of the largest new group of each class at its placement."""
    disturbed: Counter[str] = field(default_factory=Counter)
    """Number of images of each class that changed other than in a new group."""
    before: list[Stored] = field(default_factory=list)

    def step(self, size: int, seed: int) -> None:
        """Change the collection at random, place its images and check the rules."""
        self.before = [Stored(**vars(image)) for image in self.images]
        known = len(self.images)
        replaced = set()
        for _ in range(self.random.choice([0, 0, 1, 3])):
            change = self.random.choice(["replace", "delete", "restore", "relabel", "licence"])
            if known:
                row = self.random.randrange(known)
                if self.change(self.images[row], change):
                    replaced.add(row)
        for _ in range(size):
            self.images.append(self.draw(len(self.images)))
        order = list(range(len(self.images)))
        self.random.shuffle(order)
        result = placed(
            [self.images[row] for row in order], {order.index(row) for row in replaced}, seed
        )[1]
        reasons = {order[row]: reason for row, reason in result.reasons.items()}
        self.check(reasons, replaced)
        self.check_shares()

    def change(self, image: Stored, kind: str) -> bool:
        """Change an image; return whether its content was replaced."""
        if kind == "replace":
            image.content = self.content(image.label or "a")
        elif kind == "delete":
            image.live = False
        elif kind == "restore":
            image.live = True
        elif kind == "licence":
            image.photographer = self.photographer(image.label or "a")
        elif image.label is None:
            image.label = self.own_label(image)
            image.group, image.part = NEW, Part.NEW
        elif not self.pure:
            image.label = self.random.choice("ab")
        return kind == "replace" and image.part != Part.NEW

    def draw(self, number: int) -> Stored:
        label = self.random.choice("ab")
        hidden = self.random.random() < 0.1
        name = f"{self.random.randrange(10**6):06}-{number}"
        return Stored(
            name, None if hidden else label, self.photographer(label), self.content(label)
        )

    def content(self, label: str) -> int:
        return self.random.randrange(300) + (1000 if self.pure and label == "b" else 0)

    def photographer(self, label: str) -> str | None:
        name = self.random.choice([None, None, *"123456789"])
        return f"{label if self.pure else ''}{name}" if name else None

    def own_label(self, image: Stored) -> str:
        if not self.pure:
            return self.random.choice("ab")
        return "b" if image.content >= 1000 else "a"

    def check(self, reasons: dict[int, str], replaced: set[int]) -> None:
        for row, (old, image) in enumerate(zip(self.before, self.images, strict=False)):
            if old.label is None and image.label is not None:
                continue
            assert image.part in (old.part, Part.POOL)
            if image.part != old.part:
                assert old.id in reasons[row] or "group" in reasons[row]
        parts = defaultdict(set)
        for image in self.images:
            assert image.group >= 0
            assert image.part != Part.NEW
            if image.label is None:
                assert image.part == Part.POOL
            if image.part != Part.POOL:
                parts[image.group].add(image.part)
        assert all(len(each) == 1 for each in parts.values())
        evidence = [image for image in self.images if image.part in EVIDENCE]
        for at, image in enumerate(evidence):
            for other in evidence[:at]:
                if linked(image, other):
                    assert image.part == other.part
                    assert image.group == other.group
        for row in range(len(self.before), len(self.images)):
            if self.images[row].part == Part.POOL:
                self.check_pooled(row, reasons[row])

    def check_pooled(self, row: int, reason: str) -> None:
        image = self.images[row]
        if image.label is None:
            assert reason == "no label"
        elif reason.startswith("linked only"):
            assert any(linked(image, other) for other in self.images if other is not image)
        else:
            named = [each for each in self.images if each.id in reason.split("'")[1::2]]
            assert any(linked(image, each) for each in named)
            old = {each.id: each.part for each in self.before}
            parts = {old[each.id] for each in named}
            assert len(parts) == 2
            assert parts < set(EVIDENCE)

    def check_shares(self) -> None:
        """Check the shares of validation: see `split_groups`."""
        old = {image.id: image for image in self.before}
        known_groups = {
            image.group for image in self.images if image.id in old and image.part in EVIDENCE
        }
        sizes: Counter[tuple[str, int]] = Counter()
        for image in self.images:
            previous = old.get(image.id)
            if previous is None or previous.part != image.part or previous.live != image.live:
                if image.label is None or (image.part == Part.POOL and previous is None):
                    continue
                if previous is None and image.group not in known_groups:
                    sizes[image.label, image.group] += 1
                else:
                    self.disturbed[image.label] += 1
        for (label, _), size in sizes.items():
            self.largest[label] = max(self.largest[label], size)
        live = [image for image in self.images if image.live and image.part in EVIDENCE]
        for label in "ab" if self.pure else "":
            of_class = [image for image in live if image.label == label]
            taken = sum(image.part == Part.VALIDATION for image in of_class)
            excess = taken - 0.2 * len(of_class)
            allowed = self.largest[label] + 0.8 * self.disturbed[label]
            assert -allowed <= excess <= allowed


@settings(max_examples=60, deadline=None)
@given(
    st.randoms(use_true_random=False),
    st.booleans(),
    st.lists(st.integers(0, 12), min_size=1, max_size=12),
    st.integers(0, 3),
)
def test_no_sequence_of_changes_moves_an_image_except_to_the_pool(
    random: Random, pure: bool, sizes: list[int], seed: int
) -> None:
    collection = Collection(random, pure)
    for size in sizes:
        collection.step(size, seed)


def known(
    name: str, content: int, group: int, part: Part, photographer: str | None = None
) -> Stored:
    return Stored(name, "a", photographer, content, group, part)


def test_of_images_that_join_two_parts_the_fewest_go_to_the_pool() -> None:
    images = [
        known("fit", 0, 0, Part.FIT),
        known("validation", 10, 1, Part.VALIDATION),
        *(Stored(f"like fit {number}", "a", "p", 1) for number in range(3)),
        Stored("like validation", "a", "p", 9),
        Stored("other", "a", "p", 99),
    ]
    _, result = placed(images)
    assert [image.part for image in images[2:]] == [
        Part.FIT,
        Part.FIT,
        Part.FIT,
        Part.POOL,
        Part.FIT,
    ]
    assert [image.group for image in images] == [0, 1, 0, 0, 0, 2, 0]
    assert result.reasons == {
        5: "links the group of 'fit' in fit and the group of 'validation' in validation"
    }


def test_an_image_between_two_parts_leaves_its_scene_free() -> None:
    images = [
        known("fit", 0, 0, Part.FIT),
        known("validation", 2, 1, Part.VALIDATION),
        Stored("between", "a", "p", 1),
        Stored("elsewhere", "a", "p", 50),
    ]
    placed(images)
    assert images[2].part == Part.POOL
    assert images[3].part in (Part.FIT, Part.TUNING, Part.VALIDATION)
    assert len({image.group for image in images}) == 4


def test_groups_of_one_photographer_in_two_parts_keep_the_part_that_models_learned() -> None:
    images = [
        known("judged", 0, 0, Part.VALIDATION, "p"),
        known("judged too", 1, 0, Part.VALIDATION),
        known("learned", 50, 4, Part.FIT, "p"),
        known("apart", 90, 5, Part.VALIDATION, "q"),
    ]
    _, result = placed(images)
    parts = [Part.POOL, Part.POOL, Part.FIT, Part.VALIDATION]
    assert [image.part for image in images] == parts
    assert [image.group for image in images] == [0, 0, 0, 5]
    assert set(result.reasons.values()) == {
        "its group in validation has a photographer of the group of 'learned' in fit"
    }


def test_new_content_like_another_part_moves_the_image_alone() -> None:
    images = [
        known("replaced", 51, 0, Part.FIT, "p"),
        known("beside it", 1, 0, Part.FIT, "p"),
        known("judged", 50, 1, Part.VALIDATION),
        Stored("new", "a", "p", 200),
    ]
    _, result = placed(images, {0})
    assert [image.part for image in images] == [Part.POOL, Part.FIT, Part.VALIDATION, Part.FIT]
    assert result.reasons == {
        0: "its new content links its group in fit to the group of 'judged' in validation"
    }


def test_new_content_of_another_photographer_moves_the_image_alone() -> None:
    images = [
        known("replaced", 0, 0, Part.VALIDATION, "p"),
        known("beside it", 20, 0, Part.VALIDATION),
        known("learned", 50, 1, Part.FIT, "p"),
    ]
    placed(images, {0})
    assert [image.part for image in images] == [Part.POOL, Part.VALIDATION, Part.FIT]


def test_images_like_one_without_a_label_join_its_group() -> None:
    images = [
        Stored("unlabelled", None, None, 1, 7, Part.POOL),
        Stored("before it", "a", None, 0),
        Stored("after it", "a", None, 2),
    ]
    placed(images)
    assert {image.group for image in images} == {7}
    assert images[1].part == images[2].part != Part.POOL


def test_an_image_like_one_of_the_pool_alone_joins_the_pool() -> None:
    images = [
        known("between", 1, 0, Part.POOL),
        Stored("like it", "a", None, 0),
        known("fit", 50, 1, Part.FIT, "p"),
        Stored("of a photographer", "a", "p", 2),
    ]
    _, result = placed(images)
    assert [image.part for image in images] == [Part.POOL, Part.POOL, Part.FIT, Part.FIT]
    assert result.reasons == {1: "linked only to images of the pool, such as 'between'"}


def test_images_without_a_label_decide_nothing_until_they_get_one() -> None:
    images = [
        known("fit", 0, 0, Part.FIT),
        known("validation", 2, 1, Part.VALIDATION),
        Stored("between", None, None, 1),
        Stored("alone", None, "p", 80),
        Stored("with it", "a", "p", 90),
    ]
    _, result = placed(images)
    assert result.reasons == {2: "no label", 3: "no label"}
    assert images[3].group == images[4].group
    for image in images[2:4]:
        image.label, image.group, image.part = "a", NEW, Part.NEW
    _, result = placed(images)
    assert set(result.reasons) == {2}
    assert (images[3].group, images[3].part) == (images[4].group, images[4].part)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.lists(st.integers(0, 25), min_size=1, max_size=8))
def test_the_split_of_the_user_is_kept(seed: int, sizes: list[int]) -> None:
    random = Random(seed)
    images: list[Stored] = []
    for size in sizes:
        before = [(image.group, image.part) for image in images]
        sides: list[Split | None] = [
            None
            if image.label is None
            else "validation"
            if image.part == Part.VALIDATION
            else "train"
            for image in images
        ]
        moved = random.randrange(len(images)) if images else None
        if moved is not None and sides[moved]:
            sides[moved] = "train" if sides[moved] == "validation" else "validation"
        for number in range(size):
            label, photographer = random.choice(["a", "b", None]), random.choice(["p", "q", None])
            name = f"{random.random()} {number}"
            images.append(Stored(name, label, photographer, random.randrange(200)))
            sides.append(random.choice(["train", "validation", None]))
        table = table_of(images)
        nothing = np.empty(0, np.int64)
        result = keep_sides(table, links_of(images, link_keys(table, nothing), set()), sides, seed)
        for image, group, part in zip(images, result.groups, result.parts, strict=True):
            image.group, image.part = int(group), int(part)
        for row, ((_, old), image) in enumerate(zip(before, images, strict=False)):
            assert image.part == (Part.POOL if row == moved and image.label else old)
            assert (
                row != moved
                or not image.label
                or old == Part.POOL
                or "moved" in result.reasons[row]
            )
        for image, side in list(zip(images, sides, strict=True))[len(before) :]:
            expected = {None: {Part.POOL}, "validation": {Part.VALIDATION}}
            train = {Part.FIT, Part.TUNING}
            assert image.part in expected.get(side if image.label else None, train)
        for at, image in enumerate(images):
            assert all(image.group == other.group for other in images[:at] if linked(image, other))
        learned = {image.group for image in images[len(before) :] if image.part == Part.FIT}
        tuned = {image.group for image in images[len(before) :] if image.part == Part.TUNING}
        assert not learned & tuned
