"""Images in a zip, a tar, or a multipart form on the disk, read one at a time."""

import gzip
import mmap
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import collapse_rfc2231_value
from functools import partial
from pathlib import PurePosixPath
from typing import IO, Literal

from embeddings.errors import BelvedereError

MOST_FILES = 50_000
"""Maximum number of files in one archive or form."""

_CHUNK = 1024 * 1024
_MOST_PART_HEADER = 16 * 1024
_MOST_TAR_HEADER = 64 * 1024
_MOST_DIRECTORY = 64 * _CHUNK

_END_OF_ZIP = b"PK\x05\x06"
_ZIP64 = b"PK\x06\x07"
_END_SIZE = 22
_LONGEST_COMMENT = 2**16
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_EXTENDED = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)

ArchiveKind = Literal["zip", "tar", "tar.gz"]


class ArchiveUnreadable(BelvedereError):
    """Damaged archive or form, or one beyond the limits."""


class FileRefused(BelvedereError):
    """File of an archive that cannot be read, or has too many bytes."""


@dataclass(frozen=True)
class ArchivedFile:
    """File of an archive or of a form."""

    name: str
    """Path in the archive, with slashes; file name in the form."""
    read: Callable[[int], bytes]
    """Returns the content, of at most this number of bytes; safe to call from many threads.

    Raises `FileRefused`.
    """
    field: str = ""
    """Name of the field of the form."""


def find_kind(head: bytes) -> ArchiveKind | None:
    """Return the kind of an archive that starts with these bytes, at least 512; None for others."""
    if head.startswith((b"PK\x03\x04", _END_OF_ZIP)):
        return "zip"
    if head.startswith(b"\x1f\x8b"):
        return "tar.gz"
    return "tar" if head[257:262] == b"ustar" else None


def files_of_zip(file: IO[bytes]) -> list[ArchivedFile]:
    """Return the files of a zip. Raises `ArchiveUnreadable`."""
    _refuse_large_directory(file)
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
        raise _damaged("zip", error) from error
    entries = [each for each in archive.infolist() if not each.is_dir()]
    return [ArchivedFile(each.filename, partial(_unzipped, archive, each)) for each in entries]


def _refuse_large_directory(file: IO[bytes]) -> None:
    """Raise `ArchiveUnreadable` for a zip whose directory would take much memory."""
    size = file.seek(0, os.SEEK_END)
    start = max(0, size - _END_SIZE - _LONGEST_COMMENT)
    file.seek(start)
    tail = file.read()
    end = tail.rfind(_END_OF_ZIP)
    directory = int.from_bytes(tail[end + 12 : end + 16], "little") if end >= 0 else 0
    if directory > _MOST_DIRECTORY or _ZIP64 in tail[max(0, end - 20) : max(0, end)]:
        raise ArchiveUnreadable(
            f"The zip has more than {MOST_FILES:,} files or 4 GiB; send it in several parts."
        )
    file.seek(0)


def _unzipped(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    if entry.flag_bits & _ENCRYPTED:
        raise FileRefused("The file is encrypted; send it without a password.")
    if entry.compress_type not in _METHODS:
        raise FileRefused("The method of compression is not supported; use stored or deflated.")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise FileRefused("The entry is a link; send the file itself.")
    try:
        with archive.open(entry) as opened:
            content = opened.read(most + 1)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError) as error:
        raise FileRefused(f"The file is damaged ({error}); send it again.") from error
    return _within(content, most)


def files_of_tar(file: IO[bytes]) -> list[ArchivedFile]:
    """Return the regular files of a tar without compression. Raises `ArchiveUnreadable`."""
    found = []
    try:
        with tarfile.open(fileobj=file, mode="r:", tarinfo=_Entry) as archive:
            for entry in archive:
                if entry.isdir():
                    continue
                found.append(ArchivedFile(entry.name, partial(_untarred, file.fileno(), entry)))
                if len(found) > MOST_FILES:
                    break
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise _damaged("tar", error) from error
    return found


class _Entry(tarfile.TarInfo):
    """Entry of a tar; headers that would be read into memory are limited."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_Entry":
        """Return the entry of a header. Raises `tarfile.ReadError` if its extension is too long."""
        entry = super().frombuf(buf, encoding, errors)
        if entry.type in _EXTENDED and entry.size > _MOST_TAR_HEADER:
            raise tarfile.ReadError("a header is too long")
        return entry


def _untarred(descriptor: int, entry: tarfile.TarInfo, most: int) -> bytes:
    if not entry.isreg() or entry.issparse():
        raise FileRefused("The entry is no regular file; send the file itself.")
    if entry.size > most:
        raise _too_large(most)
    return _read_at(descriptor, entry.offset_data, entry.size)


def decompressed(file: IO[bytes], into: IO[bytes], most: int) -> None:
    """Write the content of a gzip file into another file. Raises `ArchiveUnreadable`."""
    written = 0
    try:
        with gzip.GzipFile(fileobj=file) as compressed:
            while chunk := compressed.read(_CHUNK):
                written += len(chunk)
                if written > most:
                    raise ArchiveUnreadable(
                        f"The tar has more than {most:,} bytes without its compression; send fewer "
                        "images at a time."
                    )
                into.write(chunk)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise _damaged("gzip", error) from error
    into.flush()


def files_of_form(file: IO[bytes], boundary: bytes) -> list[ArchivedFile]:
    """Return the parts of a form (`multipart/form-data`). Raises `ArchiveUnreadable`."""
    if not file.seek(0, os.SEEK_END):
        raise ArchiveUnreadable("The form is empty; send one part for each image.")
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return list(_parts(content, file.fileno(), b"--" + boundary))


def _parts(content: mmap.mmap, descriptor: int, delimiter: bytes) -> Iterator[ArchivedFile]:
    position = content.find(delimiter)
    number = 0
    while position >= 0:
        position += len(delimiter)
        if content[position : position + 2] == b"--":
            return
        start = content.find(b"\r\n\r\n", position, position + _MOST_PART_HEADER)
        end = content.find(b"\r\n" + delimiter, max(start, position))
        if start < 0 or end < 0:
            break
        number += 1
        header = content[position + 2 : start + 2]
        start = min(start + 4, end)
        yield _part(header, partial(_part_content, descriptor, start, end - start))
        if number > MOST_FILES:
            return
        position = end + 2
    raise ArchiveUnreadable("The form ends before its last boundary; send all of it.")


def _part(header: bytes, read: Callable[[int], bytes]) -> ArchivedFile:
    """Return a part with the names in its `Content-Disposition` (RFC 7578, RFC 8187)."""
    headers: Message = BytesHeaderParser().parsebytes(header)
    try:
        field = headers.get_param("name", "", "content-disposition")
        name = headers.get_param("filename", "", "content-disposition")
        return ArchivedFile(_text(name), read, _text(field))
    except (TypeError, ValueError, LookupError) as error:
        raise ArchiveUnreadable(
            "The header Content-Disposition of a part has no meaning; name each file in it."
        ) from error


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return collapse_rfc2231_value(value)
    # The parser decodes bytes beyond ASCII as surrogates; clients send UTF-8.
    return str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _part_content(descriptor: int, start: int, size: int, most: int) -> bytes:
    if size > most:
        raise _too_large(most)
    return _read_at(descriptor, start, size)


def _read_at(descriptor: int, start: int, size: int) -> bytes:
    content = os.pread(descriptor, size, start)
    if len(content) < size:
        raise FileRefused("The file is incomplete; send the archive again.")
    return content


def _within(content: bytes, most: int) -> bytes:
    if len(content) > most:
        raise _too_large(most)
    return content


def _too_large(most: int) -> FileRefused:
    return FileRefused(f"The file has more than {most:,} bytes; send a smaller image.")


def _damaged(kind: str, error: Exception) -> ArchiveUnreadable:
    return ArchiveUnreadable(f"The {kind} is damaged ({error}); send it again.")


def is_hidden(name: str) -> bool:
    """Return True for files that systems add to archives, and for files with a leading dot."""
    path = PurePosixPath(name)
    return path.name.startswith(".") or "__MACOSX" in path.parts or path.name == "Thumbs.db"
