"""Files of a data set: from a folder, from a zip, or generated."""

import io
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import IO

from training.data.folder_layout import DataLayout
from training.scenes.version import PAINTER_VERSION

_LARGEST_FILE = 200 << 20

EMPTY_FOLDER = "empty folder"
_HIDDEN = "hidden"
_SYSTEM = "created by the operating system"
# fmt: off
_SYSTEM_NAMES = frozenset(
    {
        ".DS_Store", "$RECYCLE.BIN", "@eaDir", "__MACOSX", "desktop.ini", "ehthumbs.db",
        "lost+found", "System Volume Information", "Thumbs.db",
    }
)
# fmt: on


@dataclass(frozen=True, slots=True)
class DataFile:
    """File of a data set with its reader, or with the reason for skipping it."""

    name: str
    """Path in the data set, in Unicode form NFC; a path object needs six times the memory."""
    size: int
    """Size in bytes."""
    state: str
    """Version of the content, such as its modification time; also orders files of one path."""
    open: Callable[[], IO[bytes]]
    refused: str = ""
    """Reason for skipping the file; empty if it can be read."""

    @property
    def path(self) -> PurePosixPath:
        """Path in the data set."""
        return PurePosixPath(self.name)

    @property
    def too_large(self) -> bool:
        """True if the file exceeds 200 MiB; such files are not read."""
        return self.size > _LARGEST_FILE

    @property
    def is_ignored(self) -> bool:
        """True for hidden and system files, which do not count as evidence of classes."""
        return self.refused.startswith((_HIDDEN, _SYSTEM))

    def read(self) -> bytes:
        """Return the content of the file."""
        with self.open() as stream:
            return stream.read()

    def start(self, count: int) -> bytes:
        """Return the first `count` bytes."""
        with self.open() as stream:
            return stream.read(count)


def _none(path: PurePosixPath) -> bool:
    return False


@dataclass(frozen=True)
class DataSource:
    """Data set before inspection."""

    key: str
    """Name or path that is recorded with each image."""
    list_files: Callable[[], tuple[DataFile, ...]]
    """Callback that lists the files; generated scenes are painted by this call."""
    licences: Path | None = None
    """Folder of licence lists, if there is one."""
    digest: str = ""
    """Digest of generated scenes, which is known without painting them."""
    layout: DataLayout | None = None
    """Layout; None to find it from the paths."""
    has_other: Callable[[PurePosixPath], bool] = _none
    """Callback that returns True if the data set has a file that is not listed at a path."""

    @property
    def is_complete(self) -> bool:
        """True if all files of the data set are listed."""
        return self.layout is None


def is_ignored(path: PurePosixPath) -> bool:
    """Return whether a path is hidden or of the operating system, or within such a folder."""
    return _outermost_ignored(path) is not None


def refused_file(path: PurePosixPath, reason: str) -> DataFile:
    """Return the entry of a file or folder that is skipped for `reason`."""
    return DataFile(str(path), 0, "", io.BytesIO, reason)


def with_folders(
    files: Iterable[DataFile], folders: Collection[PurePosixPath]
) -> tuple[DataFile, ...]:
    """Return the files with one entry for each empty folder, and summaries of ignored files.

    Each hidden folder gets one entry; files of the operating system get one entry for each name.
    """
    listed: list[DataFile] = []
    system: Counter[str] = Counter()
    hidden: set[PurePosixPath] = set()
    used: set[PurePosixPath] = set()
    for file in files:
        path = file.path
        outermost = _outermost_ignored(path)
        if outermost is None:
            listed.append(file)
            if not file.is_ignored:
                used.update(path.parents)
        elif _is_system(outermost.name):
            system["._*" if outermost.name.startswith("._") else outermost.name] += 1
        elif outermost == path:
            listed.append(refused_file(path, f"{_HIDDEN} file"))
        else:
            hidden.add(outermost)
    empty = set()
    for folder in folders:
        outermost = _outermost_ignored(folder)
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


def scenes_digest(per_class: int, seed: int) -> str:
    """Return the digest of generated scenes, which depend on these numbers alone."""
    facts = [f"painter {PAINTER_VERSION}", str(per_class), str(seed)]
    return sha256("\n".join(facts).encode()).hexdigest()


def scene_files(per_class: int, seed: int) -> Iterator[DataFile]:
    """Yield generated scenes as files in class folders; each is painted on demand."""
    # The painters take long to import.
    from training.scenes.catalogue import paint_all

    for scene in paint_all(per_class, seed):
        name = f"{scene.label}/{scene.name}.jpg"
        yield DataFile(name, len(scene.jpeg), f"{PAINTER_VERSION} {seed}", _constant(scene.jpeg))


def _outermost_ignored(path: PurePosixPath) -> PurePosixPath | None:
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
