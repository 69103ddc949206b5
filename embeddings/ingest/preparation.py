"""Preparation of an image file for the writer: decoding, encoding and stored form."""

from hashlib import sha256

from embeddings.encoder import Encoder
from embeddings.images import (
    ImageRejected,
    Rejection,
    is_decoded_whole,
    read_pixels,
    scale_pixels,
)
from embeddings.ingest.attributes import read_attributes
from embeddings.ingest.changes import PreparedFile
from embeddings.ingest.file_types import HEAD
from embeddings.ingest.formats import find_heic_opener, ingest_formats, refuse
from embeddings.ingest.stored_file import decode_and_store


def prepare(
    content: bytes, encoder: Encoder, encoder_fingerprint: str, *, keep_location: bool = False
) -> PreparedFile:
    """Return an image file in the form in which it is stored, with its features.

    The formats are those of ingest. The features are computed on one core; they are bit-equal to
    those that publishing would compute. Raises `ImageRejected`.
    """
    formats = ingest_formats(find_heic_opener())
    reason = refuse(content[:HEAD], formats)
    if reason is not None:
        raise ImageRejected(Rejection.UNREADABLE, f"The file is unusable: {reason}.")
    blob, image = decode_and_store(content, formats, keep_location)
    size = (encoder.height, encoder.width)
    if image is not None and is_decoded_whole(image, *size):
        pixels = scale_pixels(image, *size)
    else:
        pixels = read_pixels(blob.jpeg, *size)
    return PreparedFile(
        blob=blob,
        source_digest=sha256(content).hexdigest(),
        attributes=read_attributes(content, keep_location),
        encoded=encoder.encode_beside_others(pixels),
        encoder=encoder_fingerprint,
    )
