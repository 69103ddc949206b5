"""Errors of the data set and of training."""

from embeddings.errors import BelvedereError


class DataError(BelvedereError):
    """The data set cannot be used; the message is one sentence that says what to do."""
