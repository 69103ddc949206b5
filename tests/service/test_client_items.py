"""Images that the clients send: of iterables, folders and zips, in batches of bounded size."""

import zipfile
from pathlib import Path

import pytest

from service.client import ServiceError
from service.client.items import MOST_BYTES, Item, NewImage, batches, images_of

FILES = {
    "lake/a.jpg": b"1",
    "lake/a.png": b"2",
    "sea/deep/b.JPEG": b"3",
    "top.webp": b"4",
    "lake/notes.txt": b"5",
    "lake/.hidden.jpg": b"6",
    ".cache/c.jpg": b"7",
    "__MACOSX/lake/a.jpg": b"8",
}
IMAGES = [
    NewImage("lake/a", b"1", "lake"),
    NewImage("lake/a.png", b"2", "lake"),
    NewImage("sea/deep/b", b"3", "sea"),
    NewImage("top", b"4", None),
]


def test_a_folder_and_a_zip_give_the_same_images(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        archive.writestr("lake/", b"")
        for name, content in FILES.items():
            archive.writestr(name, content)
    assert list(images_of(folder)) == IMAGES
    assert list(images_of(str(tmp_path / "images.zip"))) == IMAGES


def test_items_are_bytes_or_paths_with_or_without_a_label(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"1")
    items: list[Item] = [("a", tmp_path / "a.jpg", "lake"), ("b", b"2")]
    assert list(images_of(items)) == [NewImage("a", b"1", "lake"), NewImage("b", b"2", None)]


def test_an_unreadable_path_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("no zip")
    for source in (tmp_path / "text.zip", tmp_path / "none.zip", [("a", tmp_path / "none.jpg")]):
        with pytest.raises(ServiceError, match="; "):
            list(images_of(source))


def test_batches_are_bounded_in_images_and_bytes() -> None:
    large = bytes(MOST_BYTES // 2)
    images = [NewImage(str(number), large if number < 3 else b"") for number in range(8)]
    found = list(batches(iter(images), 3))
    assert [len(batch) for batch in found] == [2, 3, 3]
    assert [image for batch in found for image in batch] == images
    assert [len(batch) for batch in batches([NewImage("a", bytes(MOST_BYTES + 1))] * 2, 3)] == [
        1,
        1,
    ]


def test_images_are_read_when_they_are_due() -> None:
    read = []

    def items():
        for number in range(10):
            read.append(number)
            yield str(number), b"1"

    assert len(next(batches(images_of(items()), 2))) == 2
    assert read == [0, 1, 2]
