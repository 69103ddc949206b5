"""Inspection of a data set: usable images, and the reason for each file left out."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from itertools import islice
from pathlib import PurePosixPath
from typing import TypeVar

from embeddings.images import Formats, ImageRejected, open_rgb
from embeddings.progress import Track
from embeddings.store.records import LeftOut, Split
from training.data.file_types import HEAD, find_format, is_named_as_image
from training.data.files import EMPTY_FOLDER, DataFile
from training.data.folder_layout import Layout, find_layout
from training.data.formats import refuse
from training.data.near_duplicates import (
    Thumbnail,
    find_near_duplicates,
    is_same_image,
    make_thumbnail,
)

T = TypeVar("T")

_COPY = "copy"
_COPY_OF = "copy of "

_CHUNK = 64
_SHOWN = 5


@dataclass(frozen=True)
class Inspected:
    """Usable image of a data set."""

    id: str
    label: str
    split: Split | None
    """Predefined split, if there is one."""
    file: DataFile
    digest: str
    thumbnail: Thumbnail
    width: int
    height: int


@dataclass(frozen=True)
class Inspection:
    """All usable images of a data set, and all files left out."""

    images: tuple[Inspected, ...]
    """Usable images, ordered by id."""
    clusters: tuple[int, ...]
    """Number of each image's cluster of near-duplicates."""
    left_out: tuple[LeftOut, ...]
    layout: Layout
    labels: frozenset[str]
    """Classes of the data set, including classes without a usable image."""

    def left_out_of(self, label: str) -> list[LeftOut]:
        """Return the files of a class that were left out."""
        return [entry for entry in self.left_out if _class_of(entry, self.layout) == label]


_Outcome = Inspected | LeftOut


def inspect(
    files: tuple[DataFile, ...], workers: int, track: Track, formats: Formats
) -> Inspection:
    """Decode every file and leave out damaged files, duplicates and label conflicts.

    The order of `files` has no effect.
    """
    ordered = sorted(files, key=lambda file: (file.path.parts, file.state))
    with ThreadPoolExecutor(workers) as pool:
        examined = list(_in_chunks(pool, partial(_recognise, formats), ordered))
        images = [file.path for file, is_image in examined if is_image]
        layout = find_layout(images)
        labels = {label for path in images if (label := layout.place(path).label)}
        read = partial(_examine, layout, formats)
        steps = _in_chunks(pool, read, [file for file, _ in examined])
        outcomes = list(track(steps, "Photographs", len(ordered)))
    left_out = [outcome for outcome in outcomes if isinstance(outcome, LeftOut)]
    found = [outcome for outcome in outcomes if isinstance(outcome, Inspected)]
    once = _without_copies(_distinct_ids(found), left_out)
    kept = sorted(once, key=lambda image: image.id)
    alike = find_near_duplicates(
        [image.thumbnail for image in kept], [image.label for image in kept]
    )
    conflicts = _conflicts_of_content(kept, alike.copies, formats)
    left_out += [_left_out(kept[row], conflicts[row]) for row in sorted(conflicts)]
    rows = [row for row in range(len(kept)) if row not in conflicts]
    empty = [entry for entry in left_out if entry.reason == EMPTY_FOLDER]
    labels |= {label for entry in empty if (label := _class_of(entry, layout))}
    return Inspection(
        tuple(kept[row] for row in rows),
        tuple(alike.groups[row] for row in rows),
        tuple(left_out),
        layout,
        frozenset(labels),
    )


def count_reasons(left_out: Sequence[LeftOut], *, name_copied: bool = False) -> str:
    """Return the number of files left out for each reason, the most frequent first.

    With `name_copied`, the originals of copies are named.
    """
    copied = sorted({each.reason for each in left_out if each.reason.startswith(_COPY_OF)})
    kinds = Counter(
        _COPY if each.reason.startswith(_COPY_OF) else re.split("[:;]", each.reason)[0]
        for each in left_out
    )

    def counted(kind: str, count: int) -> str:
        if kind == _COPY and name_copied:
            return (
                f"{count} are copies of {_some([each.removeprefix(_COPY_OF) for each in copied])}"
            )
        return kind if kind == EMPTY_FOLDER and count == 1 else f"{count} × {kind}"

    return ", ".join(counted(kind, count) for kind, count in kinds.most_common())


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _in_chunks(
    pool: ThreadPoolExecutor, work: Callable[[DataFile], T], files: Sequence[DataFile]
) -> Iterator[T]:
    """Yield results in order from several threads; at most 64 files are in memory at once."""
    source = iter(files)
    while chunk := list(islice(source, _CHUNK)):
        yield from pool.map(work, chunk)


def _recognise(formats: Formats, file: DataFile) -> tuple[DataFile, bool]:
    """Return the file, refused by its magic bytes if necessary, and whether it is an image file."""
    named = is_named_as_image(file.path) and not file.is_ignored
    if file.refused:
        return file, named
    if file.size == 0:
        return replace(file, refused="empty file"), named
    try:
        head = file.start(HEAD)
    except Exception as error:  # a damaged archive member raises exceptions of many types
        return replace(file, refused=_unreadable(error)), named
    reason = refuse(head, formats)
    if reason is None:
        return file, True
    if find_format(head) is not None:
        return replace(file, refused=reason), True
    return replace(file, refused=f"unreadable: {reason}" if named else reason), named


def _examine(layout: Layout, formats: Formats, file: DataFile) -> _Outcome:
    def refused(reason: str) -> LeftOut:
        return LeftOut(path=str(file.path), reason=reason)

    if file.refused:
        return refused(file.refused)
    place = layout.place(file.path)
    if place.label is None:
        return refused(place.reason)
    if file.too_large:
        return refused("larger than 200 MiB")
    try:
        content = file.read()
        image = open_rgb(content, formats=formats)
    except ImageRejected as error:
        return refused(f"{error.rejection}: {error}")
    except Exception as error:  # a damaged archive member raises exceptions of many types
        return refused(_unreadable(error))
    return Inspected(
        id=layout.identifier(file.path),
        label=place.label,
        split=place.split,
        file=file,
        digest=sha256(content).hexdigest(),
        thumbnail=make_thumbnail(image),
        width=image.width,
        height=image.height,
    )


def _class_of(entry: LeftOut, layout: Layout) -> str | None:
    path = PurePosixPath(entry.path)
    return layout.place(path / "file" if entry.reason == EMPTY_FOLDER else path).label


def _unreadable(error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"unreadable: {reason or type(error).__name__}"


def _distinct_ids(found: list[Inspected]) -> list[Inspected]:
    """Return the images with unique ids: of `a.jpg` and `a.png`, the second keeps its extension."""
    taken: set[str] = set()
    distinct = []
    for image in found:
        identifier = image.id
        if identifier in taken:
            identifier += image.file.path.suffix
        while identifier in taken:
            identifier += "_"
        taken.add(identifier)
        distinct.append(replace(image, id=identifier))
    return distinct


def _without_copies(found: list[Inspected], left_out: list[LeftOut]) -> list[Inspected]:
    """Return one of each set of byte-identical images, and none if their classes differ."""
    copies: dict[str, list[Inspected]] = defaultdict(list)
    for image in found:
        copies[image.digest].append(image)
    kept = []
    for image in found:
        same = copies[image.digest]
        if len({copy.label for copy in same}) > 1:
            others = ", ".join(str(copy.file.path) for copy in same if copy is not image)
            left_out.append(_left_out(image, f"label conflict: also at {others}"))
        elif image is not same[0]:
            left_out.append(_left_out(image, f"{_COPY_OF}{same[0].file.path}"))
        else:
            kept.append(image)
    return kept


def _conflicts_of_content(
    kept: list[Inspected], copies: dict[int, int], formats: Formats
) -> dict[int, str]:
    """Return the reason for each row with the same image as a row of another class."""
    conflicts: dict[int, str] = {}
    for pair in sorted({(min(pair), max(pair)) for pair in copies.items()}):
        one, other = (open_rgb(kept[row].file.read(), formats=formats) for row in pair)
        if is_same_image(one, other):
            for row, copy in (pair, pair[::-1]):
                reason = f"label conflict: the same image as {kept[copy].file.path}"
                conflicts.setdefault(row, reason)
    return conflicts


def _left_out(image: Inspected, reason: str) -> LeftOut:
    return LeftOut(path=str(image.file.path), reason=reason)
