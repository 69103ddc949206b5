"""Formats of exports by name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from embeddings.errors import BelvedereError
from embeddings.export import FormatName
from embeddings.export.batches import ExportedImages
from embeddings.export.csv_table import write_csv
from embeddings.export.folder import write_folder
from embeddings.export.parquet import write_parquet


class UnusableOption(BelvedereError):
    """Option that a format of exports does not have."""


@dataclass(frozen=True)
class Options:
    """Choices of one export."""

    thumbnails: bool = False
    """Contain a thumbnail of each image."""
    keep_location: bool = False
    """Keep the location of the images, in attributes and files."""


class _Write(Protocol):
    def __call__(self, images: ExportedImages, options: Options, /) -> Iterator[bytes]: ...


@dataclass(frozen=True)
class Format:
    """Format of exports."""

    media_type: str
    write: _Write
    """Function that yields the parts of the file."""
    has_thumbnails: bool = False


def _parquet(images: ExportedImages, options: Options) -> Iterator[bytes]:
    return write_parquet(images, thumbnails=options.thumbnails, keep_location=options.keep_location)


def _csv(images: ExportedImages, options: Options) -> Iterator[bytes]:
    return write_csv(images, keep_location=options.keep_location)


def _folder(images: ExportedImages, options: Options) -> Iterator[bytes]:
    return write_folder(images, keep_location=options.keep_location)


FORMATS: Mapping[FormatName, Format] = {
    "parquet": Format("application/vnd.apache.parquet", _parquet, has_thumbnails=True),
    "csv": Format("text/csv", _csv),
    "folder": Format("application/zip", _folder),
}


def write(images: ExportedImages, name: FormatName, options: Options) -> Iterator[bytes]:
    """Return the parts of an export as they are made. Raises `UnusableOption`."""
    chosen = FORMATS[name]
    if options.thumbnails and not chosen.has_thumbnails:
        having = ", ".join(name for name, each in FORMATS.items() if each.has_thumbnails)
        raise UnusableOption(
            f"The format `{name}` has no thumbnails; leave them out, or choose {having}."
        )
    return chosen.write(images, options)
