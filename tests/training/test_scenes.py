"""Generated scenes: reproducible, varied and valid JPEG files."""

import io
from functools import cache
from itertools import islice

import numpy as np
import pytest
from PIL import Image

from training.scenes.catalogue import LABELS, Scene, paint, paint_all

SEED = 20


@cache
def painted(label: str, number: int) -> Scene:
    return paint(label, SEED, number)


def decode(scene: Scene) -> Image.Image:
    image = Image.open(io.BytesIO(scene.jpeg))
    image.load()
    return image


def test_labels_are_the_seven_classes_in_order() -> None:
    assert LABELS == ("city", "field", "forest", "lake", "mountain", "ocean", "road")


@pytest.mark.parametrize("label", LABELS)
def test_same_arguments_give_the_same_bytes_at_any_time(label: str) -> None:
    first = painted(label, 3)
    paint(LABELS[0], SEED + 1, 9)
    assert paint(label, SEED, 3) == first


@pytest.mark.parametrize("label", LABELS)
def test_number_and_seed_each_change_the_scene(label: str) -> None:
    scenes = [painted(label, 0), painted(label, 1), paint(label, SEED + 1, 0)]
    assert len({scene.jpeg for scene in scenes}) == 3
    assert scenes[0].name != scenes[1].name


@pytest.mark.parametrize("label", LABELS)
def test_every_class_paints_rgb_jpegs_of_plausible_size(label: str) -> None:
    images = [decode(painted(label, number)) for number in range(4)]
    assert {(image.format, image.mode) for image in images} == {("JPEG", "RGB")}
    assert all(min(image.size) >= 150 and max(image.size) <= 280 for image in images)


def test_most_scenes_are_landscape_format_and_some_upright() -> None:
    images = [decode(painted(label, number)) for label in LABELS for number in range(6)]
    upright = sum(image.height > image.width for image in images)
    assert 0 < upright < len(images) / 3


@pytest.mark.parametrize("label", LABELS)
def test_scenes_are_neither_flat_nor_blank(label: str) -> None:
    for number in range(4):
        grey = np.asarray(decode(painted(label, number)).convert("L"))
        assert np.ptp(grey) > 60


def test_paint_all_in_one_process_equals_paint() -> None:
    expected = [painted(label, 0) for label in LABELS]
    assert list(paint_all(1, SEED)) == expected


def test_paint_all_across_processes_equals_paint() -> None:
    expected = [painted(label, number) for label in LABELS for number in range(2)]
    assert list(paint_all(2, SEED)) == expected


def test_paint_all_yields_before_it_has_painted_everything() -> None:
    assert [scene.label for scene in islice(paint_all(1, SEED), 2)] == ["city", "field"]


def test_an_unknown_label_is_an_error_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'desert'.*city, field, forest, lake, .*road"):
        paint("desert", SEED, 0)
