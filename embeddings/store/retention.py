"""Policy for the dataset versions that are kept, and prefixes of their tags."""

from dataclasses import dataclass

from pydantic import Field

from embeddings.settings import PathSettings

TRAINING_PREFIX = "training-"
"""Prefix of the tags of dataset versions that were trained on."""
RELEASE_PREFIX = "release-"
"""Prefix of the tags of dataset versions that were published."""


@dataclass(frozen=True)
class Retention:
    """Untagged dataset versions to keep: the newest ones and the recent ones."""

    versions: int = 10
    days: int = 30
    most: int = 1000
    """Most recent versions that are kept for their age alone."""


class RetentionSettings(PathSettings):
    """Settings of the dataset versions that a clean-up keeps."""

    keep_versions: int = Field(
        10, ge=1, description="Newest dataset versions that are kept; tagged ones are always kept."
    )
    keep_days: int = Field(
        30,
        ge=0,
        description="Days for which dataset versions are kept, of those the newest 1,000.",
    )

    @property
    def retention(self) -> Retention:
        """Policy for dataset versions without a tag."""
        return Retention(self.keep_versions, self.keep_days)
