"""Label conflicts: one image in two classes, under any file names."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.training.pictures import Take, class_folders, left_out, picture


def save(image: Image.Image, path: Path, quality: int = 90) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, "JPEG", quality=quality)


@pytest.mark.parametrize(
    ("quality", "size"), [(60, (240, 160)), (90, (120, 80)), (75, (180, 120)), (85, (480, 320))]
)
def test_a_copy_with_another_name_quality_or_size_and_class_is_a_conflict(
    tmp_path: Path, take: Take, quality: int, size: tuple[int, int]
) -> None:
    folder = class_folders(tmp_path / "pets", {"cat": 12, "dog": 12})
    image = picture(500, 240, 160)
    save(image, folder / "cat/tabby.jpg", 92)
    save(image.resize(size), folder / "dog/IMG_0815.jpg", quality)
    take(folder)
    assert left_out(tmp_path / "home") == {
        "cat/tabby.jpg": "label conflict: the same image as dog/IMG_0815.jpg",
        "dog/IMG_0815.jpg": "label conflict: the same image as cat/tabby.jpg",
    }


def test_different_images_of_one_name_are_no_conflict(tmp_path: Path, take: Take) -> None:
    """Frames of one scene, numbered alike in each class; a mark in them makes the class."""
    folder = class_folders(tmp_path / "pets", {"cat": 12, "dog": 12})
    for label, place in (("cat", 20), ("dog", 160)):
        for number in range(3):
            frame = picture(500 + number, 240, 160)
            ImageDraw.Draw(frame).rectangle((place, 60, place + 15, 75), fill="white")
            save(frame, folder / label / f"frame{number}.jpg")
    table = take(folder)
    assert left_out(tmp_path / "home") == {}
    group = {image.id: image.group for image in table.images}
    assert all(group[f"cat/frame{n}"] == group[f"dog/frame{n}"] for n in range(3))


def test_small_objects_on_white_are_no_copies(tmp_path: Path, take: Take) -> None:
    for label, shape in (("ball", "ellipse"), ("box", "rectangle"), ("wedge", "pieslice")):
        for number in range(40):
            random = np.random.default_rng(number + 77 * len(label))
            image = Image.new("RGB", (320, 320), "white")
            x, y, side = (
                int(random.integers(*bounds)) for bounds in ((110, 150), (110, 150), (50, 90))
            )
            colour = tuple(int(value) for value in random.integers(20, 200, 3))
            angles = (30, 200) if shape == "pieslice" else ()
            getattr(ImageDraw.Draw(image), shape)((x, y, x + side, y + side), *angles, fill=colour)
            save(image, tmp_path / "shapes" / label / f"{number:03}.jpg", 92)
    table = take(tmp_path / "shapes")
    assert left_out(tmp_path / "home") == {}
    assert len(table.images) == 120
    assert len({image.group for image in table.images}) > 100


def test_images_of_one_tone_are_neither_conflicts_nor_one_group(tmp_path: Path, take: Take) -> None:
    for place, label in enumerate(("dark", "light")):
        for number in range(30):
            tone = (number * 4 + place * 2, 60 + number, 90)
            save(Image.new("RGB", (96, 64), tone), tmp_path / "tones" / label / f"{number}.jpg", 95)
    table = take(tmp_path / "tones")
    assert left_out(tmp_path / "home") == {}
    assert len({image.group for image in table.images}) == 60
