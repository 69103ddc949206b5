import io
import json
import struct
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

from embeddings.images import measure
from embeddings.store.store import Store
from tests.training.pictures import Take, class_folders, jpeg, left_out, picture
from training.console import Display
from training.data.download import PublishedArchive
from training.errors import DataError
from training.experiments.presets import PRESETS
from training.settings import TrainingSettings
from training.workspace import Workspace, ingest


def test_ids_are_the_paths_within_the_data_set(tmp_path: Path, take: Take) -> None:
    table = take(class_folders(tmp_path / "pets", {"a cat": 20, "dög #1": 15, "emu": 12}))
    assert table.images.classes == ("a cat", "dög #1", "emu")
    assert len(table.images) == 47
    assert {"a cat/000", "dög #1/014"} <= {image.id for image in table.images}
    assert table.images.name == "pets photographs"


def test_a_zip_gives_the_same_images_as_its_folder(tmp_path: Path, take: Take) -> None:
    folder = class_folders(tmp_path / "pets", {"cat": 12, "dog": 12})
    archive = tmp_path / "pets.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(folder.rglob("*.jpg")):
            file.write(path, Path("wrapped") / path.relative_to(folder))
    from_folder = take(folder).images
    from_zip = take(archive, home=tmp_path / "other").images
    assert from_zip.fingerprint == from_folder.fingerprint


def test_folders_train_and_test_are_a_predefined_split(tmp_path: Path, take: Take) -> None:
    class_folders(tmp_path / "set/train", {"cat": 12, "dog": 12})
    class_folders(tmp_path / "set/test", {"cat": 5, "dog": 5})
    for number in range(5):  # the same seeds would be copies of training images
        (tmp_path / f"set/test/cat/{number:03}.jpg").write_bytes(jpeg(100 + number))
        (tmp_path / f"set/test/dog/{number:03}.jpg").write_bytes(jpeg(200 + number))
    table = take(tmp_path / "set")
    sides = Counter((image.id.split("/")[0], image.split) for image in table.images)
    assert sides == {("train", "train"): 24, ("test", "validation"): 10}
    assert table.images.classes == ("cat", "dog")


def test_unusable_files_are_left_out_with_the_reason(tmp_path: Path, take: Take) -> None:
    folder = class_folders(tmp_path / "pets", {"cat": 12, "dog": 12})
    cat = folder / "cat"
    (cat / "zero.jpg").write_bytes(b"")
    (cat / "text.jpg").write_text("I am no photograph")
    (cat / "short.jpg").write_bytes(jpeg(900)[:500])
    (cat / "notes.txt").write_text("hello")
    (folder / "loose.jpg").write_bytes(jpeg(901))
    Image.new("RGB", (1, 1)).save(cat / "pixel.png")
    picture(1).save(cat / "film.webp", save_all=True, append_images=[picture(2)])
    (cat / "copy.jpg").write_bytes((cat / "003.jpg").read_bytes())
    table = take(folder)
    found = left_out(tmp_path / "home")
    assert set(found) == {
        "cat/zero.jpg", "cat/text.jpg", "cat/short.jpg", "cat/notes.txt", "loose.jpg",
        "cat/pixel.png", "cat/film.webp", "cat/copy.jpg",
    }  # fmt: skip
    assert "empty" in found["cat/zero.jpg"]
    assert "unreadable" in found["cat/text.jpg"]
    assert "unreadable" in found["cat/short.jpg"]
    assert "animated" in found["cat/film.webp"]
    assert "too small" in found["cat/pixel.png"]
    assert "no class folder" in found["loose.jpg"]
    assert found["cat/copy.jpg"] == "copy of cat/003.jpg"
    assert len(table.images) == 24


def test_the_same_image_in_two_classes_is_a_label_conflict(tmp_path: Path, take: Take) -> None:
    folder = class_folders(tmp_path / "pets", {"cat": 12, "dog": 12})
    (folder / "cat/both.jpg").write_bytes(jpeg(500))
    (folder / "dog/both.jpg").write_bytes(jpeg(500))
    (folder / "cat/again.jpg").write_bytes(jpeg(501, quality=90))
    (folder / "dog/again.jpg").write_bytes(jpeg(501, quality=60))
    table = take(folder)
    found = left_out(tmp_path / "home")
    assert set(found) == {
        f"{label}/{name}.jpg" for label in ("cat", "dog") for name in ("both", "again")
    }
    assert all(reason.startswith("label conflict") for reason in found.values())
    assert len(table.images) == 24


def test_two_files_that_would_share_an_id_are_both_kept(tmp_path: Path, take: Take) -> None:
    folder = class_folders(tmp_path / "pets", {"cat": 12, "dog": 12})
    picture(700).save(folder / "cat/000.png")
    ids = [image.id for image in take(folder).images]
    assert {"cat/000", "cat/000.png"} <= set(ids)
    assert len(set(ids)) == 25


def test_usual_jpegs_are_stored_unchanged_and_others_converted(tmp_path: Path, take: Take) -> None:
    folder = class_folders(tmp_path / "pets", {"cat": 12, "dog": 12})
    picture(700, 4000, 1000).save(folder / "cat/wide.png")
    table = take(folder)
    rows = {image.id: row for row, image in enumerate(table.images)}
    usual, wide = (table.images[rows[each]] for each in ("cat/005", "cat/wide"))
    assert table.jpeg(usual.digest) == (folder / "cat/005.jpg").read_bytes()
    assert (wide.width, wide.height) == (2048, 512) == measure(table.jpeg(wide.digest))


def licence_lists(folder: Path, owners: dict[str, dict[str, str]]) -> Path:
    folder.mkdir()
    for label, images in owners.items():
        entries = {
            name: {"owner": owner.title(), "owner_id": owner, "license": "4", "title": name,
                   "url": f"https://farm1.staticflickr.com/1/{name}"}
            for name, owner in images.items()
        }  # fmt: skip
        (folder / f"{label}_photos_info.json").write_text(json.dumps(entries))
    return folder


def test_no_photographer_and_no_near_duplicate_crosses_the_split(
    tmp_path: Path, take: Take
) -> None:
    folder = class_folders(tmp_path / "pets", {"cat": 60, "dog": 60})
    for label in ("cat", "dog"):
        for number in range(0, 60, 6):  # near-duplicates: another quality, another file
            path = folder / label / f"{number:03}.jpg"
            with Image.open(io.BytesIO(path.read_bytes())) as file:
                file.save(folder / label / f"{number:03}_again.jpg", quality=50)
    owners = {
        label: {f"{number:03}.jpg": f"p{number % 17}" for number in range(60)}
        for label in ("cat", "dog")
    }
    table = take(folder, licenses=licence_lists(tmp_path / "lists", owners))
    split = {image.id: image.split for image in table.images}
    for image in table.images:
        if image.id.endswith("_again"):
            assert split[image.id] == split[image.id.removesuffix("_again")]
    by_owner: dict[str, set[str]] = {}
    for image in table.images:
        if image.photographer_id:
            by_owner.setdefault(image.photographer_id, set()).add(image.split)
    assert len(by_owner) == 17
    assert all(len(sides) == 1 for sides in by_owner.values())
    shares = Counter(image.split for image in table.images)
    assert 0.1 <= shares["validation"] / len(table.images) <= 0.2
    known = table.images[0]
    assert (known.photographer, known.licence, known.title) == ("P0", "4", "000.jpg")


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ({"cat": 12, "dog": 9}, r"'dog' \(9\)"),
        ({"cat": 12}, "only the class 'cat'"),
        ({}, "no images"),
    ],
)
def test_a_data_set_unfit_for_training_is_refused_before_any_write(
    tmp_path: Path, take: Take, counts: dict[str, int], sentence: str
) -> None:
    (tmp_path / "pets").mkdir()
    with pytest.raises(DataError, match=sentence):
        take(class_folders(tmp_path / "pets", counts))
    assert not Store(str(tmp_path / "home/store")).at().images


@pytest.mark.parametrize(
    "member", ["../out.jpg", "/etc/out.jpg", "cat/../../out.jpg", "C:\\out.jpg"]
)
def test_a_zip_with_paths_outside_of_it_is_refused(tmp_path: Path, take: Take, member: str) -> None:
    archive = tmp_path / "bad.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(member, jpeg(0))
    with pytest.raises(DataError, match="outside of the zip"):
        take(archive)


def test_a_damaged_member_of_a_zip_is_left_out(tmp_path: Path, take: Take) -> None:
    folder = class_folders(tmp_path / "pets", {"cat": 12, "dog": 12})
    archive = tmp_path / "pets.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(folder.rglob("*.jpg")):
            file.write(path, path.relative_to(folder))
        offset = file.getinfo("cat/003.jpg").header_offset
    content = bytearray(archive.read_bytes())
    name_length, extra_length = struct.unpack("<HH", content[offset + 26 : offset + 30])
    content[offset + 30 + name_length + extra_length + 40] ^= 0xFF
    archive.write_bytes(content)
    take(archive)
    assert "unreadable" in left_out(tmp_path / "home")["cat/003.jpg"]


@pytest.mark.parametrize("data", ["nowhere", "text.zip"])
def test_a_missing_source_is_reported_in_one_sentence(
    tmp_path: Path, take: Take, data: str
) -> None:
    (tmp_path / "text.zip").write_text("no zip")
    with pytest.raises(DataError, match="BELVEDERE_DATA"):
        take(tmp_path / data)


def test_only_changed_data_are_ingested_again(tmp_path: Path, take: Take) -> None:
    folder = class_folders(tmp_path / "pets", {"cat": 12, "dog": 12})
    first = take(folder)
    assert take(folder).revision == first.revision
    (folder / "cat/new.jpg").write_bytes(jpeg(999))
    table = take(folder)
    assert table.revision == first.revision + 1
    assert len(table.images) == 25
    before = dict(zip(first.images.ids, first.images.splits, strict=True))
    after = dict(zip(table.images.ids, table.images.splits, strict=True))
    assert before.items() <= after.items()


def test_another_seed_leaves_the_split_as_it_is(tmp_path: Path, take: Take) -> None:
    folder = class_folders(tmp_path / "pets", {"cat": 40, "dog": 40})
    images = take(folder, seed=3).images
    assert take(folder, seed=4).images == images
    other = take(folder, seed=4, home=tmp_path / "other").images
    assert other.splits.tolist() != images.splits.tolist()


def test_another_data_set_than_that_of_the_store_is_refused(tmp_path: Path, take: Take) -> None:
    pets = take(class_folders(tmp_path / "pets", {"cat": 12, "dog": 12}))
    with pytest.raises(DataError, match=r"belvedere add.*BELVEDERE_HOME"):
        take(class_folders(tmp_path / "cars", {"van": 12, "bus": 12}))
    assert take(tmp_path / "pets").revision == pets.revision


def test_generated_scenes_replace_a_missing_archive_until_it_is_there(
    tmp_path: Path, unreachable: PublishedArchive
) -> None:
    console = Console(record=True, file=io.StringIO(), width=200)
    settings = TrainingSettings(home=tmp_path, scenes=13)
    workspace = Workspace(settings, PRESETS["quick"], Display(console))
    store = workspace.store
    ingest(workspace, unreachable)
    said = console.export_text()
    images = store.at().images
    assert images.name == "generated scenes"
    assert "could not be downloaded" in said
    assert "GENERATED SCENES are used instead" in said
    assert len(images.classes) == 7

    ingest(workspace, unreachable, again=False)
    assert console.export_text() == "", "the download must not be tried at every start"
    ingest(workspace, unreachable)
    assert "could not be downloaded" in console.export_text()
    assert store.at().images == images

    (tmp_path / "downloads").mkdir(exist_ok=True)
    pets = class_folders(tmp_path / "pets", {"cat": 12, "dog": 12})
    with zipfile.ZipFile(tmp_path / "downloads/landscapes_small.zip", "w") as file:
        for path in sorted(pets.rglob("*.jpg")):
            file.write(path, path.relative_to(pets))
    for name in unreachable.licences:
        path = tmp_path / "downloads/licenses" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("{}")
    ingest(workspace, unreachable)
    now = store.at()
    assert now.images.classes == ("cat", "dog")
    assert len(now.images) == 24
    assert now.deleted.ids == images.ids
