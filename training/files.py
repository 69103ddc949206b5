"""The files of a data set, wherever they lie: in a folder, in a zip, or painted."""

import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from zipfile import BadZipFile, ZipFile, ZipInfo

from embeddings.errors import BelvedereError
from training.scenes import paint_all

_LARGEST_FILE = 200 << 20
_PAINTER_VERSION = 1


class DataError(BelvedereError):
    """The data set cannot be used; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class DataFile:
    """One file of a data set and how to read it."""

    path: PurePosixPath
    """Where it stands in the data set."""
    size: int
    """In bytes."""
    state: str
    """Changes when the content does; also orders files of the same path."""
    read: Callable[[], bytes]

    @property
    def too_large(self) -> bool:
        """Whether it is larger than any photograph; such a file is never read."""
        return self.size > _LARGEST_FILE


@dataclass(frozen=True)
class DataSource:
    """A data set before anything is checked."""

    name: str
    """What people call it."""
    setting: str
    """The setting that leads to it."""
    digest: str
    """Changes when the files do."""
    list_files: Callable[[], tuple[DataFile, ...]]
    """Lists the files; generated scenes are painted then."""
    licences: Path | None = None
    """Folder of licence lists, where there is one."""


def open_zip(path: Path) -> tuple[str, tuple[DataFile, ...]]:
    """The digest and files of a zip. Raises `DataError` for a damaged or dangerous one."""
    try:
        archive = ZipFile(path)
    except (BadZipFile, OSError) as error:
        raise DataError(f"{path} is not a readable zip file; set BELVEDERE_DATA anew.") from error
    members = [member for member in archive.infolist() if not member.is_dir()]
    for member in members:
        _refuse_dangerous(path, member)
    return _with_digest(
        DataFile(
            PurePosixPath(member.filename),
            member.file_size,
            f"{member.CRC:08x}",
            _member(archive, member),
        )
        for member in members
    )


def open_folder(path: Path) -> tuple[str, tuple[DataFile, ...]]:
    """The digest and files of a folder."""

    def opened(file: Path) -> DataFile:
        status = file.stat()
        relative = PurePosixPath(file.relative_to(path).as_posix())
        return DataFile(relative, status.st_size, str(status.st_mtime_ns), file.read_bytes)

    return _with_digest(opened(file) for file in path.rglob("*") if file.is_file())


def painted_digest(per_class: int, seed: int) -> str:
    """What stands for the state of generated scenes: they follow from these numbers alone."""
    return _digest([f"painter {_PAINTER_VERSION}", str(per_class), str(seed)])


def paint_files(per_class: int, seed: int) -> Iterator[DataFile]:
    """Generated scenes as files of class folders, painted as they are asked for."""
    for scene in paint_all(per_class, seed):
        path = PurePosixPath(scene.label, f"{scene.name}.jpg")
        yield DataFile(path, len(scene.jpeg), "", _constant(scene.jpeg))


def _refuse_dangerous(path: Path, member: ZipInfo) -> None:
    name = PurePosixPath(member.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or ":" in name.parts[0]:
        raise DataError(
            f"{path} has the member {member.filename!r}, which points outside of it; "
            "pack the photographs anew with relative paths."
        )
    if member.flag_bits & 0x1:
        raise DataError(f"{path} is encrypted; unpack it and set BELVEDERE_DATA to the folder.")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise DataError(f"{path} has the link {member.filename!r}; pack the file itself.")


def _member(archive: ZipFile, member: ZipInfo) -> Callable[[], bytes]:
    return lambda: archive.read(member)


def _constant(content: bytes) -> Callable[[], bytes]:
    return lambda: content


def _with_digest(files: Iterable[DataFile]) -> tuple[str, tuple[DataFile, ...]]:
    listed = tuple(files)
    return _digest(sorted(f"{each.path}\t{each.size}\t{each.state}" for each in listed)), listed


def _digest(lines: list[str]) -> str:
    return sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
