"""The one place where pixels are made: an image file to RGB, for training and serving alike."""

import io
from enum import StrEnum

import numpy as np
from PIL import ExifTags, Image
from PIL.ImageFile import ImageFile

from embeddings.arrays import Pixels
from embeddings.image_limits import has_too_many_segments
from embeddings.sixteen_bit_png import has_sixteen_bits, to_eight_bits

Size = tuple[int, int]
"""Height and width in pixels."""


FORMATS = ("JPEG", "PNG", "WEBP")
MAX_PIXELS = 40_000_000
MIN_SIDE = 8

PIXELS_VERSION = 2
"""Version of the rules from an image file to pixels; raise it if any file decodes differently.

Caches of pixels and everything learned from pixels are keyed by it.
"""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes an image of this EXIF orientation upright."""


class Rejection(StrEnum):
    """Why an image is not accepted."""

    UNREADABLE = "unreadable"
    ANIMATED = "animated"
    TOO_LARGE = "too large"
    TOO_SMALL = "too small"


class ImageRejected(ValueError):
    """The bytes are no image that is read here; the message is one sentence for the user."""

    def __init__(self, rejection: Rejection, message: str) -> None:
        super().__init__(message)
        self.rejection = rejection


def open_rgb(data: bytes, at_least: int | None = None) -> Image.Image:
    """Decode an image file to upright 8-bit RGB; transparency is laid over white.

    16-bit samples are scaled by their range, `significant_bits` in `sixteen_bit_png`.
    With `at_least` (pixels), a large JPEG may be decoded at a fraction of its size whose sides are
    still no smaller than that. Raises `ImageRejected`.
    """
    file = _identify(data)
    if at_least is not None:
        file.draft(None, (at_least, at_least))
    try:
        image = to_eight_bits(file, data) if has_sixteen_bits(file) else file
        image.load()
        return _to_rgb(_upright(image))
    except Exception as error:  # decoders raise many kinds for damaged files
        raise ImageRejected(
            Rejection.UNREADABLE,
            f"The image is damaged or cut short ({error}); send the whole file.",
        ) from error


def read_pixels(data: bytes, height: int, width: int) -> Pixels:
    """Decode an image file to a uint8 array of shape (height, width, 3), values 0-255.

    The whole photograph is scaled to that size, whatever its proportions: a crop could cut away
    what its class is named for. Raises `ImageRejected`.
    """
    # Twice the size leaves the filter enough to average over.
    image = open_rgb(data, at_least=2 * max(height, width))
    scaled = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(scaled, dtype=np.uint8)


def measure(data: bytes) -> tuple[int, int]:
    """Upright (width, height) in pixels, decoding everything so that damage is noticed."""
    return open_rgb(data).size


def exif_orientation(data: bytes) -> int:
    """Return the declared EXIF orientation, 1-8; 1 if there is none. Raises `ImageRejected`."""
    return _orientation(_identify(data))


def is_jpeg(data: bytes) -> bool:
    """Whether the bytes start as a JPEG file does."""
    return data.startswith(b"\xff\xd8\xff")


def to_jpeg(data: bytes, longest: int, quality: int = 95) -> bytes:
    """Re-encode an image file as an upright JPEG whose longer side has at most `longest` pixels."""
    image = open_rgb(data, at_least=longest)
    image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    # Pillow would take the comment over, which may name a place.
    image.save(buffer, "JPEG", quality=quality, comment=None)
    return buffer.getvalue()


def _identify(data: bytes) -> ImageFile:
    """Read the header alone and refuse what must not be decoded."""
    if has_too_many_segments(data):
        raise ImageRejected(
            Rejection.UNREADABLE,
            "The file is made of far more parts than a photograph; save the image anew.",
        )
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large() from error
    except Exception as error:
        raise ImageRejected(
            Rejection.UNREADABLE,
            "This is not an image that can be read; send a JPEG, PNG or WebP file.",
        ) from error
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise _too_large()
    if min(width, height) < MIN_SIDE:
        raise ImageRejected(
            Rejection.TOO_SMALL,
            f"The image has {width}x{height} pixels; each side needs at least {MIN_SIDE}.",
        )
    # Phones write a JPEG with previews behind it ("MPO"): its first frame is the photograph.
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        raise ImageRejected(Rejection.ANIMATED, "The image is animated; send a still photograph.")
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
    except Exception:  # broken metadata say nothing about the picture
        return 1


# Large images are copied only where they must be: 40 megapixels take 160 MB.
def _to_rgb(image: Image.Image) -> Image.Image:
    if image.has_transparency_data:
        clear = image if image.mode in ("LA", "RGBA") else image.convert("RGBA")
        image = Image.new("RGB", clear.size, "white")
        image.paste(clear, mask=clear)
    return image if image.mode == "RGB" else image.convert("RGB")
