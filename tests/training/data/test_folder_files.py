"""Files of a folder that are taken, and the reasons for the others."""

import os
import subprocess
import sys
from pathlib import Path
from unicodedata import normalize

import pytest
from PIL import Image

from tests.training.pictures import Take, class_folders, jpeg, left_out, picture
from training.data.folder_files import list_folder
from training.errors import DataError

LIST = """
import os, sys
from pathlib import Path
from training.data.folder_files import list_folder
from training.errors import DataError
if os.getuid() == 0:
    os.setgid(65534); os.setuid(65534)
try:
    files = list_folder(Path(sys.argv[1]))
    for file in files:
        print(file.path, file.refused)
except DataError as error:
    print("refused:", error)
"""


def reasons(folder: Path) -> dict[str, str]:
    return {str(file.path): file.refused for file in list_folder(folder)}


def as_somebody_else(folder: Path) -> str:
    """List a folder in a process of a user who is not root."""
    for parent in (folder, *folder.parents):
        if parent.stat().st_uid == os.getuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o555)
    done = subprocess.run(
        [sys.executable, "-c", LIST, str(folder)], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_linked_class_folders_are_read(tmp_path: Path, take: Take) -> None:
    class_folders(tmp_path / "pets", {"cat": 10, "dog": 10})
    (tmp_path / "elsewhere").mkdir()
    for number in range(10):
        (tmp_path / f"elsewhere/{number}.jpg").write_bytes(jpeg(100 + number))
    (tmp_path / "pets/bird").symlink_to("../elsewhere", target_is_directory=True)
    assert take(tmp_path / "pets").images.classes == ("bird", "cat", "dog")


def test_links_are_followed_once_and_cycles_are_ignored(tmp_path: Path) -> None:
    (tmp_path / "pets/cat/old").mkdir(parents=True)
    (tmp_path / "pets/cat/old/0.jpg").write_bytes(b"0")
    (tmp_path / "birds").mkdir()
    (tmp_path / "birds/1.jpg").write_bytes(b"1")
    for name, target in {
        "again": "cat", "itself": ".", "around": "..", "root": "/", "bird": "../birds",
        "car": "../birds", "cat/old/up": "../..", "gone": "nowhere", "loop": "loop",
    }.items():  # fmt: skip
        (tmp_path / "pets" / name).symlink_to(target)
    assert reasons(tmp_path / "pets") == {
        "cat/old/0.jpg": "",
        "bird/1.jpg": "",
        "again": "link: to cat",
        "itself": "link: to the data set itself",
        "around": "link: to a parent folder of the data set",
        "root": "link: to a parent folder of the data set",
        "car": "link: to bird",
        "cat/old/up": "link: to the data set itself",
        "gone": "broken link: to nowhere",
        "loop": "broken link: to loop",
    }


def test_an_unreadable_folder_is_an_error_with_its_name(tmp_path: Path) -> None:
    folder = class_folders(tmp_path / "pets", {"cat": 1, "bird": 1})
    (folder / "bird").chmod(0)
    try:
        said = as_somebody_else(folder)
    finally:
        (folder / "bird").chmod(0o755)
    assert "refused:" in said
    assert str(folder / "bird") in said


def test_hidden_and_system_files_are_counted_by_name(tmp_path: Path) -> None:
    folder = class_folders(tmp_path / "pets", {"cat": 2, ".net": 3})
    for place in ("", "cat", ".net"):
        for name in ("Thumbs.db", ".DS_Store", "._0.jpg"):
            (folder / place / name).write_bytes(b"x")
    (folder / "cat/.hidden.jpg").write_bytes(b"x")
    found = reasons(folder)
    assert set(found) == {
        "cat/000.jpg", "cat/001.jpg", ".net", "cat/.hidden.jpg", "Thumbs.db", ".DS_Store", "._*"
    }  # fmt: skip
    assert found[".net"] == "hidden folder; rename it to 'net' if it is a class"
    assert found["cat/.hidden.jpg"] == "hidden file"
    assert found["Thumbs.db"] == "created by the operating system (2 in all)"


def test_a_pipe_is_listed_and_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert reasons(tmp_path) == {"pipe.jpg": "not a regular file: a device, pipe or socket"}


def test_a_name_that_is_not_utf8_is_left_out_and_listed(tmp_path: Path, take: Take) -> None:
    folder = class_folders(tmp_path / "pets", {"cat": 10, "dog": 10})
    (Path(os.fsdecode(os.fsencode(folder / "cat") + b"/caf\xe9.jpg"))).write_bytes(jpeg(77))
    take(folder)
    listed = left_out(tmp_path / "home")
    assert listed == {r"cat/caf\xe9.jpg": "its path is not UTF-8; rename it"}


def test_names_are_composed_in_ids_classes_and_licence_lists(tmp_path: Path, take: Take) -> None:
    def decomposed(name: str) -> str:
        return normalize("NFD", name)

    folder = class_folders(tmp_path / "set", {decomposed("forêt"): 10, "lac": 10})
    for path in sorted((folder / decomposed("forêt")).iterdir()):
        path.rename(path.with_name(decomposed(f"é{path.name}")))
    lists = tmp_path / "licenses"
    lists.mkdir()
    (lists / "forêt_photos_info.json").write_text('{"é000.jpg": {"owner": "Zoé"}}', "utf-8")
    table = take(folder)
    assert table.images.classes == ("forêt", "lac")
    known = {image.id: image.photographer for image in table.images}
    assert known["forêt/é000"] == "Zoé"


def test_files_with_equal_composed_names_are_both_kept(tmp_path: Path, take: Take) -> None:
    folder = class_folders(tmp_path / "set", {"cat": 10, "dog": 10})
    for seed, name in ((50, normalize("NFC", "é.jpg")), (51, normalize("NFD", "é.jpg"))):
        (folder / "cat" / name).write_bytes(jpeg(seed))
    assert len(take(folder).images) == 22


def test_file_types_depend_on_the_content_only(tmp_path: Path, take: Take) -> None:
    folder = class_folders(tmp_path / "pets", {"cat": 10, "dog": 10})
    for number, name in enumerate(("a.jfif", "b", "c.JPG", "d.v2", "e.txt")):
        (folder / "cat" / name).write_bytes(jpeg(100 + number))
    picture(200).save(folder / "dog/really.jpg", "PNG")
    picture(201).save(folder / "dog/animation.jpg", "GIF")
    picture(202).save(folder / "dog/bitmap.bmp")
    (folder / "dog/scan.jpg").write_bytes(b"\xff\x0a" + bytes(64))
    with (folder / "dog/video.mov").open("wb") as huge:
        huge.truncate(5 << 30)
    table = take(folder)
    ids = {image.id for image in table.images}
    assert {"cat/a", "cat/b", "cat/c", "cat/d.v2", "cat/e.txt", "dog/really"} <= ids
    listed = left_out(tmp_path / "home")
    convert = "unsupported format; convert it to JPEG, PNG or WebP"
    assert listed == {
        "dog/animation.jpg": f"GIF: {convert}",
        "dog/bitmap.bmp": f"BMP: {convert}",
        "dog/scan.jpg": f"JPEG XL: {convert}",
        "dog/video.mov": "not a JPEG, PNG, WebP, AVIF or HEIC file",
    }


def test_a_class_that_loses_all_its_images_is_refused_with_its_reasons(
    tmp_path: Path, take: Take
) -> None:
    folder = class_folders(tmp_path / "pets", {"cat": 12, "dog": 12, "bird": 0, "fish": 0})
    for number in range(4):
        (folder / f"bird/{number}.jxl").write_bytes(b"\xff\x0a" + bytes(64))
        (folder / f"fish/{number}.jpg").write_bytes(jpeg(400 + number)[:400])
    (folder / "empty").mkdir()
    (folder / "empty/Thumbs.db").write_bytes(b"x")
    with pytest.raises(DataError) as refused:
        take(folder)
    assert "'bird' (0: 4 × JPEG XL)" in str(refused.value)
    assert "'empty' (0: empty folder)" in str(refused.value)
    assert "'fish' (0: 4 × unreadable)" in str(refused.value)
    assert "cat" not in str(refused.value)
    listed = left_out(tmp_path / "home")
    assert listed["bird/0.jxl"].startswith("JPEG XL: ")
    assert listed["empty"] == "empty folder"


def test_a_class_of_copies_names_the_originals(tmp_path: Path, take: Take) -> None:
    folder = class_folders(tmp_path / "pets", {"cat": 12, "dog": 2})
    for number in range(2, 20):
        (folder / f"dog/{number:03}.jpg").write_bytes(
            (folder / f"dog/{number % 2:03}.jpg").read_bytes()
        )
    with pytest.raises(DataError, match=r"'dog' \(2: 18 are copies of dog/000.jpg, dog/001.jpg\)"):
        take(folder)


def test_a_refused_data_set_can_be_repaired(tmp_path: Path, take: Take) -> None:
    folder = class_folders(tmp_path / "pets", {"cat": 12, "dog": 12, "empty": 0})
    with pytest.raises(DataError):
        take(folder)
    assert left_out(tmp_path / "home") == {"empty": "empty folder"}
    (folder / "empty").rmdir()
    assert len(take(folder).images) == 24
    assert left_out(tmp_path / "home") == {}


def test_the_home_within_the_data_folder_is_ignored(tmp_path: Path, take: Take) -> None:
    class_folders(tmp_path, {"cat": 12, "dog": 12})
    for name in ("home/kept", "lists"):
        (tmp_path / name).mkdir(parents=True)
        Image.new("RGB", (32, 32), "red").save(tmp_path / name / "0.jpg")
    table = take(tmp_path, licenses=tmp_path / "lists")
    assert table.images.classes == ("cat", "dog")
    assert left_out(tmp_path / "home") == {}
    assert take(tmp_path, licenses=tmp_path / "lists").revision == table.revision


def test_a_folder_with_a_dot_keeps_its_name(tmp_path: Path, take: Take) -> None:
    folder = class_folders(tmp_path / "my.birds", {"cat": 12, "dog": 12})
    assert take(folder).images.name == "my.birds photographs"
