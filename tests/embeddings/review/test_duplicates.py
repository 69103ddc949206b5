import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from embeddings.ingest.thumbnails import make_thumbnail
from embeddings.review.duplicates import (
    NEAR,
    Pairs,
    group_key,
    groups_of,
    near_pairs,
    thumbnail_pairs,
    thumbnail_pairs_of_groups,
)
from embeddings.review.sharpness import sharpness

RNG = np.random.default_rng(11)


def scene(number: int, size=(320, 240)) -> Image.Image:
    blocks = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(blocks).resize(size, Image.Resampling.BICUBIC)


def encoded(image: Image.Image, quality=90) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def stack(images) -> np.ndarray:
    return np.stack([make_thumbnail(each) for each in images])


def as_set(pairs: Pairs) -> set[tuple[int, int]]:
    return set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))


def test_thumbnails_of_one_scene_are_pairs() -> None:
    images = [scene(1), scene(2), scene(1, (160, 120)), scene(3), scene(1, (640, 480))]
    thumbnails = stack(images)
    assert as_set(thumbnail_pairs(thumbnails)) == {(0, 2), (0, 4), (2, 4)}


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=8), st.data())
def test_adding_thumbnails_finds_the_pairs_of_a_search_from_the_beginning(numbers, data) -> None:
    thumbnails = (
        stack([scene(each) for each in numbers]) if numbers else np.empty((0, 16, 17, 3), np.uint8)
    )
    known = data.draw(st.integers(0, len(numbers)))
    before = thumbnail_pairs(thumbnails[:known])
    found = before | thumbnail_pairs(thumbnails, known)
    assert as_set(found) == as_set(thumbnail_pairs(thumbnails))
    assert as_set(found) == {
        (one, other)
        for other in range(len(numbers))
        for one in range(other)
        if numbers[one] == numbers[other]
    }


def test_thumbnails_of_each_group_are_compared_in_a_large_collection() -> None:
    thumbnails = stack([scene(1), scene(2), scene(1), scene(2), scene(1)])
    groups = np.array([7, 7, 7, 3, 9])
    assert as_set(thumbnail_pairs_of_groups(thumbnails, groups)) == {(0, 2)}
    assert as_set(thumbnail_pairs_of_groups(thumbnails, np.arange(5))) == set()


def test_near_rows_are_pairs_up_to_a_share_of_both_scales() -> None:
    neighbors = np.array([[1, 2, -1], [0, 2, -1], [1, 0, -1]])
    distances = np.array([[0.5, 2.0, np.inf], [0.5, 1.0, np.inf], [1.0, 2.0, np.inf]])
    one = 1 / NEAR
    assert as_set(near_pairs(neighbors, distances, np.full(3, one))) == {(0, 1), (1, 2)}
    assert as_set(near_pairs(neighbors, distances, np.array([one, one, one / 2]))) == {(0, 1)}
    assert as_set(near_pairs(neighbors, distances, np.full(3, np.inf))) == set()


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12))
def test_groups_are_the_connected_rows(links) -> None:
    links = [pair for pair in links if pair[0] != pair[1]]
    first, second = (np.array([pair[side] for pair in links], np.int64) for side in (0, 1))
    groups: list[set[int]] = []
    for pair in links:
        joined = [group for group in groups if group & {*pair}]
        groups = [group for group in groups if group not in joined]
        groups.append(set().union({*pair}, *joined))
    found = [set(each.tolist()) for each in groups_of(Pairs.of(first, second))]
    assert sorted(map(sorted, found)) == sorted(map(sorted, groups))


def test_pairs_of_different_images_and_of_other_rows_are_left_out() -> None:
    pairs = Pairs.of(np.array([3, 1, 2]), np.array([1, 2, 3]))
    assert as_set(pairs) == {(1, 2), (1, 3), (2, 3)}
    assert as_set(pairs.without(4, [(3, 1)])) == {(1, 2), (2, 3)}
    assert as_set(pairs.among(np.array([True, True, True, False]))) == {(1, 2)}


def test_the_key_of_a_group_is_that_of_its_ids_in_any_order() -> None:
    assert group_key(["a", "b"]) == group_key(["b", "a"]) != group_key(["a", "c"])


def test_blurring_lowers_sharpness_in_every_step() -> None:
    noisy = Image.fromarray(RNG.integers(0, 256, (300, 400, 3), dtype=np.uint8))
    found = [
        sharpness(encoded(noisy.filter(ImageFilter.GaussianBlur(radius))))
        for radius in (0, 1, 2, 4)
    ]
    assert found == sorted(found, reverse=True)
    assert found[-1] < found[0] / 4


def test_sharpness_compares_images_of_different_sizes() -> None:
    large = scene(5, (2048, 1536))
    small = large.resize((512, 384), Image.Resampling.BOX)
    assert sharpness(encoded(large)) == pytest.approx(sharpness(encoded(small)), rel=0.5)


def test_an_image_of_one_pixel_has_no_sharpness() -> None:
    assert sharpness(encoded(Image.new("RGB", (1, 1)))) == 0
