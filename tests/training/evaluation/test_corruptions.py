from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from embeddings.images import scale_pixels
from training.evaluation.corruptions import (
    CORRUPTIONS,
    LONGEST_SHORT_SIDE,
    Corruption,
    at_common_size,
    corrupt,
)

BY_NAME = {each.name: each for each in CORRUPTIONS}
SEEDS = st.integers(0, 10**6)


def random_image(seed: int, width: int = 180, height: int = 120) -> Image.Image:
    """Return an image of random colours that change slowly, with some fine texture."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(30, 226, (3, 4, 3), np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), np.int16)
    texture = rng.integers(-12, 13, smooth.shape)
    return Image.fromarray(np.clip(smooth + texture, 0, 255).astype(np.uint8))


def scaled(image: Image.Image) -> npt.NDArray[np.float64]:
    return scale_pixels(image, 96, 144).astype(np.float64)


def change(image: Image.Image, corruption: Corruption, strength: int, seed: int) -> float:
    """Return the mean absolute difference of the pixels."""
    other = corrupt(image, corruption, strength, seed, "lake/1")
    return float(np.abs(scaled(other) - scaled(image)).mean())


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda each: each.name)
@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_the_greatest_strength_changes_an_image_more_than_the_least(
    corruption: Corruption, seed: int
) -> None:
    image = random_image(seed)
    assert 0 < change(image, corruption, 1, seed) < change(image, corruption, 5, seed)


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda each: each.name)
@settings(max_examples=10, deadline=None)
@given(seed=SEEDS)
def test_a_seed_gives_the_same_pixels(corruption: Corruption, seed: int) -> None:
    image = random_image(seed)
    before = image.copy()
    first, again = (corrupt(image, corruption, 3, seed, "lake/1") for _ in range(2))
    assert first.tobytes() == again.tobytes()
    assert image.tobytes() == before.tobytes()


@pytest.mark.parametrize("name", ["noise", "crop"])
def test_another_seed_or_image_gives_other_pixels(name: str) -> None:
    corruption, image = next(each for each in CORRUPTIONS if each.name == name), random_image(0)
    drawn = {
        corrupt(image, corruption, 3, seed, identifier).tobytes()
        for seed in (0, 1)
        for identifier in ("lake/1", "lake/2")
    }
    assert len(drawn) == 4


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_grey_at_full_strength_has_equal_channels(seed: int) -> None:
    image = random_image(seed)
    grey = np.asarray(corrupt(image, BY_NAME["grey"], 5, 0, "lake/1"))
    assert (grey == grey[..., :1]).all()
    assert np.abs(grey[..., 0].astype(int) - np.asarray(image.convert("L"))).max() <= 1


@given(seed=SEEDS)
def test_a_crop_lies_within_the_weaker_ones(seed: int) -> None:
    columns, rows = np.meshgrid(np.arange(200), np.arange(100))
    image = Image.fromarray(np.stack([columns, rows, rows], axis=-1).astype(np.uint8))
    crops = [np.asarray(corrupt(image, BY_NAME["crop"], each, seed, "a")) for each in range(1, 6)]
    for corruption, crop in zip(BY_NAME["crop"].values, crops, strict=True):
        assert crop.shape == (corruption, 2 * corruption, 3)
    for wide, narrow in pairwise(crops):
        assert (wide[0, 0] <= narrow[0, 0] + 1).all()
        assert (narrow[-1, -1] <= wide[-1, -1] + 1).all()


@given(level=st.integers(0, 255))
def test_a_stop_less_halves_the_light(level: int) -> None:
    image = Image.new("RGB", (8, 8), (level, level, level))
    darker = np.asarray(corrupt(image, BY_NAME["exposure"], 1, 0, "a"))[0, 0, 0]

    def light(value: int) -> float:
        return ((value / 255 + 0.055) / 1.055) ** 2.4 if value > 10 else value / 255 / 12.92

    step = light(min(255, int(darker) + 1)) - light(int(darker))
    assert light(int(darker)) == pytest.approx(light(level) / 2, abs=step)


def test_noise_has_the_standard_deviation_of_its_strength() -> None:
    image = Image.new("RGB", (300, 300), (128, 128, 128))
    noisy = np.asarray(corrupt(image, BY_NAME["noise"], 1, 0, "a"), np.float64)
    assert noisy.std() / 255 == pytest.approx(BY_NAME["noise"].values[0] / 100, rel=0.02)


@pytest.mark.parametrize("size", [(60, 40), (640, 400), (400, 900), (320, 320)])
def test_large_images_are_reduced_to_a_common_size(size: tuple[int, int]) -> None:
    reduced = at_common_size(Image.new("RGB", size))
    assert min(reduced.size) == min(LONGEST_SHORT_SIDE, *size)
    assert reduced.width / reduced.height == pytest.approx(size[0] / size[1], rel=0.01)
