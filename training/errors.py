"""Errors in the data set."""

from embeddings.errors import BelvedereError


class DataError(BelvedereError):
    """Unusable data set; the message is one sentence with the remedy."""
