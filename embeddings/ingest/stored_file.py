"""Stored form of an image file: an upright JPEG of bounded size with its thumbnail."""

from hashlib import sha256

from embeddings.images import Formats, encode_jpeg, is_jpeg, open_rgb
from embeddings.ingest.thumbnails import make_thumbnail
from embeddings.jpeg_metadata import remove_metadata
from embeddings.store.records import Blob

_LONGEST_SIDE = 2048


def as_stored(content: bytes, formats: Formats, keep_location: bool) -> Blob:
    """Return the JPEG file to store; a JPEG up to 2,048 pixels keeps its compressed image.

    Metadata that may contain a location are removed unless `keep_location`. Raises `ImageRejected`.
    """
    image = open_rgb(content, formats=formats)
    thumbnail = make_thumbnail(image).tobytes()
    if not is_jpeg(content) or max(image.size) > _LONGEST_SIDE:
        jpeg = encode_jpeg(image, _LONGEST_SIDE)
    else:
        jpeg = content if keep_location else remove_metadata(content)
    return Blob(sha256(jpeg).hexdigest(), jpeg, *image.size, thumbnail)
