"""Files of a folder, including those in linked folders."""

import os
import stat
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from embeddings.file_names import file_name, is_utf8
from training.data.files import DataFile, is_ignored, refused_file, with_folders
from training.errors import DataError

_Identity = tuple[int, int]


def list_folder(root: Path, excluded: Iterable[Path] = ()) -> tuple[DataFile, ...]:
    """Return all files of a folder except the files and folders in `excluded`.

    Linked folders are followed, each folder once: real folders first, then links in the order of
    their paths. Raises `DataError` if a folder cannot be read.
    """
    skipped = {_identity(path) for path in excluded if path.exists()}
    around = {_identity(parent) for parent in root.resolve().parents}
    seen: dict[_Identity, PurePosixPath] = {}
    files: list[DataFile] = []
    hidden: list[PurePosixPath] = []
    # Paths in the data set as they are on disk: a name may be invalid UTF-8.
    folders = deque([(root, PurePosixPath())])
    links: deque[tuple[Path, PurePosixPath]] = deque()
    while folders or links:
        folder, path = folders.popleft() if folders else links.popleft()
        identity = _identity(folder)
        if identity in around:
            files.append(refused_file(_shown(path), "link: to a parent folder of the data set"))
        elif identity in seen:
            there = seen[identity].parts and _shown(seen[identity])
            files.append(refused_file(_shown(path), f"link: to {there or 'the data set itself'}"))
        else:
            seen[identity] = path
            for entry in _entries(folder):
                inner = path / entry.name
                status = _status(entry)
                if isinstance(status, str):
                    files.append(refused_file(_shown(inner), status))
                elif (status.st_dev, status.st_ino) in skipped:
                    continue
                elif not stat.S_ISDIR(status.st_mode):
                    files.append(_file(Path(entry.path), inner, status))
                elif is_ignored(_shown(inner)):
                    hidden.append(_shown(inner))
                else:
                    (links if entry.is_symlink() else folders).append((Path(entry.path), inner))
    listed = [_shown(path) for path in seen.values() if path.parts]
    return with_folders(files, [*listed, *hidden])


def _shown(path: PurePosixPath) -> PurePosixPath:
    return PurePosixPath(file_name(path))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: os.fsencode(entry.name))
    except OSError as error:
        raise _unreadable(folder, error) from error


def _status(entry: os.DirEntry[str]) -> os.stat_result | str:
    """Return the status of an entry after following links, or the reason for having none."""
    try:
        return entry.stat()
    except OSError as error:
        if entry.is_symlink():
            return f"broken link: to {file_name(Path(entry.path).readlink())}"
        if isinstance(error, PermissionError):
            raise _unreadable(Path(entry.path).parent, error) from error
        return f"unreadable: {error.strerror}"


def list_single_files(root: Path, paths: Iterable[Path]) -> tuple[DataFile, ...]:
    """Return the files at these paths in a folder, as `list_folder` returns them."""
    files = []
    for path in paths:
        inner = PurePosixPath(path.relative_to(root))
        try:
            files.append(_file(path, inner, path.stat()))
        except OSError as error:
            files.append(refused_file(_shown(inner), f"unreadable: {error.strerror}"))
    return with_folders(files, [])


def _file(location: Path, path: PurePosixPath, status: os.stat_result) -> DataFile:
    if not stat.S_ISREG(status.st_mode):
        return refused_file(_shown(path), "not a regular file: a device, pipe or socket")
    return DataFile(
        str(_shown(path)),
        status.st_size,
        f"{os.fsencode(location.name)!r} {status.st_mtime_ns}",
        _Opener(str(location)),
        "" if is_utf8(path) else "its path is not UTF-8; rename it",
    )


@dataclass(frozen=True, slots=True)
class _Opener:
    """Reader of a file; of all readers, it needs the least memory for each of many files."""

    path: str

    def __call__(self) -> IO[bytes]:
        return Path(self.path).open("rb")


def _identity(path: Path) -> _Identity:
    status = path.stat()
    return status.st_dev, status.st_ino


def _unreadable(folder: Path, error: OSError) -> DataError:
    return DataError(
        f"The folder {file_name(folder)} cannot be read ({error.strerror}); grant read access or "
        "move it out of the data set."
    )
