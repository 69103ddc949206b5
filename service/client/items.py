"""Images to send: of an iterable, a folder or a zip, in batches of bounded size."""

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from zipfile import BadZipFile, ZipFile, ZipInfo

from embeddings.file_names import file_name, to_nfc
from embeddings.ingest.file_types import is_named_as_image, without_suffix
from embeddings.ingest.outcomes import distinct_ids
from service.client.errors import ServiceError

MOST_BYTES = 32 << 20
"""Size of a batch, unless a single image is larger."""

Item = tuple[str, bytes | Path] | tuple[str, bytes | Path, str | None]
"""Id of an image, its file or the path of its file, and its label."""


class NewImage(NamedTuple):
    """Image to send."""

    id: str
    file: bytes
    label: str | None = None


def images_of(source: Iterable[Item] | Path | str) -> Iterator[NewImage]:
    """Yield the images of an iterable, or of a folder or zip; each file is read when it is due.

    In a folder or zip, the id of an image is its path without the extension, and its label the name
    of its first folder. Raises `ServiceError` if a path cannot be read.
    """
    if isinstance(source, (str, Path)):
        return _images_at(Path(source))
    return (_image(*item) for item in source)


def batches(images: Iterable[NewImage], most: int) -> Iterator[list[NewImage]]:
    """Yield the images in batches of at most `most` images and about 32 MiB."""
    batch: list[NewImage] = []
    size = 0
    for image in images:
        if batch and (len(batch) == most or size + len(image.file) > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(image)
        size += len(image.file)
    if batch:
        yield batch


def _image(identifier: str, file: bytes | Path, label: str | None = None) -> NewImage:
    return NewImage(identifier, _read(file) if isinstance(file, Path) else file, label)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ServiceError(
            f"{file_name(path)} cannot be read ({error.strerror}); leave it out, or give a path of "
            "an image file."
        ) from error


def _images_at(path: Path) -> Iterator[NewImage]:
    if path.is_dir():
        found = [each for each in sorted(path.rglob("*")) if each.is_file()]
        names = [PurePosixPath(file_name(each.relative_to(path))) for each in found]
        for number, identifier, label in _placed(names):
            yield NewImage(identifier, _read(found[number]), label)
        return
    try:
        with ZipFile(path) as archive:
            yield from _members(archive)
    except (OSError, BadZipFile) as error:
        raise ServiceError(
            f"{file_name(path)} is neither a folder nor a readable zip ({error}); for single files "
            "give a list of pairs of an id and a path."
        ) from error


def _members(archive: ZipFile) -> Iterator[NewImage]:
    members: list[ZipInfo] = sorted(archive.infolist(), key=lambda member: member.filename)
    names = [PurePosixPath(to_nfc(member.filename)) for member in members]
    for number, identifier, label in _placed(names):
        yield NewImage(identifier, archive.read(members[number]), label)


def _placed(names: list[PurePosixPath]) -> Iterator[tuple[int, str, str | None]]:
    """Yield number, id and label of each path that is named as an image and not hidden."""
    numbers = [
        number
        for number, name in enumerate(names)
        if is_named_as_image(name)
        and not any(part.startswith((".", "__MACOSX")) for part in name.parts)
    ]
    wanted = [(str(without_suffix(names[number])), names[number].suffix) for number in numbers]
    for number, identifier in zip(numbers, distinct_ids(wanted, ()), strict=True):
        parts = names[number].parts
        yield number, identifier, parts[0] if len(parts) > 1 else None
