"""Names in a zip, as different programs write them, and members that cannot be read."""

import struct
import zipfile
import zlib
from pathlib import Path
from unicodedata import normalize

import pytest

from tests.training.pictures import Take, jpeg, left_out
from training.data.zip_files import open_zip
from training.errors import DataError


def raw_zip(
    target: Path, names: list[bytes], extra: bytes = b"", method: int = 0, flags: int = 0
) -> Path:
    """Write a zip with names of these bytes; each file is a different image."""
    body, directory = bytearray(), bytearray()
    for number, name in enumerate(names):
        content = jpeg(number)
        sizes = (zlib.crc32(content), len(content), len(content), len(name))
        offset = len(body)
        body += b"PK\3\4" + struct.pack("<HHHHHIIIHH", 20, flags, method, 0, 0x5821, *sizes, 0)
        body += name + content
        directory += b"PK\1\2" + struct.pack(
            "<HHHHHHIIIHHHHHII",
            *(20 | 3 << 8, 20, flags, method, 0, 0x5821, *sizes),
            *(len(extra), 0, 0, 0, 0o100644 << 16, offset),
        )
        directory += name + extra
    end = struct.pack("<HHHHIIH", 0, 0, len(names), len(names), len(directory), len(body), 0)
    target.write_bytes(body + directory + b"PK\5\6" + end)
    return target


def listed(path: Path) -> list[str]:
    with open_zip(path) as files:
        return sorted(str(file.path) for file in files)


@pytest.mark.parametrize("encoding", ["utf-8", "cp437"])
@pytest.mark.parametrize("label", ["forêt", "été", "Wälder", "Straßen", "piñata", "Überseeträger"])
def test_names_without_a_flag_are_decoded_by_their_encoding(
    tmp_path: Path, label: str, encoding: str
) -> None:
    name = f"{label}/0.jpg"
    assert listed(raw_zip(tmp_path / "x.zip", [name.encode(encoding)])) == [name]


def test_decomposed_names_are_composed(tmp_path: Path) -> None:
    name = normalize("NFD", "forêt/é.jpg").encode()
    assert listed(raw_zip(tmp_path / "x.zip", [name])) == ["forêt/é.jpg"]


@pytest.mark.parametrize(
    ("encoding", "label"),
    [
        ("cp932", "森"),
        ("cp932", "山"),
        ("cp932", "ネコ"),
        ("cp932", "いぬ"),
        ("gbk", "狗"),
        ("gbk", "森林"),
        ("big5", "森林"),
        ("euc_kr", "고양이"),
        ("cp866", "лес"),
        ("cp1251", "лес"),
        ("cp1252", "forêt"),
        ("cp850", "forÊt"),
    ],
)
def test_names_in_an_unknown_encoding_are_refused(
    tmp_path: Path, encoding: str, label: str
) -> None:
    archive = raw_zip(tmp_path / "x.zip", [f"{label}/0.jpg".encode(encoding)])
    with pytest.raises(DataError, match="cp932"):
        listed(archive)


def test_the_name_in_the_extra_field_of_info_zip_is_used(tmp_path: Path) -> None:
    raw, meant = "森/0.jpg".encode("cp932"), "森/0.jpg".encode()
    field = struct.pack("<HHBL", 0x7075, 5 + len(meant), 1, zlib.crc32(raw)) + meant
    other = struct.pack("<HH", 0x5455, 1) + b"\0"
    assert listed(raw_zip(tmp_path / "x.zip", [raw], extra=other + field)) == ["森/0.jpg"]


def test_backslashes_are_separators(tmp_path: Path) -> None:
    archive = raw_zip(tmp_path / "x.zip", [b"pets\\cat\\0.jpg"])
    assert listed(archive) == ["pets/cat/0.jpg"]


def test_a_name_wrongly_flagged_as_utf8_is_reported_in_one_sentence(tmp_path: Path) -> None:
    archive = raw_zip(tmp_path / "x.zip", [b"caf\xe9/0.jpg"], flags=0x800)
    with pytest.raises(DataError, match="not a readable zip"):
        listed(archive)


def test_files_of_an_unsupported_compression_are_listed_with_it(tmp_path: Path, take: Take) -> None:
    names = [f"{label}/{number}.jpg".encode() for label in ("cat", "dog") for number in range(12)]
    with pytest.raises(DataError, match=r"'cat' \(0: 12 × unreadable\)"):
        take(raw_zip(tmp_path / "x.zip", names, method=9))
    reasons = set(left_out(tmp_path / "home").values())
    assert reasons == {
        "unreadable: Deflate64 compression is not supported; create the zip with Deflate"
    }


def test_an_empty_folder_in_a_zip_is_a_class_without_images(tmp_path: Path, take: Take) -> None:
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for number, label in enumerate(["cat"] * 12 + ["dog"] * 12):
            file.writestr(f"{label}/{number}.jpg", jpeg(number))
        file.writestr("bird/", b"")
        file.writestr("__MACOSX/cat/._0.jpg", b"x")
    with pytest.raises(DataError, match=r"'bird' \(0: empty folder\)"):
        take(archive)


def test_the_zip_is_closed(tmp_path: Path) -> None:
    with open_zip(raw_zip(tmp_path / "x.zip", [b"cat/0.jpg"])) as files:
        assert files[0].read() == jpeg(0)
    with pytest.raises(ValueError, match="closed"):
        files[0].read()
