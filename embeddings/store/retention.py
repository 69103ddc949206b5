"""Policy for the dataset versions that are kept, and prefixes of their tags."""

from dataclasses import dataclass

TRAINING_PREFIX = "training-"
"""Prefix of the tags of dataset versions that were trained on."""
RELEASE_PREFIX = "release-"
"""Prefix of the tags of dataset versions that were published."""


@dataclass(frozen=True)
class Retention:
    """Untagged dataset versions to keep: the newest ones and the recent ones."""

    versions: int = 10
    days: int = 30
