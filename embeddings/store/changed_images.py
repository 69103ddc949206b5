"""Images that changed after a revision, with their features."""

from dataclasses import dataclass

from embeddings.encoded import Encoded
from embeddings.store.records import Images


@dataclass(frozen=True)
class ChangedImages:
    """Rows of the table `images` that changed after an earlier revision."""

    revision: int
    """Revision up to which all changes are contained."""
    images: Images
    """Changed images in the order of their arrival, tombstones included; each id once."""
    encoded: Encoded
    """Features of `images`, row by row; those of a deleted image have no meaning."""
    encoder: str
    """Fingerprint of the encoder of the features."""
