"""Folders as classes and as sides of a split, and the sentence on them."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pytest

from tests.training.pictures import Take, class_folders, jpeg, left_out
from training.data.folder_layout import find_layout, side_of

Sides = dict[str, tuple[str, str | None]]


def paths(*folders: str) -> list[PurePosixPath]:
    """Three images in each folder; a path with a suffix is one image."""
    return [
        path
        for folder in folders
        for path in (
            [PurePosixPath(folder)]
            if folder.endswith(".jpg")
            else [PurePosixPath(folder, f"{folder.replace('/', '-')}{n}.jpg") for n in range(3)]
        )
    ]


def understood(images: Sequence[PurePosixPath]) -> dict[str, set[tuple[str, str | None]]]:
    """Folder of the image -> classes and splits that its images were given."""
    layout = find_layout(images)
    found: dict[str, set[tuple[str, str | None]]] = {}
    for path in images:
        place = layout.place(path)
        if place.label is not None:
            found.setdefault(str(path.parent), set()).add((place.label, place.split))
    return found


@pytest.mark.parametrize(
    ("train", "validation"),
    [
        ("train", "test"),
        ("Training", "Test"),
        ("TRAIN", "Val"),
        ("training_set", "test_set"),
        ("training_set/training_set", "test_set/test_set"),
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("seg_train/seg_train", "seg_test"),
        ("train_images", "validation"),
        ("trainset", "testset"),
        ("train2017", "val2017"),
        ("images_train", "images_test"),
        ("train/images", "valid/images"),
        ("Training Data", "Testing Data"),
        ("wrapped/again/train", "wrapped/again/dev"),
    ],
)
def test_predefined_splits_of_published_data_sets_are_recognised(
    train: str, validation: str
) -> None:
    folders = [f"{side}/{label}" for side in (train, validation) for label in ("cat", "dog")]
    assert understood(paths(*folders)) == {
        f"{folder}/{label}": {(label, side)}
        for folder, side in ((train, "train"), (validation, "validation"))
        for label in ("cat", "dog")
    }


@pytest.mark.parametrize("unlabelled", ["test", "seg_pred/seg_pred", "test/unknown", "test/images"])
def test_a_test_side_without_classes_is_unlabelled(unlabelled: str) -> None:
    images = paths("train/cat", "train/dog", unlabelled)
    assert understood(images) == {
        "train/cat": {("cat", None)},
        "train/dog": {("dog", None)},
    }
    assert find_layout(images).place(images[-1]).reason.startswith("unlabelled")


def test_an_unlabelled_third_side_leaves_the_split_of_the_other_two() -> None:
    images = paths("train/cat", "train/dog", "val/cat", "val/dog", "test")
    assert understood(images) == {
        f"{folder}/{label}": {(label, split)}
        for folder, split in (("train", "train"), ("val", "validation"))
        for label in ("cat", "dog")
    }


def test_val_and_test_together_are_the_validation_side() -> None:
    images = paths("train/cat", "train/dog", "val/cat", "val/dog", "test/cat")
    assert understood(images)["test/cat"] == {("cat", "validation")}
    assert understood(images)["val/cat"] == {("cat", "validation")}


@pytest.mark.parametrize(
    "stray", ["preview.jpg", "train/cover.jpg", "samples/x.jpg", "set/train/cat/0.jpg"]
)
def test_folders_outside_of_the_sides_are_no_classes(stray: str) -> None:
    images = [*paths("train/cat", "train/dog", "test/cat", "test/dog"), PurePosixPath(stray)]
    found = understood(images)
    assert set(found) == {"train/cat", "train/dog", "test/cat", "test/dog"}
    assert "no class folder" in find_layout(images).place(images[-1]).reason


@pytest.mark.parametrize(
    "labels",
    [
        ("train", "plane", "car"),
        ("test", "cat", "dog"),
        ("train/steam", "train/diesel", "plane/jet", "car/sedan"),
        ("valid", "invalid"),
        ("train", "test", "control"),
        ("training camps", "schools"),
    ],
)
def test_classes_that_are_named_like_a_side_remain_classes(labels: tuple[str, ...]) -> None:
    found = understood(paths(*labels))
    assert found == {label: {(label.split("/")[0], None)} for label in labels}


@pytest.mark.parametrize("folders", [("train", "test"), ("train", "val", "test"), ("val", "test")])
def test_folders_that_are_all_sides_of_a_split_are_never_classes(folders: tuple[str, ...]) -> None:
    assert understood(paths(*folders)) == {}


def test_a_split_within_each_class_folder_is_kept() -> None:
    images = paths("cat/train", "cat/test", "dog/train", "dog/test")
    assert understood(images) == {
        f"{label}/{folder}": {(label, split)}
        for label in ("cat", "dog")
        for folder, split in (("train", "train"), ("test", "validation"))
    }


def test_one_stray_image_outside_of_a_wrapper_hides_no_class() -> None:
    found = understood(paths("pets/cat", "pets/dog", "cover.jpg", "pets/cover.jpg"))
    assert found == {"pets/cat": {("cat", None)}, "pets/dog": {("dog", None)}}


@pytest.mark.parametrize("name", ["trained", "contest", "street", "validity", "attest", "2017", ""])
def test_words_that_contain_the_name_of_a_side_are_no_sides(name: str) -> None:
    assert side_of(name) is None


def test_one_line_describes_the_detected_layout() -> None:
    def said(*folders: str) -> str:
        images = paths(*folders)
        labels = {label for path in images if (label := find_layout(images).place(path).label)}
        return find_layout(images).describe(labels)

    assert said("pets/train/cat", "pets/train/dog", "pets/test") == (
        "Folders: 2 classes (cat, dog); in the folder pets; no predefined split; unlabelled: test."
    )
    assert said("train/cat", "train/dog", "val/cat", "test/dog") == (
        "Folders: 2 classes (cat, dog); predefined split (train: train; validation: test, val)."
    )
    assert said("test", "cat", "dog") == (
        "Folders: 3 classes (cat, dog, test); no predefined split; "
        "test read as a class because its siblings are classes."
    )


def test_unlabelled_images_are_listed_and_the_others_split(tmp_path: Path, take: Take) -> None:
    folder = tmp_path / "set"
    class_folders(folder / "train", {"cat": 12, "dog": 12})
    (folder / "test").mkdir()
    for number in range(3):
        (folder / f"test/{number}.jpg").write_bytes(jpeg(100 + number))
    table = take(folder)
    assert table.images.classes == ("cat", "dog")
    assert set(table.images.splits) == {"train", "validation"}
    assert set(left_out(tmp_path / "home")) == {f"test/{n}.jpg" for n in range(3)}
