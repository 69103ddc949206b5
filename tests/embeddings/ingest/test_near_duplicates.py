import io
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageEnhance

from embeddings.ingest.near_duplicates import (
    CLOSE_THUMBNAILS,
    CORRELATION,
    FARTHEST,
    LEAST_BITS,
    NEW,
    NOISE,
    Links,
    connected_groups,
    find_links,
    is_same_image,
)
from embeddings.ingest.thumbnails import Thumbnail, make_thumbnail
from tests.training.pictures import picture


def groups(images: Sequence[Image.Image]) -> list[int]:
    thumbnails = [make_thumbnail(image) for image in images]
    return find_all(thumbnails, [""] * len(images)).clusters.tolist()


def find_all(thumbnails: list[Thumbnail], labels: Sequence[str], tile: int = 4096) -> Links:
    """Find near-duplicates among new images."""
    stack = np.array(thumbnails, np.uint8).reshape(-1, 16, 17, 3)
    return find_links(stack, np.arange(len(stack)), np.full(len(stack), NEW), labels, tile)


def encoded(image: Image.Image, quality: int, scale: float = 1.0) -> Image.Image:
    """Return the image after JPEG encoding at that quality and scale."""
    buffer = io.BytesIO()
    size = (round(image.width * scale), round(image.height * scale))
    image.resize(size, Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def noisy(image: Image.Image, seed: int, deviation: float) -> Image.Image:
    noise = np.random.default_rng(seed).normal(0, deviation, (image.height, image.width, 3))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))


def horizontal(start: int, end: int) -> Image.Image:
    """A plain gradient from left to right."""
    row = np.linspace(start, end, 160).astype(np.uint8)
    return Image.fromarray(np.repeat(row[None, :, None], 100, axis=0).repeat(3, axis=2))


def object_on(
    background: str | tuple[int, int, int], seed: int, side: tuple[int, int]
) -> Image.Image:
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (320, 320), background)
    x, y = (int(value) for value in random.integers(60, 160, 2))
    size = int(random.integers(*side))
    colour = tuple(int(value) for value in random.integers(20, 200, 3))
    shape = ("ellipse", "rectangle", "rounded_rectangle")[seed % 3]
    getattr(ImageDraw.Draw(image), shape)((x, y, x + size, y + size), fill=colour)
    return encoded(image, 92)


def test_a_brighter_smaller_copy_is_near_and_other_images_are_not() -> None:
    original = picture(1, 240, 160)
    copy = ImageEnhance.Brightness(original).enhance(1.1).resize((120, 80))
    others = [picture(seed, 240, 160) for seed in range(2, 40)]
    assert groups([original, copy, *others]) == [0, 0, *range(1, 39)]


def test_frames_of_one_scene_are_one_group() -> None:
    scenes = [noisy(picture(seed, 96, 64), 100 * seed + n, 4) for n in range(6) for seed in (1, 2)]
    assert groups(scenes) == [0, 1] * 6


@pytest.mark.parametrize("quality", [100, 92, 60, 30])
@pytest.mark.parametrize(
    "image",
    [Image.new("RGB", (160, 100), tone) for tone in ("white", "black", "gray", "teal")]
    + [horizontal(0, 255), horizontal(200, 90), horizontal(0, 255).rotate(90, expand=True)],
    ids=["white", "black", "grey", "teal", "rising", "falling", "downwards"],
)
def test_flat_images_and_gradients_are_no_near_duplicates(image: Image.Image, quality: int) -> None:
    alike = [encoded(noisy(image, seed, 1), quality) for seed in range(5)]
    thumbnails = [make_thumbnail(each) for each in alike]
    found = find_all(thumbnails, list("ababa"))
    assert found.clusters.tolist() == list(range(5))
    assert found.copies == {}


@pytest.mark.parametrize("background", ["white", "black", "gray", (240, 250, 245)])
@pytest.mark.parametrize("side", [(12, 40), (50, 90), (100, 150)])
def test_different_objects_on_one_background_are_not_one_group(
    background: str | tuple[int, int, int], side: tuple[int, int]
) -> None:
    sizes = Counter(groups([object_on(background, seed, side) for seed in range(90)]))
    assert len(sizes) >= 80
    assert max(sizes.values()) <= 3


def test_similar_horizons_in_different_light_are_not_one_group() -> None:
    """Suns over the sea have one hash: brighter towards the middle, in every row."""
    x, y = np.meshgrid(np.linspace(-1, 1, 240), np.linspace(0, 1, 160))
    seas = []
    for height, width, horizon in ((0.1, 0.3, 0.3), (0.6, 0.5, 0.6), (0.9, 0.2, 0.5)):
        glow = 200 * np.exp(-((x / width) ** 2) - ((y - height) / 0.3) ** 2) + 40 * np.exp(-(x**2))
        sea = np.where(y > horizon, 0.4 * glow, glow)[..., None] * [1.0, 0.8, 0.6]
        seas.append(Image.fromarray(sea.clip(0, 255).astype(np.uint8)))
    assert groups(seas) == [0, 1, 2]


def test_the_closest_copy_has_another_label() -> None:
    base = picture(1, 240, 160)
    images = [base, encoded(base, 90), encoded(base, 50), picture(2, 240, 160), encoded(base, 92)]
    thumbnails = [make_thumbnail(image) for image in images]
    found = find_all(thumbnails, ["cat", "cat", "dog", "dog", "emu"])
    assert found.clusters.tolist() == [0, 0, 0, 1, 0]
    assert set(found.copies) == {0, 1, 2, 4}
    assert found.copies[0] == found.copies[1] == 4


@pytest.mark.parametrize(("quality", "scale"), [(95, 1), (75, 1), (40, 1), (90, 0.5), (85, 0.75)])
def test_an_image_encoded_again_is_the_same(quality: int, scale: float) -> None:
    image = picture(3, 480, 320)
    assert is_same_image(image, encoded(image, quality, scale))


@pytest.mark.parametrize("edge", [6, 12, 30])
def test_an_image_with_a_mark_is_another(edge: int) -> None:
    image = picture(3, 480, 320)
    marked = image.copy()
    ImageDraw.Draw(marked).rectangle((200, 100, 200 + edge, 100 + edge), fill="white")
    assert not is_same_image(image, marked)


Draws = list[tuple[int, int, int, str]]


def thumbnails_of(draws: Draws) -> list[Thumbnail]:
    """Thumbnails of few scenes: each with noise, some with parts that are flat."""
    made = []
    for number, (scene, deviation, flat, _) in enumerate(draws):
        base = np.random.default_rng(scene).integers(0, 256, (16, 17, 3))
        noise = np.random.default_rng(1000 + number).normal(0, deviation, (16, 17, 3))
        base[:, 17 - flat :] = 255
        made.append(np.clip(base + noise, 0, 255).astype(np.uint8))
    return made


def near_pairs(thumbnails: list[Thumbnail]) -> list[tuple[int, int]]:
    """Return the near-duplicates, by comparing every pair as the rules are written."""
    grey = [each @ np.array([0.299, 0.587, 0.114], np.float32) for each in thumbnails]
    steps = [each[:, 1:] - each[:, :-1] for each in grey]
    rises, falls = [each > NOISE for each in steps], [each < -NOISE for each in steps]
    bits = [(int(up.sum()), int(down.sum())) for up, down in zip(rises, falls, strict=True)]
    pairs = []
    for one in range(len(thumbnails)):
        for other in range(one):
            if min(*bits[one], *bits[other]) < LEAST_BITS:
                continue
            different = (rises[one] ^ rises[other]).sum() + (falls[one] ^ falls[other]).sum()
            if different > FARTHEST * (sum(bits[one]) + sum(bits[other])):
                continue
            u, v = (
                np.concatenate([np.diff(each.astype(float), axis=axis).ravel() for axis in (0, 1)])
                for each in (thumbnails[one], thumbnails[other])
            )
            if u @ v >= CORRELATION * np.linalg.norm(u) * np.linalg.norm(v):
                pairs.append((one, other))
    return pairs


def copied(
    thumbnails: list[Thumbnail], labels: Sequence[str | None], pair: tuple[int, int]
) -> bool:
    """Return whether near-duplicates are copies with another label."""
    one, other = pair
    a, b = thumbnails[one].astype(float), thumbnails[other].astype(float)
    crossing = None not in (labels[one], labels[other]) and labels[one] != labels[other]
    return bool(crossing and ((a - b) ** 2).mean() <= CLOSE_THUMBNAILS**2)


def oracle(thumbnails: list[Thumbnail], labels: list[str]) -> tuple[list[int], set[int]]:
    """Return groups and rows with a copy."""
    pairs = near_pairs(thumbnails)
    numbers = connected_groups(len(thumbnails), [a for a, _ in pairs], [b for _, b in pairs])
    copies = {row for pair in pairs if copied(thumbnails, labels, pair) for row in pair}
    return numbers.tolist(), copies


@settings(max_examples=40, deadline=None)
@given(
    draws=st.lists(
        st.tuples(
            st.integers(0, 4),
            st.sampled_from([0, 1, 2, 20, 40]),
            st.sampled_from([0, 8, 15, 17]),
            st.sampled_from("ab"),
        ),
        min_size=1,
        max_size=24,
    ),
    tile=st.sampled_from([1, 3, 16, 40, 4096]),
)
def test_groups_and_copies_equal_those_of_all_pairs(draws: Draws, tile: int) -> None:
    thumbnails, labels = thumbnails_of(draws), [label for *_, label in draws]
    found = find_all(thumbnails, labels, tile)
    expected, copies = oracle(thumbnails, labels)
    assert found.clusters.tolist() == expected
    assert set(found.copies) == copies
    assert all(labels[row] != labels[copy] for row, copy in found.copies.items())


@settings(max_examples=40, deadline=None)
@given(
    draws=st.lists(
        st.tuples(
            st.integers(0, 3),
            st.sampled_from([0, 1, 20, 40]),
            st.sampled_from([0, 15]),
            st.sampled_from(["a", "b", None]),
            st.sampled_from(["new", "replaced", "known"]),
            st.integers(0, 3),
        ),
        min_size=1,
        max_size=24,
    ),
    tile=st.sampled_from([1, 16, 4096]),
)
def test_new_and_replaced_images_are_linked_to_one_image_of_each_key(
    draws: list[tuple[int, int, int, str | None, str, int]], tile: int
) -> None:
    thumbnails = thumbnails_of([(scene, noise, flat, "") for scene, noise, flat, *_ in draws])
    labels = [label for *_, label, _, _ in draws]
    states = [state for *_, state, _ in draws]
    keys = np.array([NEW if state == "new" else key for *_, state, key in draws], np.int64)
    fresh = np.array([row for row, state in enumerate(states) if state != "known"], np.int64)
    found = find_links(np.stack(thumbnails), fresh, keys, labels, tile)
    pairs = [pair for pair in near_pairs(thumbnails) if {*pair} & {*fresh.tolist()}]
    alike = [pair for pair in pairs if keys[pair[0]] == keys[pair[1]] == NEW]
    expected = connected_groups(len(draws), [a for a, _ in alike], [b for _, b in alike])
    assert found.clusters.tolist() == expected.tolist()
    both_ways = [*pairs, *((other, one) for one, other in pairs)]
    wanted = {(a, int(keys[b])) for a, b in both_ways if a in fresh and keys[b] != NEW}
    partners = list(zip(found.images.tolist(), found.partners.tolist(), strict=True))
    assert {(image, int(keys[partner])) for image, partner in partners} == wanted
    assert len(partners) == len(wanted)
    assert set(partners) <= set(both_ways)
    assert set(found.copies) == {
        row for pair in pairs if copied(thumbnails, labels, pair) for row in pair
    }


@settings(deadline=None)
@given(st.data())
def test_connected_items_share_a_number_and_numbers_follow_the_first_item(
    data: st.DataObject,
) -> None:
    count = data.draw(st.integers(1, 30))
    item = st.integers(0, count - 1)
    pairs = data.draw(st.lists(st.tuples(item, item), max_size=30))
    numbers = connected_groups(
        count, [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    ).tolist()
    expected = list(range(count))
    for first, second in pairs:
        old, new = expected[first], expected[second]
        expected = [new if each == old else each for each in expected]
    order = list(dict.fromkeys(expected))
    assert numbers == [order.index(each) for each in expected]


def test_no_images_have_no_groups() -> None:
    assert find_all([], []).clusters.tolist() == []


_MANY_ALIKE = """
import numpy as np
from tests.peak_memory import peak_bytes
from embeddings.ingest.near_duplicates import NEW, find_links
random = np.random.default_rng(0)
scene = random.integers(30, 226, (16, 17, 3))
frames = [(scene + random.normal(0, 1, scene.shape)).astype(np.uint8) for _ in range(20_000)]
before = peak_bytes()
rows = np.arange(20_000)
found = find_links(np.stack(frames), rows, np.full(20_000, NEW), ["a"] * 20_000)
grown = peak_bytes() - before
print(len(set(found.clusters.tolist())), grown)
"""


def test_twenty_thousand_frames_of_one_scene_need_bounded_memory() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _MANY_ALIKE], capture_output=True, text=True, check=True
    )
    count, grown = (int(word) for word in ran.stdout.split())
    assert count == 1
    assert grown < 1e9


@pytest.mark.parametrize("count", [0, 1, 5, 40, 300])
def test_groups_are_numbered_by_their_first_item(count: int) -> None:
    rng = np.random.default_rng(count)
    for _ in range(50):
        first, second = rng.integers(0, max(count, 1), (2, int(rng.integers(0, count + 1))))
        firsts = np.arange(count)
        for _ in range(count):
            least = np.minimum(firsts[first], firsts[second])
            np.minimum.at(firsts, first, least)
            np.minimum.at(firsts, second, least)
        numbers = np.unique(firsts, return_inverse=True)[1]
        assert connected_groups(count, first, second).tolist() == numbers.tolist()
