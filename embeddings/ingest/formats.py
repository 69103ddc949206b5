"""Image formats that ingest reads, and the reasons for refusing others."""

import io
import re
from collections.abc import Callable
from functools import partial

from PIL import Image
from PIL.ImageFile import ImageFile

from embeddings.images import Formats, ImageRejected, Rejection
from embeddings.ingest.file_types import HEAD, find_format

Opener = Callable[[bytes], ImageFile]
"""Reads the header of an image file."""

_HEIC_MISSING = (
    "HEIC: the package pillow-heif is not installed; run `pip install 'belvedere[heic]'`, or "
    "convert the file to JPEG"
)

_EXIF_ITEM = re.compile(rb"(infe\x02\0\0.{5})Exif", re.DOTALL)


def ingest_formats(open_heic: Opener | None) -> Formats:
    """Return the formats of ingest: JPEG, PNG, WebP, AVIF and, with a decoder for it, HEIC."""
    names = ("JPEG", "PNG", "WebP", "AVIF")
    return Formats(names if open_heic is None else (*names, "HEIC"), partial(_open, open_heic))


def find_heic_opener() -> Opener | None:
    """Return the decoder of the package pillow-heif; None if it is not installed.

    Pillow itself is not extended, so that other decoders read no HEIC files.
    """
    try:
        from pillow_heif import HeifImageFile
    except ImportError:
        return None

    def open_heic(data: bytes) -> ImageFile:
        # The package lacks this annotation.
        image: ImageFile = HeifImageFile(io.BytesIO(data))  # type: ignore[no-untyped-call]
        return image

    return open_heic


def refuse(head: bytes, formats: Formats) -> str | None:
    """Return the reason for refusing a file that starts with these bytes; None to read it."""
    found = find_format(head)
    if found in formats.names:
        return None
    if found == "HEIC":
        return _HEIC_MISSING
    if found is not None:
        return f"{found}: unsupported format; convert it to JPEG, PNG or WebP"
    return f"not a {formats} file"


def _open(open_heic: Opener | None, data: bytes) -> ImageFile:
    found = find_format(data[:HEAD])
    if found == "AVIF":
        return _open_modern(_open_avif, data, found)
    if found == "HEIC" and open_heic is not None:
        return _open_modern(open_heic, data, found)
    return Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP"))


def _open_modern(opener: Opener, data: bytes, name: str) -> ImageFile:
    try:
        image = opener(data)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise
    except Exception as error:  # decoders raise many types for damaged files
        raise ImageRejected(
            Rejection.UNREADABLE,
            f"The {name} file is damaged or of an unknown kind; export it again as JPEG.",
        ) from error
    # The decoders turn the image as its container says; Pillow would obey XMP, too.
    image.info.pop("xmp", None)
    return image


def _open_avif(data: bytes) -> ImageFile:
    try:
        return Image.open(io.BytesIO(data), formats=("AVIF",))
    except Exception:
        # Pillow refuses files with broken EXIF data; an unknown type hides them.
        hidden = _EXIF_ITEM.sub(rb"\1free", data)
        return Image.open(io.BytesIO(hidden), formats=("AVIF",))
