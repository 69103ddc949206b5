"""Decoding of image files to RGB pixels, shared by training and serving."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from PIL import ExifTags, Image
from PIL.ImageFile import ImageFile

from embeddings.arrays import Pixels
from embeddings.colour_profiles import convert_to_srgb
from embeddings.image_limits import has_too_many_segments
from embeddings.sixteen_bit_png import has_sixteen_bits, to_eight_bits

Size = tuple[int, int]
"""Height and width in pixels."""


MAX_PIXELS = 40_000_000
MIN_SIDE = 8

PIXELS_VERSION = 2
"""Version of the decoding rules; increment it if any file decodes to different pixels.

It is part of the cache key of pixels and of everything computed from pixels.
"""

_ANIMATED_FORMATS = frozenset({"PNG", "WEBP"})
"""Formats whose animations are rejected; of other formats, the first or primary image is read.

Phones append previews to a JPEG ("MPO") and write bursts into one HEIC file.
"""
_WIDE_COLOUR_FORMATS = frozenset({"AVIF", "HEIF"})
"""Formats whose pixels are converted from their colour profile to sRGB."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""Transpose operation that turns an image of this EXIF orientation upright."""


class Rejection(StrEnum):
    """Reason for rejecting an image."""

    UNREADABLE = "unreadable"
    ANIMATED = "animated"
    TOO_LARGE = "too large"
    TOO_SMALL = "too small"


class ImageRejected(ValueError):
    """Unsupported or invalid image; the message is meant for the user."""

    def __init__(self, rejection: Rejection, message: str) -> None:
        super().__init__(message)
        self.rejection = rejection


def _open_upload(data: bytes) -> ImageFile:
    return Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP"))


@dataclass(frozen=True)
class Formats:
    """Image formats that a decoder accepts."""

    names: tuple[str, ...]
    open: Callable[[bytes], ImageFile]
    """Reads the header of a file; raises any exception for other formats."""

    def __str__(self) -> str:
        *first, last = self.names
        return f"{', '.join(first)} or {last}"


UPLOADS = Formats(("JPEG", "PNG", "WebP"), _open_upload)


def open_rgb(data: bytes, at_least: int | None = None, formats: Formats = UPLOADS) -> Image.Image:
    """Decode an image file to upright 8-bit RGB; transparent pixels are blended with white.

    16-bit samples are scaled by their range (`sixteen_bit_png.significant_bits`). HEIC and AVIF
    files are converted from their colour profile to sRGB. With `at_least` (pixels), a large JPEG
    may be decoded at reduced size if both sides keep at least that length. Raises `ImageRejected`.
    """
    file = _identify(data, formats)
    if at_least is not None:
        file.draft(None, (at_least, at_least))
    try:
        image = to_eight_bits(file, data) if has_sixteen_bits(file) else file
        image.load()
        rgb = _to_rgb(_upright(image))
    except Exception as error:  # decoders raise many types for damaged files
        raise ImageRejected(
            Rejection.UNREADABLE,
            f"The image is damaged or truncated ({error}); send the complete file.",
        ) from error
    if file.format in _WIDE_COLOUR_FORMATS:
        return convert_to_srgb(rgb, file.info.get("icc_profile"))
    return rgb


def read_pixels(data: bytes, height: int, width: int) -> Pixels:
    """Decode an image file to a uint8 array of shape (height, width, 3), values 0-255.

    The whole image is scaled to that size without keeping its aspect ratio: a crop could remove
    the object that the label refers to. Raises `ImageRejected`.
    """
    return scale_pixels(open_rgb(data, at_least=least_side(height, width)), height, width)


def is_decoded_whole(image: Image.Image, height: int, width: int) -> bool:
    """Return whether `read_pixels` decodes a JPEG with the size of `image` at its full size."""
    # A JPEG is decoded at half its size or less if that keeps the least length of both sides.
    return min(image.size) < 2 * least_side(height, width)


def least_side(height: int, width: int) -> int:
    """Return the side in pixels that a decoded image keeps before it is scaled to a size."""
    # At twice the size, the filter still averages over enough pixels.
    return 2 * max(height, width)


def scale_pixels(image: Image.Image, height: int, width: int) -> Pixels:
    """Return an RGB image as a uint8 array of shape (height, width, 3), values 0-255."""
    scaled = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(scaled, dtype=np.uint8)


def measure(data: bytes) -> tuple[int, int]:
    """Return the upright (width, height) in pixels.

    Decodes the whole image to detect damage. Raises `ImageRejected`.
    """
    return open_rgb(data).size


def exif_orientation(data: bytes) -> int:
    """Return the EXIF orientation, 1-8; 1 if there is none. Raises `ImageRejected`."""
    return _orientation(_identify(data, UPLOADS))


def is_jpeg(data: bytes) -> bool:
    """Return True if the bytes start with the JPEG signature."""
    return data.startswith(b"\xff\xd8\xff")


def to_jpeg(data: bytes, longest: int, quality: int = 95) -> bytes:
    """Encode an image file as an upright JPEG with at most `longest` pixels on its longer side.

    Raises `ImageRejected`.
    """
    return encode_jpeg(open_rgb(data, at_least=longest), longest, quality)


def encode_jpeg(image: Image.Image, longest: int, quality: int = 95) -> bytes:
    """Encode an RGB image as a JPEG without metadata; a larger image is scaled, in place."""
    image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    # Pillow copies the comment, which may contain a location.
    image.save(buffer, "JPEG", quality=quality, comment=None)
    return buffer.getvalue()


def _identify(data: bytes, formats: Formats) -> ImageFile:
    """Read only the header and reject files that must not be decoded."""
    if has_too_many_segments(data):
        raise ImageRejected(
            Rejection.UNREADABLE,
            "The file has too many chunks, segments or scans; save the image again and retry.",
        )
    try:
        image = formats.open(data)
    except ImageRejected:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large() from error
    except Exception as error:
        raise ImageRejected(
            Rejection.UNREADABLE,
            f"The file is not a supported image; send a {formats} file.",
        ) from error
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise _too_large()
    if min(width, height) < MIN_SIDE:
        raise ImageRejected(
            Rejection.TOO_SMALL,
            f"The image has {width}x{height} pixels; each side needs at least {MIN_SIDE}.",
        )
    if image.format in _ANIMATED_FORMATS and getattr(image, "n_frames", 1) > 1:
        raise ImageRejected(Rejection.ANIMATED, "The image is animated; send a still image.")
    return image


def _too_large() -> ImageRejected:
    limit = MAX_PIXELS // 1_000_000
    return ImageRejected(
        Rejection.TOO_LARGE, f"The image has more than {limit} megapixels; send a smaller one."
    )


def _upright(image: Image.Image) -> Image.Image:
    turn = _TURNS.get(_orientation(image))
    return image if turn is None else image.transpose(turn)


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
        return int(value) if value in _TURNS else 1
    except Exception:  # broken metadata do not affect the pixels
        return 1


# Images are copied only if necessary: 40 megapixels take 160 MB.
def _to_rgb(image: Image.Image) -> Image.Image:
    if image.has_transparency_data:
        clear = image if image.mode in ("LA", "RGBA") else image.convert("RGBA")
        image = Image.new("RGB", clear.size, "white")
        image.paste(clear, mask=clear)
    return image if image.mode == "RGB" else image.convert("RGB")
