"""The files of a data set, wherever they lie: in a folder, in a zip, or painted."""

import io
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import IO

from training.scenes import PAINTER_VERSION, paint_all

_LARGEST_FILE = 200 << 20

EMPTY_FOLDER = "empty folder"
_HIDDEN = "hidden"
_SYSTEM = "made by the operating system"
# fmt: off
_SYSTEM_NAMES = frozenset(
    {
        ".DS_Store", "$RECYCLE.BIN", "@eaDir", "__MACOSX", "desktop.ini", "ehthumbs.db",
        "lost+found", "System Volume Information", "Thumbs.db",
    }
)
# fmt: on


@dataclass(frozen=True)
class DataFile:
    """One file of a data set and how to read it, or why it is not read."""

    path: PurePosixPath
    """Path in the data set, in the form NFC."""
    size: int
    """In bytes."""
    state: str
    """Changes when the content does; also orders files of the same path."""
    open: Callable[[], IO[bytes]]
    refused: str = ""
    """Reason for not reading it; empty if it can be read."""

    @property
    def too_large(self) -> bool:
        """Whether it is larger than any photograph; such a file is never read."""
        return self.size > _LARGEST_FILE

    @property
    def is_aside(self) -> bool:
        """True if it is hidden or of the operating system, so that it says nothing of classes."""
        return self.refused.startswith((_HIDDEN, _SYSTEM))

    def read(self) -> bytes:
        """Return the whole content."""
        with self.open() as stream:
            return stream.read()

    def start(self, count: int) -> bytes:
        """Return the first `count` bytes."""
        with self.open() as stream:
            return stream.read(count)


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


def is_aside(path: PurePosixPath) -> bool:
    """Return whether a file or folder is hidden, of the operating system, or within such a one."""
    return _outermost_aside(path) is not None


def refused_file(path: PurePosixPath, reason: str) -> DataFile:
    """Return the entry of a file or folder that is not read."""
    return DataFile(path, 0, "", io.BytesIO, reason)


def with_folders(
    files: Iterable[DataFile], folders: Collection[PurePosixPath]
) -> tuple[DataFile, ...]:
    """Return the files with an entry for each empty folder, and few for what is set aside.

    Hidden folders get one entry each, files of the operating system one for each of their names.
    """
    listed: list[DataFile] = []
    system: Counter[str] = Counter()
    hidden: set[PurePosixPath] = set()
    for file in files:
        outermost = _outermost_aside(file.path)
        if outermost is None:
            listed.append(file)
        elif _is_system(outermost.name):
            system["._*" if outermost.name.startswith("._") else outermost.name] += 1
        elif outermost == file.path:
            listed.append(refused_file(file.path, f"{_HIDDEN} file"))
        else:
            hidden.add(outermost)
    used = {parent for file in listed if not file.is_aside for parent in file.path.parents}
    empty = set()
    for folder in folders:
        outermost = _outermost_aside(folder)
        if outermost is None:
            empty |= {folder} - used
        elif _is_system(outermost.name):
            system[outermost.name] += 1
        else:
            hidden.add(outermost)
    return (
        *listed,
        *(refused_file(each, EMPTY_FOLDER) for each in empty if each.parent not in empty),
        *(refused_file(each, _hidden_folder(each)) for each in hidden),
        *(
            refused_file(PurePosixPath(name), f"{_SYSTEM} ({system[name]} in all)")
            for name in system
        ),
    )


def digest_of(files: Iterable[DataFile]) -> str:
    """Return what stands for the state of these files, in whatever order they come."""
    return _digest(
        sorted(
            f"{file.path}\t{file.size}\t{file.state}\t{file.refused}"
            for file in files
            if not file.refused.startswith(_SYSTEM)
        )
    )


def painted_digest(per_class: int, seed: int) -> str:
    """What stands for the state of generated scenes: they follow from these numbers alone."""
    return _digest([f"painter {PAINTER_VERSION}", str(per_class), str(seed)])


def paint_files(per_class: int, seed: int) -> Iterator[DataFile]:
    """Generated scenes as files of class folders, painted as they are asked for."""
    for scene in paint_all(per_class, seed):
        path = PurePosixPath(scene.label, f"{scene.name}.jpg")
        yield DataFile(path, len(scene.jpeg), "", _constant(scene.jpeg))


def _outermost_aside(path: PurePosixPath) -> PurePosixPath | None:
    for depth, name in enumerate(path.parts, 1):
        if name.startswith(".") or _is_system(name):
            return PurePosixPath(*path.parts[:depth])
    return None


def _is_system(name: str) -> bool:
    return name in _SYSTEM_NAMES or name.startswith("._")


def _hidden_folder(path: PurePosixPath) -> str:
    return f"{_HIDDEN} folder; rename it to {path.name.lstrip('.')!r} if it is a class"


def _constant(content: bytes) -> Callable[[], IO[bytes]]:
    return lambda: io.BytesIO(content)


def _digest(lines: list[str]) -> str:
    return sha256("\n".join(lines).encode()).hexdigest()
