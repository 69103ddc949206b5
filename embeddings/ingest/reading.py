"""Reading of image files for the store: digests, stored form and attributes, or a reason."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from embeddings.images import Formats, ImageRejected
from embeddings.ingest.attributes import read_attributes
from embeddings.ingest.formats import find_heic_opener, ingest_formats
from embeddings.ingest.stored_file import as_stored
from embeddings.store.records import Blob


class ReadFile(NamedTuple):
    """Content of a file: its digests and JPEG file, or the reason for rejecting it."""

    source_digest: str | None = None
    digest: str | None = None
    blob: Blob | None = None
    attributes: str = ""
    """Attributes as JSON; empty if there are none."""
    reason: str = ""


def read_content(
    content: bytes, formats: Formats, keep_location: bool, stored: Mapping[str, str]
) -> ReadFile:
    """Decode the content of a file.

    `stored` contains the digest of the JPEG file for each digest of a source file that is stored
    already; such content is not decoded.
    """
    source_digest = sha256(content).hexdigest()
    try:
        attributes = read_attributes(content, keep_location)
        written = json.dumps(attributes) if attributes else ""
        if (digest := stored.get(source_digest)) is not None:
            return ReadFile(source_digest, digest, None, written)
        blob = as_stored(content, formats, keep_location)
        return ReadFile(source_digest, blob.digest, blob, written)
    except ImageRejected as error:
        return ReadFile(source_digest, reason=f"{error.rejection}: {error}")
    except Exception as error:  # decoders raise many types for damaged files
        return ReadFile(reason=unreadable(error))


def read_contents(
    keep_location: bool, contents: Sequence[tuple[int, bytes]]
) -> list[tuple[int, ReadFile]]:
    """Decode the contents of several files that are not stored, each with its number."""
    formats = ingest_formats(find_heic_opener())
    return [
        (number, read_content(content, formats, keep_location, {})) for number, content in contents
    ]


def unreadable(error: Exception) -> str:
    """Return the reason for rejecting a file that cannot be read."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"unreadable: {reason or type(error).__name__}"
