"""Changes of images, their outcomes and their errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from embeddings.encoded import Encoded
from embeddings.ingest.attributes import Attributes
from embeddings.ingest.outcomes import WriteOutcome
from embeddings.ingest.unset import UNSET, Unset
from embeddings.store.records import Blob, RecordedDecision, StoredImage
from embeddings.store.tables import StoreError


class UnknownImage(StoreError):
    """Change of images that the store does not have, or that are deleted."""

    def __init__(self, message: str, ids: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.ids = tuple(ids)
        """Ids of these images."""


class ImageChanged(StoreError):
    """Change of records that is based on an earlier state of them."""

    def __init__(self, message: str, ids: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.ids = tuple(ids)
        """Ids of the images that changed, and of those that are unknown or deleted."""


class InvalidChange(StoreError):
    """Change with an unusable id, label, tag or attribute."""


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
class Edit:
    """Change the label, the attributes or the tags of images, or record that they were reviewed.

    All images are changed, or none. Outcome of each image: `relabelled`, `changed` (its attributes
    or tags), `reviewed` (nothing but the review) or `unchanged`.
    """

    ids: Sequence[str]
    by: str
    label: str | Unset | None = UNSET
    """None to remove the label, so that the images join the pool."""
    attributes: Mapping[str, JsonValue] = field(default_factory=dict)
    """JSON merge patch (RFC 7396) of the attributes: None deletes an attribute."""
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    reviewed: bool = False
    """True if the person has looked at the images and keeps the labels that do not change."""
    if_match: Mapping[str, str] = field(default_factory=dict)
    """`record_tag` of the state on which the change of an image is based, by id."""


@dataclass(frozen=True)
class Distinct:
    """Record that near-duplicates are different images; outcome `distinct` or `unchanged`."""

    ids: Sequence[str]
    by: str


@dataclass(frozen=True)
class Undo:
    """Take decisions back, each if no later change of its image was decided.

    Outcome of each decision: `undone`, or `unchanged` if it was taken back last.
    """

    decisions: Sequence[RecordedDecision]
    by: str


@dataclass(frozen=True)
class Delete:
    """Mark images as deleted; outcome `deleted`, or `unchanged` if all are deleted already."""

    ids: Sequence[str]
    by: str
    if_match: Mapping[str, str] = field(default_factory=dict)
    """`record_tag` of the state on which the change of an image is based, by id."""


@dataclass(frozen=True)
class Restore:
    """Take the deletion of images back; outcome `restored` or `unchanged`."""

    ids: Sequence[str]
    by: str
    if_match: Mapping[str, str] = field(default_factory=dict)
    """`record_tag` of the state on which the change of an image is based, by id."""


Change = Put | Edit | Distinct | Undo | Delete | Restore


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
    images: tuple[StoredImage, ...] = ()
    """Records after the change of all images that it names, in their order; empty for `Put`."""
    outcomes: Mapping[WriteOutcome, int] = field(default_factory=dict)
    """Number of images of each outcome; empty for `Put`."""
    decisions: tuple[str, ...] = ()
    """Keys of the decisions in the label journal."""
