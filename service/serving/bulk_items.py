"""Images of a bulk request with their ids and labels, from a manifest or from their paths."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from pydantic import Field, JsonValue, TypeAdapter, ValidationError

from embeddings.frozen_model import StrictModel
from embeddings.ingest.file_types import without_suffix
from embeddings.ingest.names import is_label
from service.serving.archives import (
    MOST_FILES,
    ArchivedFile,
    ArchiveUnreadable,
    FileRefused,
    is_hidden,
)

_MANIFESTS = ("manifest.csv", "manifest.json")
_MOST_MANIFEST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class BulkItem:
    """Image to add, before its file is read."""

    file: str
    """Path in the archive."""
    id: str
    label: str | None
    attributes: dict[str, JsonValue]
    read: Callable[[int], bytes]
    """Returns the content, of at most this number of bytes. Raises `FileRefused`."""


class _Line(StrictModel):
    """Line of a manifest."""

    file: str = Field(min_length=1)
    id: str | None = None
    label: str | None = None
    attributes: dict[str, JsonValue] = Field({})


_LINES = TypeAdapter(tuple[_Line, ...])


def items_of(files: Sequence[ArchivedFile], label: str | None) -> tuple[BulkItem, ...]:
    """Return the images of an archive.

    `manifest.csv` or `manifest.json` at its top, or a field `manifest` of a form, lists the images
    with their ids, labels and attributes. Otherwise the id is the path without the extension, and
    the label the first folder. `label` is the label of images without one in the manifest, and of
    all images without a manifest. Raises `ArchiveUnreadable`.
    """
    if len(files) > MOST_FILES:
        raise ArchiveUnreadable(
            f"There are more than {MOST_FILES:,} files; send them in several requests."
        )
    manifest = next(filter(_is_manifest, files), None)
    found = _named(files, label) if manifest is None else _listed(_lines(manifest), files, label)
    items = tuple(found)
    if not items:
        raise ArchiveUnreadable("There are no images in the request; send at least one.")
    return items


def usable_labels(items: Iterable[BulkItem]) -> set[str]:
    """Return the labels of the items, without unusable ones, whose images are rejected."""
    labels = {each.label for each in items if each.label is not None}
    return {each for each in labels if is_label(each)}


def _named(files: Iterable[ArchivedFile], label: str | None) -> Iterator[BulkItem]:
    # A field of a form without a file name is no image.
    named = [each for each in files if each.name and not is_hidden(each.name)]
    for each in named:
        yield _item(_Line(file=each.name), each.read, label or _folder(each))


def _is_manifest(file: ArchivedFile) -> bool:
    return file.field == "manifest" or (file.name in _MANIFESTS and file.field in ("", "file"))


def _folder(file: ArchivedFile) -> str | None:
    parts = PurePosixPath(file.name).parts
    return parts[0] if len(parts) > 1 else None


def _listed(
    lines: Iterable[_Line], files: Iterable[ArchivedFile], label: str | None
) -> Iterator[BulkItem]:
    by_name = {each.name: each.read for each in files}
    for line in lines:
        yield _item(line, by_name.get(line.file, _missing), line.label or label)


def _missing(most: int) -> bytes:
    raise FileRefused("The manifest lists this file, but the archive lacks it; add it.")


def _item(line: _Line, read: Callable[[int], bytes], label: str | None) -> BulkItem:
    name = line.id or str(without_suffix(PurePosixPath(line.file)))
    return BulkItem(line.file, name, label, line.attributes, read)


def _lines(manifest: ArchivedFile) -> tuple[_Line, ...]:
    try:
        text = manifest.read(_MOST_MANIFEST_BYTES).decode("utf-8-sig")
        found = _LINES.validate_python(_parsed(text))
    except FileRefused as error:
        raise ArchiveUnreadable(f"The manifest cannot be read. {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = " ".join(map(str, first["loc"]))
        raise ArchiveUnreadable(
            f"The manifest has an unusable entry ({place}: {first['msg']}); each entry has `file`, "
            "and optionally `id`, `label` and `attributes`."
        ) from error
    except (ValueError, csv.Error, RecursionError) as error:
        raise ArchiveUnreadable(
            f"The manifest is neither CSV nor JSON in UTF-8 ({error}); correct it."
        ) from error
    if len(found) > MOST_FILES:
        raise ArchiveUnreadable(
            f"The manifest lists more than {MOST_FILES:,} files; send them in several requests."
        )
    return found


def _parsed(text: str) -> Any:
    """Return the entries of a manifest; a CSV file has a header."""
    if text.lstrip()[:1] in ("[", "{"):
        found = json.loads(text)
        return found["images"] if isinstance(found, dict) and "images" in found else found
    return [_without_empty(row) for row in csv.DictReader(io.StringIO(text), strict=True)]


def _without_empty(row: dict[str, Any]) -> dict[str, Any]:
    filled = {name: value for name, value in row.items() if value not in (None, "")}
    if isinstance(filled.get("attributes"), str):
        filled["attributes"] = json.loads(filled["attributes"])
    return filled
