"""Random crops and colours stay within the declared ranges."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from training.models.random_layers import RandomColours, RandomResizedCrop

HEIGHT, WIDTH = 24, 36


def ramps(count: int) -> np.ndarray:
    """Return images with the row of each pixel in channel 0, its column in channel 1."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    image = np.stack([rows, columns, np.zeros_like(rows)], axis=-1).astype(np.float32)
    return np.repeat(image[None], count, axis=0)


@settings(deadline=None, max_examples=20)
@given(least=st.floats(0.2, 1.0), seed=st.integers(0, 1000))
def test_a_crop_is_a_rectangle_of_at_least_the_given_area(least: float, seed: int) -> None:
    cropped = np.asarray(RandomResizedCrop(least, seed)(ramps(16), training=True))
    tall = (cropped[:, -1, 0, 0] - cropped[:, 0, 0, 0]) / (HEIGHT - 1)
    wide = (cropped[:, 0, -1, 1] - cropped[:, 0, 0, 1]) / (WIDTH - 1)
    # A side that would exceed the image is cut, by the highest factor of the aspect ratio at most.
    assert (tall * np.abs(wide) >= least * 0.75 - 1e-3).all()
    assert (tall > 0).all()
    assert (cropped[..., 0] >= -1e-3).all()
    assert (cropped[..., 0] <= HEIGHT - 1 + 1e-3).all()
    assert (cropped[..., 1] >= -1e-3).all()
    assert (cropped[..., 1] <= WIDTH - 1 + 1e-3).all()
    steps = np.diff(cropped[:, 0, :, 1], axis=1)
    np.testing.assert_allclose(steps, wide[:, None] * np.ones_like(steps), atol=1e-3)


def test_half_of_the_crops_are_flipped() -> None:
    cropped = np.asarray(RandomResizedCrop(0.5, 3)(ramps(400), training=True))
    flipped = cropped[:, 0, -1, 1] < cropped[:, 0, 0, 1]
    assert 0.4 < flipped.mean() < 0.6


def test_colours_stay_in_their_range_and_grey_images_get_a_tint() -> None:
    images = np.full((200, 8, 8, 3), 100, np.float32)
    changed = np.asarray(RandomColours(0.3, 1)(images, training=True))
    assert changed.min() >= 100 * 0.7 * 0.925 - 1e-3
    assert changed.max() <= 100 * 1.3 * 1.075 + 1e-3
    assert np.ptp(changed[:, 0, 0], axis=1).max() > 5
    assert np.ptp(changed, axis=(1, 2)).max() < 1e-3
    noise = np.random.default_rng(0).uniform(0, 255, (50, 8, 8, 3)).astype(np.float32)
    shown = np.asarray(RandomColours(0.5, 2)(noise, training=True))
    assert shown.min() >= 0
    assert shown.max() <= 255
