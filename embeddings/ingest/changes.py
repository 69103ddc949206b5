"""Changes of single images, their outcomes and their errors."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from embeddings.encoded import Encoded
from embeddings.ingest.attributes import Attributes
from embeddings.ingest.outcomes import WriteOutcome
from embeddings.store.records import Blob, StoredImage
from embeddings.store.tables import StoreError


class UnknownImage(StoreError):
    """Change of an image that the store does not have, or that is deleted."""


class ImageChanged(StoreError):
    """Change of a record that is based on an earlier state of it."""


class InvalidChange(StoreError):
    """Change with an unusable id, label or attribute."""


@dataclass(frozen=True)
class PreparedFile:
    """Image file that is decoded and encoded, so that the writer only stores it."""

    blob: Blob
    source_digest: str
    """SHA-256 of the file as it was sent."""
    attributes: Attributes
    encoded: Encoded
    """Features of the stored JPEG file, one row."""
    encoder: str
    """Fingerprint of the encoder of the features."""


@dataclass(frozen=True)
class Put:
    """Add an image, or replace the content or label of the image with this id.

    Outcomes: `added`, `replaced`, `unchanged`, `relabelled`. Nothing is written for `duplicate_of`
    (the content is stored under another id), `conflict` (under another id with another label) and
    `deleted_before` (the content of a deleted image, without `restore`).
    """

    id: str
    label: str | None
    """None to leave the label of a known image as it is."""
    file: PreparedFile
    by: str
    """Name of the person or key."""
    restore: bool = False


@dataclass(frozen=True)
class Relabel:
    """Change the label or the attributes of an image.

    Outcomes: `relabelled`, `changed` (its attributes alone) and `unchanged`.
    """

    id: str
    by: str
    label: str | None = None
    """None to leave the label as it is."""
    attributes: dict[str, JsonValue] | None = None
    """JSON merge patch (RFC 7396) of the attributes: None deletes an attribute."""
    if_match: str | None = None
    """`record_tag` of the state on which the change is based."""


@dataclass(frozen=True)
class Delete:
    """Mark images as deleted; outcome `deleted`, or `unchanged` if all are deleted already."""

    ids: Sequence[str]
    by: str


@dataclass(frozen=True)
class Restore:
    """Take the deletion of images back; outcome `restored` or `unchanged`."""

    ids: Sequence[str]
    by: str


Change = Put | Relabel | Delete | Restore


@dataclass(frozen=True)
class Written:
    """Result of a change, which is durable at `revision`."""

    outcome: WriteOutcome
    id: str
    """Id of the image that the change concerns: of `duplicate_of` the stored image; empty for
    several images."""
    detail: str
    """Explanation; empty if the outcome says all."""
    revision: int
    image: StoredImage | None
    """Record after the change; None for several images."""
