"""Stored form of an image file: an upright JPEG of bounded size with its thumbnail."""

from hashlib import sha256

from PIL import Image

from embeddings.images import Formats, encode_jpeg, is_jpeg, open_rgb
from embeddings.ingest.thumbnails import make_thumbnail
from embeddings.jpeg_metadata import remove_metadata
from embeddings.store.records import Blob

_LONGEST_SIDE = 2048


def as_stored(content: bytes, formats: Formats, keep_location: bool) -> Blob:
    """Return the JPEG file to store; a JPEG up to 2,048 pixels keeps its compressed image.

    Metadata that may contain a location are removed unless `keep_location`. Raises `ImageRejected`.
    """
    return decode_and_store(content, formats, keep_location)[0]


def decode_and_store(
    content: bytes, formats: Formats, keep_location: bool
) -> tuple[Blob, Image.Image | None]:
    """Return the JPEG file to store and its pixels; None if they differ from those of `content`.

    See `as_stored`. Raises `ImageRejected`.
    """
    image = open_rgb(content, formats=formats)
    thumbnail = make_thumbnail(image).tobytes()
    keeps_pixels = is_jpeg(content) and max(image.size) <= _LONGEST_SIDE
    if keeps_pixels:
        jpeg = content if keep_location else remove_metadata(content)
    else:
        jpeg = encode_jpeg(image, _LONGEST_SIDE)
    blob = Blob(sha256(jpeg).hexdigest(), jpeg, *image.size, thumbnail)
    return blob, image if keeps_pixels else None
