"""Files of a zip, with names decoded from their actual encoding."""

import re
import stat
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO
from zipfile import ZipFile, ZipInfo

from embeddings.file_names import file_name, to_nfc
from training.data.files import DataFile, with_folders
from training.errors import DataError

_UTF8_FLAG = 0x800
_ENCRYPTED_FLAG = 0x1
_UNICODE_PATH = 0x7075
_METHODS = {9: "Deflate64", 93: "Zstandard", 95: "XZ", 98: "PPMd"}

# Letters that the Western DOS code pages (437, 850) have in common.
_SMALL = "a-züéâäàåçêëèïîìæôöòûùÿáíóúñß"
_WORD = re.compile(f"[A-ZÄÅÉÆÖÜÑ]?[{_SMALL}]+")
_DOUBLE_BYTE = ("cp932", "gbk", "big5", "euc_kr")


@contextmanager
def open_zip(path: Path) -> Iterator[tuple[DataFile, ...]]:
    """Yield the files of a zip; they are readable within the block.

    Raises `DataError` for a damaged or unsafe zip, and for names in an unknown encoding.
    """
    try:
        archive = ZipFile(path)
    except Exception as error:  # a damaged directory raises many kinds
        raise DataError(
            f"{file_name(path)} is not a readable zip ({error}); set BELVEDERE_DATA to another."
        ) from error
    with archive:
        yield _list_members(path, archive)


def _list_members(path: Path, archive: ZipFile) -> tuple[DataFile, ...]:
    files: list[DataFile] = []
    folders: list[PurePosixPath] = []
    members = archive.infolist()
    for member, name in zip(members, _names(path, members), strict=True):
        _refuse_unsafe(path, member, name)
        place = PurePosixPath(name)
        if name.endswith("/") or not place.parts:
            folders += [each for each in (place, *place.parents) if each.parts]
            continue
        state = f"{member.orig_filename!r} {member.CRC:08x}"
        files.append(DataFile(str(place), member.file_size, state, partial(_open, archive, member)))
    return with_folders(files, dict.fromkeys(folders))


def _names(path: Path, members: list[ZipInfo]) -> list[str]:
    """Return the names of all members in Unicode form NFC, with `/` between folders."""
    names = []
    for member in members:
        name = _name(member)
        if name is None:
            raise DataError(
                f"The names in {file_name(path)}, such as {member.filename!r}, are neither UTF-8 "
                "nor clearly Western DOS (cp437): they may be Japanese (cp932), Chinese (gbk), "
                "Cyrillic (cp866) or others. Unpack the zip with the right encoding, for example "
                "`unzip -O cp932`, and set BELVEDERE_DATA to the folder."
            )
        names.append(to_nfc(name).replace("\\", "/"))
    return names


def _name(member: ZipInfo) -> str | None:
    """Return the name of a member; None if its encoding is unknown."""
    name = member.orig_filename.split("\0")[0]
    if member.flag_bits & _UTF8_FLAG or name.isascii():
        return name
    raw = name.encode("cp437")
    stated = _unicode_path(member, raw)
    if stated is not None:
        return stated
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return name if _is_western(raw) else None


def _unicode_path(member: ZipInfo, raw: bytes) -> str | None:
    """Return the name in Info-ZIP's extra field, unless the member was renamed afterwards."""
    extra = member.extra
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == _UNICODE_PATH and field[:5] == struct.pack("<BL", 1, zlib.crc32(raw)):
            return field[5:].decode("utf-8", "replace")
    return None


def _is_western(raw: bytes) -> bool:
    """Return whether a name consists of words of Western languages in code page 437.

    Bytes of other code pages decode to capitals, symbols and box-drawing lines within words.
    """
    for word in re.findall(r"[^\W\d_]+|[^\x00-\x7f]", raw.decode("cp437")):
        if word.isascii():
            continue
        foreign = sum(not character.isascii() for character in word)
        if not _WORD.fullmatch(word) or foreign == len(word):
            return False
        if 3 * foreign >= len(word) and any(_decodes(raw, code) for code in _DOUBLE_BYTE):
            return False
    return True


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _refuse_unsafe(path: Path, member: ZipInfo, name: str) -> None:
    place = PurePosixPath(name)
    if place.is_absolute() or ".." in place.parts or re.match("[A-Za-z]:", name):
        raise DataError(
            f"{file_name(path)} has the member {member.filename!r} with a path outside of the zip; "
            "create the zip again with relative paths."
        )
    if member.flag_bits & _ENCRYPTED_FLAG:
        raise DataError(
            f"{file_name(path)} is encrypted; unpack it and set BELVEDERE_DATA to the folder."
        )
    if stat.S_ISLNK(member.external_attr >> 16):
        raise DataError(f"{file_name(path)} has the link {member.filename!r}; add the file itself.")


def _open(archive: ZipFile, member: ZipInfo) -> IO[bytes]:
    try:
        return archive.open(member)
    except NotImplementedError as error:
        method = _METHODS.get(member.compress_type, f"Method {member.compress_type}")
        raise OSError(
            f"{method} compression is not supported; create the zip with Deflate"
        ) from error
