"""Preparation of an image file for the writer: decoding, encoding and stored form."""

from hashlib import sha256

from embeddings.encoded import Encoded
from embeddings.encoder import Encoder
from embeddings.images import ImageRejected, Rejection
from embeddings.ingest.attributes import read_attributes
from embeddings.ingest.changes import PreparedFile
from embeddings.ingest.file_types import HEAD
from embeddings.ingest.formats import find_heic_opener, ingest_formats, refuse
from embeddings.ingest.stored_file import as_stored


def prepare(
    content: bytes, encoder: Encoder, encoder_fingerprint: str, *, keep_location: bool = False
) -> PreparedFile:
    """Return an image file in the form in which it is stored, with its features.

    The formats are those of ingest. Thread-safe. Raises `ImageRejected`.
    """
    formats = ingest_formats(find_heic_opener())
    reason = refuse(content[:HEAD], formats)
    if reason is not None:
        raise ImageRejected(Rejection.UNREADABLE, f"The file is unusable: {reason}.")
    blob = as_stored(content, formats, keep_location)
    return PreparedFile(
        blob=blob,
        source_digest=sha256(content).hexdigest(),
        attributes=read_attributes(content, keep_location),
        encoded=Encoded.concatenate(encoder.encode_files([blob.jpeg])),
        encoder=encoder_fingerprint,
    )
